# SPDX-License-Identifier: BSD-2-Clause
# deps.mk: the C library and the third-party sources, made once and kept in build/.

include scripts/config.mk
include scripts/toolchain.mk

NEWLIB_SOURCE := build/newlib-source

# The Debian release whose sources are built.
RELEASE := $(shell sed -n 's/^release=//p' scripts/fetch-source)

# Built again when the compiler or the recipe has changed; dates do not matter.
NEWLIB_KEY := $(CROSS) $(MACHINE) $(shell $(CC_TARGET) -dumpfullversion) $(RELEASE) \
              $(shell cat scripts/newlib* scripts/build-newlib | cksum)
NEWLIB_STALE := $(if $(call differ,$(NEWLIB_KEY),$(file <$(NEWLIB)/.key)),FORCE)

WANTED := $(if $(OWN_NEWLIB),$(NEWLIB)/.key) \
          $(LWIP)/.fixed $(if $(LIBFDT_DIR),,build/libfdt/.version)

# An override that points elsewhere than at such a source is an error.
holds = $(if $($1),$(if $(wildcard $($1)/$2),,$(error $1=$($1): there is no $2 in it)))

deps: $(WANTED)
	@$(call holds,LIBFDT_DIR,libfdt.h):

$(NEWLIB)/.key: $(NEWLIB_SOURCE)/.version $(NEWLIB_STALE)
	+@scripts/build-newlib $(NEWLIB) $(ARCH) $(CROSS) $(NEWLIB_SOURCE)
	@echo "$$KEY" > $@
$(NEWLIB)/.key: export KEY = $(NEWLIB_KEY)
$(NEWLIB)/.key: export MACHINE_FLAGS = $(MACHINE)

# Sources are fetched again when fetch-source names another release; dates do not matter.
SOURCES := $(NEWLIB_SOURCE) build/lwip build/libfdt build/littlefs
STALE_SOURCES := $(foreach s,$(SOURCES),$(if $(call differ,$(RELEASE),$(file <$s/.release)),$s))
$(STALE_SOURCES:%=%/.version): FORCE
$(SOURCES:%=%/.version): build/%/.version:
	@scripts/fetch-source $(*:newlib-source=newlib) $(@D)

$(LWIP)/.fixed: $(LWIP)/.version scripts/fix-lwip scripts/vireolib/mending.py \
                $(wildcard scripts/vireolib/lwip_mends/*.py)
	@scripts/fix-lwip $(@D)
	@touch $@

# For images that name it in FILESYSTEMS, and the tests of it.
LITTLEFS := build/littlefs$(if $(LITTLEFS_DIR),-given)
$(LITTLEFS)/.fixed: $(LITTLEFS)/.version scripts/fix-littlefs \
                    $(addprefix scripts/vireolib/,littlefs_mends.py mending.py)
	@scripts/fix-littlefs $(@D)
	@touch $@

# Of a tree that is given, a copy is mended; made anew when a file of the tree changed.
given = $(shell find '$1' -type f -printf '%p %s %T@\n' | sort | cksum)
given_changed = $(if $(call differ,$1,$(file <$2)),FORCE)
ifdef LITTLEFS_DIR
$(call holds,LITTLEFS_DIR,lfs2.c)
GIVEN_LITTLEFS := $(call given,$(LITTLEFS_DIR))
build/littlefs-given/.version: $(call given_changed,$(GIVEN_LITTLEFS),build/littlefs-given/.version)
	@rm -rf $(@D) && mkdir -p $(@D) && cp '$(LITTLEFS_DIR)/'lfs2* $(@D)
	@echo '$(GIVEN_LITTLEFS)' > $@
endif
ifdef LWIP_DIR
$(call holds,LWIP_DIR,src/core/init.c)
GIVEN_LWIP := $(call given,$(LWIP_DIR)/src)
build/lwip-given/.version: $(call given_changed,$(GIVEN_LWIP),build/lwip-given/.version)
	@rm -rf $(@D) && mkdir -p $(@D) && cp -r '$(LWIP_DIR)/src' $(@D)
	@echo '$(GIVEN_LWIP)' > $@
endif

.PHONY: deps FORCE
