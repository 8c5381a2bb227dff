# deps.mk: the C library and the third-party sources, made once and kept in build/.

include scripts/config.mk
include scripts/toolchain.mk

WANTED := $(if $(OWN_NEWLIB),build/newlib/lib/libc.a) \
          $(if $(LWIP_DIR),,build/lwip/.version) $(if $(LIBFDT_DIR),,build/libfdt/.version)

deps: $(WANTED)
	@$(call holds,LWIP_DIR,src/core/init.c)$(call holds,LIBFDT_DIR,libfdt.h):

# An override that points elsewhere than at such a source is an error.
holds = $(if $($1),$(if $(wildcard $($1)/$2),,$(error $1=$($1): there is no $2 in it)))

build/newlib/lib/libc.a: scripts/newlib.mk scripts/newlib.h scripts/build-newlib
	+@scripts/build-newlib build/newlib $(CROSS)
build/lwip/.version build/libfdt/.version: build/%/.version:
	@scripts/fetch-source $* $(@D)

.PHONY: deps
