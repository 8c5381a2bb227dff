# compile-check.mk: drivers/ compiles with warnings as errors for aarch64, for 32-bit Arm and for this
# machine, unchanged and freestanding: no C library's header can be reached, only the compiler's own
# (<stdint.h> and the like) and hal.h. Objects only; what includes task.h may see libc.

include scripts/config.mk
include scripts/toolchain.mk
include scripts/rooms.mk

HOSTCC ?= gcc
ARMCC ?= arm-none-eabi-gcc
CHECK := build/check

own_include = -isystem $(shell $1 -print-file-name=include)
STRICT = -std=gnu11 -O2 -Wall -Wextra -Werror -MMD -MP -c
FREE = -ffreestanding -nostdinc -Idrivers -Iplatform

cc_aarch64 = $(CC_TARGET) $(STRICT) $(NO_FP) -Iplatform/arch/aarch64
cc_arm = $(ARMCC) $(STRICT) -mcpu=cortex-a15 -mfloat-abi=hard -mthumb -Iplatform/arch/arm
cc_host = $(HOSTCC) $(STRICT) -Iplatform/host

drivers_aarch64 = $(FREE) $(call own_include,$(CC_TARGET))
drivers_arm = $(FREE) $(call own_include,$(ARMCC))
drivers_host = $(FREE) $(call own_include,$(HOSTCC))
files_aarch64 = $(WITH_LIBC) -Idrivers -Iplatform -Iplatform/libc/include $(NOT_LINUX)
files_arm = -Idrivers -Iplatform -Iplatform/libc/include
files_host = -Idrivers -Iplatform

MACHINES := aarch64 arm host
OBJECTS :=
define check_one
OBJECTS += $(CHECK)/$1/$3.o
$(CHECK)/$1/$3.o: $3 scripts/compile-check.mk
	@mkdir -p $$(@D) && $$(cc_$1) $$($2_$1) $$< -o $$@
endef
$(foreach m,$(MACHINES),$(foreach r,drivers files,$(foreach s,$(SRC_$r),$(eval $(call check_one,$m,$r,$s)))))
-include $(OBJECTS:.o=.d)

all: $(OBJECTS)
	@echo 'compile-check: files=$(words $(ALL_DRIVERS)) freestanding=$(words $(SRC_drivers)) machines=$(words $(MACHINES))'

.PHONY: all
