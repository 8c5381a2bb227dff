# SPDX-License-Identifier: BSD-2-Clause
# suite.mk: the conformance suite with the driver of another kernel behind it, whose source is
# fetched: build/host/suite-u-boot. tests/suite/strangers/NAME/ holds the adapter alone.

include scripts/host.mk

STRANGER := build/suite/u-boot
UBOOT := $(or $(UBOOT_DIR),$(STRANGER)/source)
UBOOT_ADAPTER := tests/suite/strangers/u-boot
UBOOT_FILES := virtio_ring virtio_mmio virtio_blk virtio_net virtio-uclass
UBOOT_OBJECTS := $(UBOOT_FILES:%=$(STRANGER)/%.o) $(STRANGER)/adapter.o
# Headers that these files include, of which kernel.h has what is needed.
UBOOT_EMPTY := blk.h bootdev.h bouncebuf.h dm.h dm/device.h dm/lists.h linux/bitops.h linux/bug.h \
               linux/compat.h linux/err.h linux/io.h linux/kernel.h linux/typecheck.h \
               linux/types.h log.h malloc.h net.h part.h
UBOOT_FLAGS = -std=gnu11 -O1 -g -fno-omit-frame-pointer -fsanitize=thread \
              -DU_BOOT_VERSION='"$(shell cat $(UBOOT)/.version 2>/dev/null || echo unknown)"' \
              -include $(UBOOT_ADAPTER)/kernel.h -Itests/suite -I$(STRANGER)/empty \
              -I$(UBOOT)/include -I$(UBOOT)/drivers/virtio

$(if $(UBOOT_DIR),,$(STRANGER)/source/.version):
	@scripts/fetch-source u-boot $(STRANGER)/source

$(STRANGER)/empty/stamp: scripts/suite.mk
	$(Q)mkdir -p $(addprefix $(@D)/,dm linux) && cd $(@D) && for h in $(UBOOT_EMPTY); do : >$$h; done
	$(Q)touch $@

UBOOT_NEEDS := $(STRANGER)/empty/stamp $(UBOOT)/.version $(UBOOT_ADAPTER)/kernel.h \
               tests/suite/suite.h
$(UBOOT_FILES:%=$(STRANGER)/%.o): $(STRANGER)/%.o: $(UBOOT_NEEDS)
	@$(if $V,,printf '  %-5s %s\n' HOST $*.c)
	$(Q)$(HOSTCC) $(UBOOT_FLAGS) -w -c $(UBOOT)/drivers/virtio/$*.c -o $@
$(STRANGER)/adapter.o: $(UBOOT_ADAPTER)/adapter.c $(UBOOT_NEEDS)
	@$(if $V,,printf '  %-5s %s\n' HOST $<)
	$(Q)$(HOSTCC) $(UBOOT_FLAGS) -c $< -o $@

$(HOST)/suite-u-boot: $(UBOOT_OBJECTS) $(HOST)/suite.a $(HOST)/library.a
	$(Q)$(HOSTCC) $(INSTRUMENT) $^ $(LIBS) -o $@
