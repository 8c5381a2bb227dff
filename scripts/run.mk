# SPDX-License-Identifier: BSD-2-Clause
# run.mk: boots what image.mk has built; the QEMU command line itself is scripts/vireo's.

include scripts/config.mk

# FORWARD, SCRATCH, DATA and DATABASE are the app.mk's. An image that uses sockets gets port 80
# unasked.
include scripts/appliance.mk
uses_net = $(shell grep -qw lwip_init $(IMAGE:.img=.map) && echo yes)
forwards = $(if $(PORT),$(PORT):80,$(or $(FORWARD),$(if $(uses_net),auto:80)))
SCRATCH_DISK := $(if $(SCRATCH),build/$(APP_NAME)-scratch.img)
DATABASE_DISK := $(if $(DATABASE),build/$(APP_NAME)-database.img)
DATA_DISK := $(if $(DATA),build/$(APP_NAME)-data.img)

OPTIONS = $(if $(TRANSPORT),--transport $(TRANSPORT)) $(if $(GIC),--gic $(GIC)) \
    $(if $(CPU),--cpu $(CPU)) $(if $(MEM),--mem $(MEM)) $(if $(SMP),--smp $(SMP)) \
    $(APP_DISK:%=--disk %,ro) $(SCRATCH_DISK:%=--disk %) $(DATA_DISK:%=--disk %) \
    $(DATABASE_DISK:%=--disk %) \
    $(APP_INITRD:%=--initrd %) \
    $(addprefix --forward ,$(forwards)) $(if $(APPEND),--append '$(subst ','"'"',$(APPEND))')

# Errors of the runner name what was typed here.
TYPED = --transport=TRANSPORT=;--gic=GIC=;--cpu=CPU=;--mem=MEM=;--smp=SMP=;--append=APPEND=;$(if \
    $(PORT),--forward=PORT=,$(if $(FORWARD),--forward=FORWARD := ))

# make ends with 2 whatever a command ends with, so the status is told.
run debug: $(SCRATCH_DISK) $(DATA_DISK) $(DATABASE_DISK)
	$(if $V,,@)VIREO_TYPED='$(TYPED)' $(PYTHON) scripts/vireo run $(IMAGE) $(OPTIONS) \
	    $(if $(filter debug,$@),--gdb) || { status=$$?; test $$status = 125 || \
	    echo "make: the appliance ended with status $$status; make itself ends with 2" >&2; \
	    exit $$status; }

build/$(APP_NAME)-scratch.img:
	@truncate -s $(SCRATCH) $@

build/$(APP_NAME)-data.img:
	@$(PYTHON) scripts/mkdisk --data $(DATA) $@ --quiet

build/$(APP_NAME)-database.img:
	@$(PYTHON) scripts/mkdisk --sqlite $(DATABASE) $@ --quiet

.PHONY: run debug
