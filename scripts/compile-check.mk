# SPDX-License-Identifier: BSD-2-Clause
# compile-check.mk: drivers/ compiles with warnings as errors for aarch64, for 32-bit Arm and for
# this machine, unchanged and freestanding: no C library's header can be reached, only hal.h and the
# compiler's own (<stdint.h> and the like). Objects only; of one machine: build/check/aarch64.

include scripts/config.mk
include scripts/toolchain.mk
include scripts/sources.mk

HOSTCC ?= gcc
# CROSS= is the compiler of the machine that ARCH= names, aarch64 unless told otherwise.
cc_of = $(if $(filter $1,$(ARCH)),$(CROSS),$(CROSS_$1))gcc
CHECK := build/check

STRICT = -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -nostdinc -MMD -MP -c \
         -Idrivers
own_include = -isystem $(shell $1 -print-file-name=include)

cc_aarch64 = $(call cc_of,aarch64) $(STRICT) $(call own_include,$(call cc_of,aarch64)) $(NO_FP) \
             -Iplatform/arch/aarch64
# As the compiler is by itself: T32, and int32_t is long.
cc_arm = $(call cc_of,arm) $(STRICT) $(call own_include,$(call cc_of,arm)) $(NO_FP) \
         -mcpu=cortex-a15 -mfloat-abi=hard -mthumb -Iplatform/arch/arm
cc_host = $(HOSTCC) $(STRICT) $(call own_include,$(HOSTCC)) -Iplatform/host

MACHINES := aarch64 arm host
OBJECTS :=
define check_one
OBJECTS += $(CHECK)/$1/$2.o
$(CHECK)/$1: $(CHECK)/$1/$2.o
$(CHECK)/$1/$2.o: $2 scripts/compile-check.mk
	@mkdir -p $$(@D) && $$(cc_$1) $$< -o $$@
endef
FILES := $(ALL_DRIVERS) $(KERNEL_DRIVERS)
$(foreach m,$(MACHINES),$(foreach s,$(FILES),$(eval $(call check_one,$m,$s))))
-include $(OBJECTS:.o=.d)

all: $(OBJECTS)
	@echo 'compile-check: files=$(words $(FILES)) freestanding=$(words $(FILES))' \
	    'machines=$(words $(MACHINES))'

.PHONY: all $(MACHINES:%=$(CHECK)/%)
