# config.mk: the choices that a user can make, their defaults, and what is checked of them before any
# work starts. Included by the Makefile and by each makefile that it calls.

ARCH ?= aarch64
APP ?= httpd
TRANSPORT ?=
QEMU ?= qemu-system-aarch64
PYTHON ?= $(or $(wildcard /usr/bin/python3),python3)
DEBUG ?=
V ?=

# A bare-metal compiler with its own newlib is taken when it is on PATH; CROSS= names another.
ifeq ($(origin CROSS),undefined)
CROSS := $(if $(shell command -v aarch64-none-elf-gcc),aarch64-none-elf-,aarch64-linux-gnu-)
endif
export CROSS QEMU NEWLIB_DIR LWIP_DIR LIBFDT_DIR

ARCHES := $(sort $(patsubst linker/%-virt.ld,%,$(wildcard linker/*-virt.ld)))
EXAMPLES := $(sort $(patsubst examples/%/main.c,%,$(wildcard examples/*/main.c)))
TRANSPORTS := mmio mmio-legacy pci

# APP is the name of an example, or the path of a folder: whatever holds a slash.
APP_DIR := $(if $(findstring /,$(APP)),$(abspath $(APP)),examples/$(APP))
APP_NAME := $(notdir $(APP_DIR))

OUTDIR := build/$(ARCH)
IMAGE := $(OUTDIR)/$(APP_NAME).img
# An application's site/ becomes a disk, its initrd/ an archive in memory.
DISK := build/$(if $(filter examples/httpd,$(APP_DIR)),,$(APP_NAME)-)site.img
APP_DISK := $(if $(wildcard $(APP_DIR)/site/.),$(DISK))
APP_INITRD := $(if $(wildcard $(APP_DIR)/initrd/.),build/$(APP_NAME)-initrd.img)

# One word, of characters that neither make nor the shell takes to mean something.
strange = $(or $(filter-out 1,$(words $1)),$(shell printf %s '$(subst ','"'"',$1)' | tr -d 'A-Za-z0-9._+/@,~=-'))
define check
$(if $(call strange,$(CURDIR)),$(error The path of this tree, "$(CURDIR)", holds a space or another character that make cannot work with: move it))
$(if $(filter-out $(ARCHES),$(ARCH)),$(error ARCH=$(ARCH) does not exist; there is: $(ARCHES)))
$(if $(TRANSPORT),$(if $(filter-out $(TRANSPORTS),$(TRANSPORT)),$(error TRANSPORT=$(TRANSPORT) does not exist; there is: $(TRANSPORTS))))
$(if $(call strange,$(APP)),$(error APP="$(APP)": its path holds a space or another character that make cannot work with))
$(if $(wildcard $(APP_DIR)/main.c),,$(call check_app))
endef
check_app = $(if $(findstring /,$(APP)),$(error APP=$(APP): there is no main.c in that folder, which is all that an appliance needs),$(error APP=$(APP) does not exist; there is: $(EXAMPLES). A folder elsewhere is given with its path, such as APP=./$(APP)))
