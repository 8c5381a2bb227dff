# SPDX-License-Identifier: BSD-2-Clause
# deps.mk: the C library and the third-party sources, made once and kept in build/.

include scripts/config.mk
include scripts/toolchain.mk

# Built again when the compiler or the recipe has changed; dates do not matter.
NEWLIB_KEY := $(CROSS) $(shell $(CC_TARGET) -dumpfullversion) \
              $(shell cat scripts/newlib.mk scripts/newlib.h scripts/build-newlib | cksum)
NEWLIB_STALE := $(if $(call differ,$(NEWLIB_KEY),$(file <build/newlib/.key)),FORCE)

WANTED := $(if $(OWN_NEWLIB),build/newlib/.key) \
          $(if $(LWIP_DIR),,build/lwip/.fixed) $(if $(LIBFDT_DIR),,build/libfdt/.version)

# The newlib that is built here is for AArch64.
$(if $(and $(OWN_NEWLIB),$(filter-out aarch64,$(ARCH))),$(error $(CC_TARGET) has no newlib for \
    ARCH=$(ARCH): install libnewlib-arm-none-eabi, or set NEWLIB_DIR=))

deps: $(WANTED)
	@$(call holds,LWIP_DIR,src/core/init.c)$(call holds,LIBFDT_DIR,libfdt.h):

# An override that points elsewhere than at such a source is an error.
holds = $(if $($1),$(if $(wildcard $($1)/$2),,$(error $1=$($1): there is no $2 in it)))

build/newlib/.key: $(NEWLIB_STALE)
	+@scripts/build-newlib build/newlib $(CROSS)
	@echo '$(NEWLIB_KEY)' > $@
build/lwip/.version build/libfdt/.version: build/%/.version:
	@scripts/fetch-source $* $(@D)

build/lwip/.fixed: build/lwip/.version scripts/fix-lwip
	@scripts/fix-lwip $(@D)
	@touch $@

.PHONY: deps FORCE
