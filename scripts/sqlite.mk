# SPDX-License-Identifier: BSD-2-Clause
# sqlite.mk: SQLite as one file, sqlite3.c, with its header and its bench program, in build/sqlite.
# Fetched and made when something that is built needs it. SQLITE_DIR= names a folder that holds such
# files.

SQLITE := $(or $(SQLITE_DIR),build/sqlite)
$(if $(SQLITE_DIR),$(if $(wildcard $(SQLITE_DIR)/sqlite3.c),,\
    $(error SQLITE_DIR=$(SQLITE_DIR): there is no sqlite3.c in it)))

SQLITE_OPTIONS := -DSQLITE_CUSTOM_INCLUDE=sqlite_options.h -Isqlite

ifndef SQLITE_DIR
SQLITE_RELEASE := $(shell sed -n 's/^release=//p' scripts/fetch-source)
SQLITE_STALE := $(if $(call differ,$(SQLITE_RELEASE),$(file <build/sqlite/.release)),sqlite-stale)
# SQLite's own makefile makes the file. It also compiles a check of whole source trees, unused here.
build/sqlite/.version: $(SQLITE_STALE)
	@scripts/setup sqlite
	@scripts/fetch-source sqlite build/sqlite-source
	@rm -rf $(@D) build/sqlite-work && mkdir -p $(@D) build/sqlite-work
	@$(MAKE) -s --no-print-directory -C build/sqlite-work -f ../sqlite-source/main.mk \
	    TOP=../sqlite-source BCC='gcc -O1 -w' OPTS= sqlite3.c >build/sqlite-work/log 2>&1 || \
	    { tail -n 5 build/sqlite-work/log >&2; false; }
	@cp build/sqlite-work/sqlite3.[ch] build/sqlite-source/test/speedtest1.c \
	    build/sqlite-source/LICENSE.md $(@D)
	@cp build/sqlite-source/.release $(@D) && cp build/sqlite-source/.version $@
	@touch -r $@ $(@D)/*.[ch]
	@rm -rf build/sqlite-work build/sqlite-source
sqlite-stale:
.PHONY: sqlite-stale
build/sqlite/sqlite3.c build/sqlite/sqlite3.h build/sqlite/speedtest1.c: build/sqlite/.version ;
endif

# For programs of this machine: compiled once, without sanitizers, which would take minutes.
SQLITE_HOST := build/host/obj/sqlite3.o
$(SQLITE_HOST): $(SQLITE)/sqlite3.c scripts/sqlite.mk
	@$(if $V,,printf '  %-5s %s\n' HOST $<)
	$(Q)mkdir -p $(@D) && $(or $(HOSTCC),gcc) -O1 -g1 -w $(SQLITE_OPTIONS) -MD -MP -c $< -o $@
-include $(SQLITE_HOST:.o=.d)
