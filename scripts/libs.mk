# SPDX-License-Identifier: BSD-2-Clause
# libs.mk: libraries that an application names in LIBS_FROM, and that no other image holds. For each
# NAME there is a room of that name: its sources are SRC_NAME and LIB_SRC_NAME, which is fetched;
# the application sees the headers of LIB_INCLUDE_NAME. After sources.mk and appliance.mk.

LIB_ROOMS := sqlite
no_room := $(filter-out $(LIB_ROOMS),$(LIBS_FROM))
$(if $(no_room),$(error $(APP_MK): LIBS_FROM names $(no_room); there is: $(LIB_ROOMS)))

ifneq ($(filter sqlite,$(LIBS_FROM)),)
include scripts/sqlite.mk
SRC_sqlite := $(wildcard sqlite/*.c)
LIB_SRC_sqlite := $(SQLITE)/sqlite3.c
LIB_INCLUDE_sqlite := $(SQLITE)
endif
