# SPDX-License-Identifier: BSD-2-Clause
# app-read.mk: reads an app.mk with its folder as the working directory, so that relative globs and
# includes start there, and prints what it says as makefile text. appliance.mk calls it.

SRCS :=
SMALL :=
DRIVERS :=
CFLAGS :=
LIBS :=
LIBS_FROM :=
FORMATS :=
FILESYSTEMS :=
MOUNTS :=
FORWARD :=
SCRATCH :=
DATA :=
DATABASE :=
define NEWLINE


endef
include app.mk

say = $(info define $1$(NEWLINE)$(subst $$,$$$$,$($1))$(NEWLINE)endef)
$(foreach v,SRCS SMALL DRIVERS CFLAGS LIBS LIBS_FROM FORMATS FILESYSTEMS MOUNTS FORWARD \
    SCRATCH DATA DATABASE,\
    $(call say,$v))
.DEFAULT_GOAL := nothing
.PHONY: nothing
nothing:
	@:
