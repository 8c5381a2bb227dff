# SPDX-License-Identifier: BSD-2-Clause
# appliance.mk: what the app.mk of the application says, and its mistakes. After config.mk.
#
#   SRCS     sources besides main.c         CFLAGS   flags for them
#   SMALL    those compiled for size
#   DRIVERS  folders of drivers/            LIBS     archives
#   LIBS_FROM  libraries that are fetched for it: libs.mk
#   FORMATS  full: printf and scanf with all directives, whatever the literals are
#   FILESYSTEMS  littlefs, tar: those that the image can mount
#   MOUNTS   what is mounted unless the boot argument vireo.mount= says otherwise: /data:vblk1
#   FORWARD  ports, as --forward takes them SCRATCH  size of a blank disk that is made once and kept
#   DATA     size of such a disk with littlefs
#   DATABASE size of such a disk for a SQLite database
#
# Paths are relative to the folder of app.mk.

APP_SAYS := SRCS SMALL DRIVERS CFLAGS LIBS LIBS_FROM FORMATS FILESYSTEMS MOUNTS FORWARD \
            SCRATCH DATA DATABASE
APP_MK := $(wildcard $(APP_DIR)/app.mk)
APP_VARS := $(OUTDIR)/$(APP_NAME).vars
$(foreach v,$(APP_SAYS),$(eval $v :=))
ifneq ($(APP_MK),)
$(shell mkdir -p $(OUTDIR) && MAKEFLAGS= MAKEOVERRIDES= MFLAGS= $(MAKE) -s --no-print-directory \
    -C $(abspath $(APP_DIR)) -f $(CURDIR)/scripts/app-read.mk APP_DIR=$(abspath $(APP_DIR)) \
    ARCH=$(ARCH) BOARD=$(BOARD) DEBUG=$(DEBUG) LEGACY=$(LEGACY) >$(APP_VARS))
$(if $(filter-out 0,$(.SHELLSTATUS)),$(error $(APP_MK) cannot be read, for the reason above))
include $(APP_VARS)
endif

# An app.mk may have variables of its own: one that it does not use itself, and that has nearly the
# name of one of these, is a mistake.
assigned = sed -nE 's/^ *([A-Za-z_][A-Za-z_0-9]*) *[:+?]*=.*/\1/p' $(APP_MK)
used = sed -nE 's/[^$$]*[$$][({]([A-Za-z_0-9]*)[^$$]*/\1 /gp' $(APP_MK)
own_variables := $(if $(APP_MK),$(filter-out $(APP_SAYS) $(shell $(used)),$(shell $(assigned))))
meant := $(if $(own_variables),$(shell $(PYTHON) scripts/nearest.py '$(APP_SAYS)' $(own_variables)))
$(if $(meant),$(error $(APP_MK): $(firstword $(meant)) means nothing; $(word 2,$(meant)) is meant? \
    There is: $(APP_SAYS)))

no_size = $(shell printf %s $(call quoted,$1) | grep -qxE '[1-9][0-9]{0,15}[KMGT]?' || echo no)
$(foreach v,SCRATCH DATA DATABASE,$(if $($v),$(if $(call no_size,$($v)),$(error $(APP_MK): \
    $v := $($v) is no size: write bytes, or a number with K, M or G, such as 16M))))

FS_KINDS := $(sort $(patsubst files/fs_%.c,%,$(wildcard files/fs_*.c)) \
                   $(patsubst files/%/,%,$(wildcard files/*/)))
no_fs := $(filter-out $(FS_KINDS),$(FILESYSTEMS))
$(if $(no_fs),$(error $(APP_MK): FILESYSTEMS names $(no_fs); there is: $(FS_KINDS)))
$(if $(MOUNTS),$(if $(FILESYSTEMS),,$(error $(APP_MK): MOUNTS needs FILESYSTEMS; there is: \
    $(FS_KINDS))))

$(if $(filter-out full,$(FORMATS)),\
    $(error $(APP_MK): FORMATS := $(FORMATS): it is full, or not there))

# Relative to the folder, unless it is found from here: an absolute path, or an option.
in_app = $(foreach w,$1,$(or $(filter /% -%,$w),$(if $(wildcard $(APP_DIR)/$w),,$(wildcard $w)), \
    $(APP_DIR)/$w))
override LIBS := $(call in_app,$(LIBS))
no_libs := $(filter-out -% $(wildcard $(LIBS)),$(LIBS))
# "-Iinclude" is the folder's, too.
own_folder = $(if $(filter-out -I/% -I-% -I,$(filter -I%,$1)),-I$(call in_app,$(1:-I%=%)),$1)
ifneq ($(filter -I%,$(CFLAGS)),)
override CFLAGS := $(foreach w,$(subst -I ,-I,$(CFLAGS)),$(call own_folder,$w))
endif
