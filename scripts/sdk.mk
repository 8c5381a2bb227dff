# SPDX-License-Identifier: BSD-2-Clause
# sdk.mk: lays out the SDK in PREFIX: scripts/vireo-cc and its kin, public headers, one archive of
# Vireo and newlib, the linker's script. Nothing there needs this tree. After an image was built,
# whose archives it takes.

include scripts/config.mk
include scripts/toolchain.mk

OBJ := build/$(ARCH)/obj
PREFIX ?= build/sdk
SDK := $(PREFIX)/lib/vireo
# <vireo.h> includes ../../drivers/hal.h.
PUBLIC := libc:platform/libc/include socket:net/socket/include net:net/lwip/include \
          inet:net/inet/include vsock:net/vsock/include newlib:$(NEWLIB)/include
NAMES := cc c++ ar ranlib strip nm pkg-config
# Libraries that programs name, and of which everything.a has what there is.
EMPTY := c m pthread dl rt util resolv nsl socket

# Flags that are for this tree's own files, and what is another for programs.
OF_THE_TREE := -std=% -O2 -g -ffile-prefix-map=% -fdebug-prefix-map=% -U__unix% -DHAL_DMA_NEAR

define CONF
tool='$(CROSS)'
machine='$(MACHINE)'
compile='$(filter-out $(OF_THE_TREE),$(COMMON))'
gcc_include='$(patsubst -isystem,,$(GCC_INCLUDE))'
link='$(filter-out -Wl$(comma)--fatal-warnings,$(LDFLAGS))'
python='$(PYTHON)'
endef
export CONF

sdk:
	$(Q)rm -rf $(SDK) && mkdir -p $(PREFIX)/bin $(SDK)/include/vireo $(SDK)/drivers \
	    $(SDK)/lib/linker $(SDK)/lib/pkgconfig
	$(Q)$(foreach p,$(PUBLIC),cp -r $(word 2,$(subst :, ,$p)) \
	    $(SDK)/include/$(firstword $(subst :, ,$p)) &&) true
	$(Q)cp platform/vireo/*.h $(SDK)/include/vireo
	$(Q)cp drivers/hal*.h drivers/vireo_*.h platform/arch/$(ARCH)/hal_arch.h $(SDK)/drivers
	$(Q)cp linker/virt.ld $(SDK)/lib/linker && cp linker/$(ARCH)-virt.ld $(SDK)/lib/image.ld
	$(Q)cp scripts/symtab.py scripts/vireo.cmake $(SDK)
	$(Q)for f in '' -full; do scripts/flat-archive $(CROSS)ar $(OBJ)/everything$$f.a \
	    $(SDK)/lib/everything$$f.a || exit; done
	$(Q)for l in $(EMPTY); do $(CROSS)ar qcs $(SDK)/lib/lib$$l.a; done
	$(Q)echo "$$CONF" >$(SDK)/conf
	$(Q)for n in $(NAMES); do cp scripts/vireo-cc $(PREFIX)/bin/vireo-$$n && \
	    ln -sf vireo-$$n $(PREFIX)/bin/$(ARCH)-vireo-$$n; done
	$(Q)ln -sf vireo-cc $(PREFIX)/bin/$(ARCH)-vireo-gcc
	$(Q)ln -sf vireo-c++ $(PREFIX)/bin/$(ARCH)-vireo-g++
	@echo 'SDK: $(abspath $(PREFIX))/bin/vireo-cc'

.PHONY: sdk
