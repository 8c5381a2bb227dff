# SPDX-License-Identifier: BSD-2-Clause
# config.mk: the choices that a user can make, their defaults, and what is checked of them before
# any work starts. Included by the Makefile and by each makefile that it calls.

ARCH ?= aarch64
BOARD ?= virt
APP ?= httpd
TRANSPORT ?=
QEMU ?= qemu-system-aarch64
PYTHON ?= $(or $(wildcard /usr/bin/python3),python3)
DEBUG ?=
LEGACY ?= 1
WERROR ?=
V ?=

# A switch is on or off: "0" is not something.
SWITCHES := DEBUG V WERROR
$(foreach v,$(SWITCHES),$(if $(filter 0 no off,$($v)),$(eval override $v :=)))

# The shell leaves a tilde behind "=" as it is.
home = $(if $(filter ~/%,$1),$(patsubst ~/%,$(HOME)/%,$1),$(or $(wildcard $1),$1))
$(foreach v,APP BOARD DIR OUT QEMU NEWLIB_DIR LWIP_DIR LIBFDT_DIR LITTLEFS_DIR SQLITE_DIR \
    LINUX_GUEST LINUX_WEB,\
    $(if $(filter ~%,$($v)),$(eval override $v := $$(call home,$$($v)))))

# A bare-metal compiler with its own newlib is taken when it is on PATH; CROSS= names another.
CROSS_aarch64 = $(if $(shell command -v aarch64-none-elf-gcc),aarch64-none-elf-,aarch64-linux-gnu-)
CROSS_arm = arm-none-eabi-
ifeq ($(origin CROSS),undefined)
CROSS := $(CROSS_$(ARCH))
endif
export QEMU NEWLIB_DIR LWIP_DIR LIBFDT_DIR LITTLEFS_DIR SQLITE_DIR LINUX_GUEST LINUX_WEB

# BOARD is the name of a folder of platform/, or the path of a folder: whatever holds a slash. A
# linker script for each CPU lies in linker/, or in that folder.
BOARD_DIR := $(if $(findstring /,$(BOARD)),$(BOARD:%/=%),platform/$(BOARD))
BOARD_NAME := $(notdir $(BOARD_DIR))
BOARD_LD := $(if $(findstring /,$(BOARD)),$(BOARD_DIR),linker)
BOARDS := $(sort $(patsubst linker/aarch64-%.ld,%,$(wildcard linker/aarch64-*.ld)))
ARCHES := $(sort $(patsubst $(BOARD_LD)/%-$(BOARD_NAME).ld,%,\
    $(wildcard $(BOARD_LD)/*-$(BOARD_NAME).ld)))
EXAMPLES := $(sort $(patsubst examples/%/main.c,%,$(wildcard examples/*/main.c)))
TRANSPORTS := mmio mmio-legacy pci pci-transitional pci-legacy

# APP is the name of an example, or the path of a folder: whatever holds a slash, "." and "..".
APP_DIR := $(if $(findstring /,$(APP))$(filter . ..,$(APP)),$(abspath $(APP)),examples/$(APP))
APP_NAME := $(notdir $(APP_DIR))

OUTDIR := build/$(ARCH)$(if $(filter-out virt,$(BOARD)),-$(BOARD_NAME))$(if \
    $(filter 0,$(LEGACY)),-modern)
IMAGE := $(OUTDIR)/$(APP_NAME).img
# An application's site/ becomes a disk, its initrd/ an archive in memory. The demo's disk may be of
# another folder: `make disk DIR=` writes down which.
DEMO_SITE := examples/httpd/site
DEMO_DISK := build/site.img
DEMO_DISK_OF := build/site.of
DISK := $(if $(filter examples/httpd,$(APP_DIR)),$(DEMO_DISK),build/$(APP_NAME)-site.img)
DISK_OF_APP = $(or $(if $(filter $(DEMO_DISK),$(DISK)),$(file <$(DEMO_DISK_OF))),$(APP_DIR)/site)
APP_DISK := $(if $(wildcard $(APP_DIR)/site/.),$(DISK))
APP_INITRD := $(if $(wildcard $(APP_DIR)/initrd/.),build/$(APP_NAME)-initrd.img)

# One word, without characters that are special to make or to the shell.
quoted = '$(subst ','"'"',$1)'
strange = $(or $(filter-out 1,$(words $1)), \
               $(shell printf %s $(call quoted,$1) | tr -d 'A-Za-z0-9._+/@,~=-'))
unknown = $(filter-out $($2),$($1))

