# SPDX-License-Identifier: BSD-2-Clause
# kernels.mk: the kernels of kernels/, each with drivers/ as a library: build/kernels/NAME.elf.
# kernels/*/kernel.mk adds the kernels of its folder to KERNELS, and says of each:
#   CC_NAME       the compiler
#   CPU_NAME      its flags for the CPU
#   FLAGS_NAME    those that only the compiler gets, not the linker
#   DIR_NAME      the folder
#   BASE_NAME     where in memory the image lies
#   LINK_NAME     of a program of an operating system, in place of BASE_NAME: flags of the linker
#   WITHOUT_NAME  files of drivers/ whose place others take

include scripts/config.mk
include scripts/sources.mk
Q := $(if $V,,@)
OUT := build/kernels

KERNELS :=
include $(wildcard kernels/*/kernel.mk)

# Disk and network card over virtio-mmio and PCI: the folders of drivers/ that these need.
LIBRARY := $(wildcard drivers/hal_*.c) $(filter-out drivers/block/cache/%, \
               $(filter $(addprefix drivers/,virtio/% pci/% block/% net/%),$(SRC_drivers)))
FLAGS = -std=gnu11 -Os -g -Wall -Wextra $(if $(WERROR),-Werror) -ffunction-sections \
        -fdata-sections -fno-common -DVIREO_SECTIONS=0 -Idrivers -Ikernels/common \
        -ffile-prefix-map=$(CURDIR)/=
# Without an operating system: no libc, one range of memory.
BARE = -ffreestanding -DVIREO_MEMORY_FUNCTIONS=1 -fno-pic -fno-stack-protector \
       -fno-unwind-tables -fno-asynchronous-unwind-tables
LINK = -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack \
       -Wl,--no-warn-rwx-segments -T kernels/common/kernel.ld
link_of = $(or $(LINK_$1),$(LINK) -Wl$(comma)--defsym$(comma)KERNEL_BASE=$(BASE_$1))
libs_of = $(if $(LINK_$1),,-lgcc)
comma := ,

# A system may have no compiler for one of them; scripts/setup knows which do.
HERE := $(foreach k,$(KERNELS),$(if $(shell command -v $(CC_$k)),$k))
all: $(HERE:%=$(OUT)/%.elf)
	@$(foreach k,$(filter-out $(HERE),$(KERNELS)),echo 'kernels: no $(CC_$k): $k is left out';):

define kernel
SRC_$1 := $$(filter-out $$(WITHOUT_$1),$$(LIBRARY)) \
          $$(wildcard kernels/common/*.c $$(DIR_$1)/*.[cS])
OBJ_$1 := $$(SRC_$1:%=$(OUT)/$1/%.o)
$$(OBJ_$1): $(OUT)/$1/%.o: % scripts/kernels.mk $$(DIR_$1)/kernel.mk
	@$$(if $$V,,printf '  %-5s %s\n' CC $$<)
	$$Q mkdir -p $$(@D) && $$(CC_$1) $$(FLAGS) $$(if $$(LINK_$1),,$$(BARE)) $$(CPU_$1) \
	    $$(FLAGS_$1) -I$$(DIR_$1) \
	    -MMD -MP -c $$< -o $$@
$(OUT)/$1.elf: $$(OBJ_$1) kernels/common/kernel.ld
	@$$(if $$V,,printf '  %-5s %s\n' LD $$@)
	$$Q $$(CC_$1) $$(CPU_$1) $$(call link_of,$1) -Wl,-Map=$(OUT)/$1.map -o $$@ $$(OBJ_$1) \
	    $$(call libs_of,$1)
-include $$(OBJ_$1:.o=.d)
endef
$(foreach k,$(KERNELS),$(eval $(call kernel,$k)))

.PHONY: all
