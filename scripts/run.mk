# SPDX-License-Identifier: BSD-2-Clause
# run.mk: boots what image.mk has built; the QEMU command line itself is scripts/vireo's.

include scripts/config.mk

# An app.mk may say which of its ports are reached from here ("8080:80 auto:443"), and ask for a
# blank disk ("16M") that is made once and kept. An image that uses sockets gets port 80 unasked.
FORWARD :=
SCRATCH :=
-include $(APP_DIR)/app.mk
uses_net = $(shell grep -qw lwip_init $(IMAGE:.img=.map) && echo yes)
forwards = $(if $(PORT),$(PORT):80,$(or $(FORWARD),$(if $(uses_net),auto:80)))
SCRATCH_DISK := $(if $(SCRATCH),build/$(APP_NAME)-scratch.img)

OPTIONS = $(if $(TRANSPORT),--transport $(TRANSPORT)) $(if $(GIC),--gic $(GIC)) \
    $(if $(CPU),--cpu $(CPU)) $(if $(MEM),--mem $(MEM)) $(if $(SMP),--smp $(SMP)) \
    $(APP_DISK:%=--disk %,ro) $(SCRATCH_DISK:%=--disk %) $(APP_INITRD:%=--initrd %) \
    $(addprefix --forward ,$(forwards)) $(if $(APPEND),--append '$(subst ','"'"',$(APPEND))')

run debug: $(SCRATCH_DISK)
	$(if $V,,@)$(PYTHON) scripts/vireo run $(IMAGE) $(OPTIONS) $(if $(filter debug,$@),--gdb)

build/$(APP_NAME)-scratch.img:
	@truncate -s $(SCRATCH) $@

.PHONY: run debug