define check
$(if $(call strange,$(CURDIR)),$(error The path of this tree, "$(CURDIR)", $(unusable): move it))
$(if $(call strange,$(BOARD)),$(error BOARD="$(BOARD)": its path $(unusable)))
$(if $(ARCHES),,$(error $(if $(findstring /,$(BOARD)),$(no_ld),$(no_board))))
$(if $(call unknown,ARCH,ARCHES),$(error ARCH=$(ARCH) does not exist; there is: $(ARCHES)))
$(if $(call unknown,TRANSPORT,TRANSPORTS),\
    $(error TRANSPORT=$(TRANSPORT) does not exist; there is: $(TRANSPORTS)))
$(if $(filter-out 0 1,$(or $(LEGACY),empty) $(words $(LEGACY))),\
    $(error LEGACY=$(LEGACY): it is 1, or 0 for images that refuse devices of before virtio 1.0))
$(if $(call strange,$(APP)),$(error APP="$(APP)": its path $(unusable)))
$(if $(wildcard $(APP_DIR)/main.c),,$(error $(strip $(no_appliance))))
$(if $(PORT),$(if $(no_port),$(error PORT=$(PORT): it is a port of this machine, from 1 to 65535, \
    or auto for a free one)))
$(foreach v,$(SWITCHES),$(if $(filter-out 1,$($v)),$(error $v=$($v): it is 1, or 0)))
$(check_variables)
endef
no_appliance = $(if $(filter examples/%,$(APP_DIR)),$(no_app),$(if $(wildcard $(APP_DIR)),$(if \
    $(wildcard $(APP_DIR)/.),$(no_main),$(no_folder)),$(no_path)))
no_port = $(shell test '$(PORT)' = auto || expr 0 '<' '$(PORT)' '&' '$(PORT)' '<' 65536 >/dev/null \
                  2>&1 || echo no)

# Variables on the command line that no makefile reads. An app.mk may read others than these.
VARIABLES := APP APPEND ARCH BENCH BOARD CELLS CLANG_FORMAT CONFORMANCE COVERAGE CPU CROSS DEBUG \
             DIR DRIVER FUZZ GIC HOSTILE JOBS LEGACY LIBFDT_DIR LINUX_GUEST LINUX_WEB LOAD \
             LITTLEFS_DIR LWIP_DIR MEM MUTANTS NEWLIB_DIR OS OUT PART PORT POWERCUT PREFIX PYTHON \
             QEMU SIZE SMP SOAK SQLITE_DIR SUITE TESTS TIME TRANSPORT UBOOT_DIR V WERROR
OF_OTHERS := SRCS SMALL DRIVERS CFLAGS LIBS LIBS_FROM FORMATS FILESYSTEMS MOUNTS FORWARD \
             SCRATCH DATA DATABASE \
             HOST HOSTCC SANITIZE INSTRUMENT WARNINGS KIND SHELL MAKE MAKEFLAGS CC CCACHE%
typed = $(sort $(foreach w,$(MAKEOVERRIDES),$(if $(findstring =,$w),$(firstword $(subst =, ,$w)))))
typed_names = $(foreach v,$(typed),$(if $(filter command line,$(origin $v)),$v))
unread = $(filter-out $(VARIABLES) $(OF_OTHERS),$(typed_names))
in_app_mk = $(shell grep -ow '$1' $(APP_DIR)/app.mk 2>/dev/null | head -n 1)
unread_here = $(strip $(foreach v,$(unread),$(if $(call in_app_mk,$v),,$v)))
near = $(shell $(PYTHON) scripts/nearest.py '$(VARIABLES)' $1)
check_variables = $(if $(unread_here),$(call tell_unread,$(call near,$(unread_here))))
tell_unread = $(if $1,$(error there is no variable $(firstword $1); $(word 2,$1) is meant? There \
    is: $(VARIABLES)),$(info note: $(unread_here): no makefile reads that; there is: $(VARIABLES)))
unusable = holds a space or another character that make cannot work with
no_board = BOARD=$(BOARD) does not exist; there is: $(BOARDS). \
           A folder elsewhere is given with its path, such as BOARD=./$(BOARD)
no_ld = BOARD=$(BOARD): that folder has no linker script, such as $(ARCH)-$(BOARD_NAME).ld
no_main = APP=$(APP): there is no main.c in that folder, which is all that an appliance needs
no_folder = APP=$(APP): it is a file; give the folder that holds main.c
no_path = APP=$(APP): there is no such folder; it has to hold a main.c
no_app = APP=$(APP) does not exist; there is: $(EXAMPLES). \
         A folder elsewhere is given with its path, such as APP=./$(APP)

# "yes" unless both texts are the same but for spaces.
differ = $(if $(findstring x$(strip $1)x,x$(strip $2)x),,yes)
