# SPDX-License-Identifier: BSD-2-Clause
# fuzz.mk: the fuzz targets, for this machine. Each tests/fuzz/fuzz_*.c becomes build/fuzz/*. The
# other files of tests/fuzz/, the library of the host tests (scripts/host.mk), the port of lwIP,
# lwIP, the reader of device trees and libfdt are a library for all of them. libFuzzer comes with
# clang. KIND=coverage: without fuzzer and sanitizers, to count the lines that inputs reach.

include scripts/config.mk
Q := $(if $V,,@)
CLANG ?= clang
KIND := fuzz
FUZZ_DIR := $(if $(filter coverage,$(KIND)),build/coverage/fuzz,build/fuzz)
LWIP := build/lwip$(if $(LWIP_DIR),-given)
LIBFDT := $(or $(LIBFDT_DIR),build/libfdt)
include scripts/sources.mk
include scripts/littlefs.mk
include scripts/sqlite.mk

# The fuzzer looks for new paths through the code under test and the commands, not the model.
WATCHED = drivers/% files/% sqlite/% \
          net/% platform/virt/% platform/runtime/% $(LWIP)/% $(LIBFDT)/% \
          $(LITTLEFS)/% $(filter-out tests/fuzz/harness.c,$(wildcard tests/fuzz/*.c))
COMPILE_fuzz = -fsanitize=address,undefined -fno-sanitize-recover=all \
               $(if $(filter $(WATCHED),$1),-fsanitize=fuzzer-no-link)
LINK_fuzz = -fsanitize=fuzzer,address,undefined
COMPILE_coverage = -fprofile-instr-generate -fcoverage-mapping
LINK_coverage = -fprofile-instr-generate
COMMON = -std=gnu11 -O1 -g1 -fno-omit-frame-pointer -fno-common $(COMPILE_$(KIND)) -DVIREO_DEBUG \
         -Iplatform -Iplatform/host -Idrivers
# clang's warnings are off for other files: gcc checks these, in an image and for the host tests.
OURS = $(if $(filter tests/fuzz/%,$1),-Wall -Wextra $(if $(WERROR),-Werror) \
    -Wno-missing-field-initializers,-w)
NET_INCLUDE = -Inet/socket -Inet/socket/include -Inet/lwip -Inet/lwip/include -Inet/inet/include \
              -Inet/inet -Itests/host/net \
              -I$(LWIP)/src/include

# A source's folder decides its flags. Overflow is defined in libfdt, as in an image.
FLAGS_of = $(COMMON) $(if $(filter $(LWIP)/%,$1),-w $(NET_INCLUDE),\
           $(if $(filter $(LIBFDT)/%,$1),-w -fwrapv -DFDT_ASSUME_MASK=6 -I$(LIBFDT),\
           $(if $(filter $(LITTLEFS)/%,$1),-w,$(OURS)) \
           $(if $(filter $(WITH_GNU),$1),-D_GNU_SOURCE) \
           -Ifiles -Itests/host -Itests/fuzz -Iplatform/virt -Iplatform/arch \
           -Iplatform/runtime -I$(LIBFDT) $(if $(filter $(WITH_NET),$1),$(NET_INCLUDE)) \
           $(if $(filter $(WITH_LITTLEFS),$1),$(LITTLEFS_FLAGS) -Itests/host/littlefs) \
           $(if $(filter $(WITH_SQLITE),$1),-Isqlite -isystem $(SQLITE) -Itests/host/sqlite \
               -Drealloc=fuzz_realloc)))
# Calls of Linux that this machine's C library has for such programs alone.
WITH_GNU = files/fadvise.c files/fallocate.c
WITH_SQLITE = sqlite/% tests/host/sqlite/% tests/fuzz/fuzz_sqlite.c
WITH_LITTLEFS = files/littlefs/% $(LITTLEFS)/% tests/fuzz/fuzz_littlefs.c
WITH_NET = net/% tests/fuzz/net%.c tests/fuzz/fuzz_net.c tests/fuzz/fuzz_bootargs.c \
           tests/fuzz/fuzz_dns.c tests/fuzz/fuzz_tcp.c $(PATH_OF_TCP)
# The path of tests/host/net/path.h, at whose other end the input is.
PATH_OF_TCP := $(addprefix tests/host/net/,arrival.c bytes.c capture.c path.c segment.c trace.c)

TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
HARNESS := tests/fuzz/harness.c $(if $(filter coverage,$(KIND)),tests/fuzz/replay.c)
SUPPORT := $(filter-out tests/fuzz/harness.c tests/fuzz/replay.c tests/fuzz/fuzz_%,\
                        $(wildcard tests/fuzz/*.c)) \
           $(filter-out tests/host/test_% tests/host/check.c,$(wildcard tests/host/*.c)) \
           $(wildcard platform/host/*.c) $(PATH_OF_TCP) \
           $(addprefix platform/virt/,its.c its_queue.c its_table.c lpi.c map.c smmu.c)
# net/inet/ stays out, but for the reader of answers: lwIP's own callbacks stand for applications.
# Memory is malloc's, so that the sanitizer sees each block.
NET := $(filter-out net/lwip/net_mem.c,$(SRC_net-lwip)) net/inet/dns_message.c
# files/aio*.c need <aio.h> of platform/libc, and tasks.
MACHINE := $(SUPPORT) $(SRC_drivers) $(filter-out files/aio%,$(SRC_files)) $(NET) \
           $(SRC_lwip) $(SRC_libfdt)
object = $(patsubst %,$(FUZZ_DIR)/obj/%.o,$(subst $(LWIP),lwip,$(subst $(LIBFDT),libfdt,$1)))

all: $(TARGETS:%=$(FUZZ_DIR)/%)
	@:
# Of scripts/tests.mk: what others than the fuzz targets need, too.
sources: $(LITTLEFS)/.fixed $(SQLITE)/sqlite3.c
sqlite-object: $(SQLITE_HOST)

FLAGS_NOW := $(CLANG) $(shell $(CLANG) -dumpversion) $(call FLAGS_of,drivers/x) $(NET_INCLUDE) \
             $(LINK_$(KIND)) $(SOURCES_NOW)
$(shell mkdir -p $(FUZZ_DIR)/obj)
$(if $(call differ,$(FLAGS_NOW),$(file <$(FUZZ_DIR)/obj/flags)),\
    $(file >$(FUZZ_DIR)/obj/flags,$(FLAGS_NOW)))

define compile
	@$(if $V,,printf '  %-5s %s\n' FUZZ $<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(call FLAGS_of,$<) -MMD -MP -c $< -o $@
endef
$(FUZZ_DIR)/obj/lwip/%.c.o: $(LWIP)/%.c $(FUZZ_DIR)/obj/flags
	$(compile)
$(FUZZ_DIR)/obj/libfdt/%.c.o: $(LIBFDT)/%.c $(FUZZ_DIR)/obj/flags
	$(compile)
$(FUZZ_DIR)/obj/%.c.o: %.c $(FUZZ_DIR)/obj/flags
	$(compile)
$(FUZZ_DIR)/machine.a: $(call object,$(MACHINE)) scripts/fuzz.mk
	$(Q)rm -f $@ && ar qcsT $@ $(filter %.o,$^)
$(FUZZ_DIR)/%: $(FUZZ_DIR)/obj/tests/fuzz/fuzz_%.c.o $(call object,$(HARNESS)) \
           $(FUZZ_DIR)/machine.a scripts/fuzz.ld
	$(Q)$(CLANG) $(LINK_$(KIND)) -Wl,-T,scripts/fuzz.ld -Wl,--no-warn-rwx-segments \
	    -Wl,--wrap=malloc,--wrap=calloc,--wrap=free $(filter %.o,$^) $(filter %.a,$^) -o $@

# Files of an image whose functions the host's library replaces for other targets.
BOOTARGS := platform/runtime/option.c platform/runtime/args.c
TREE := platform/virt/tree.c platform/virt/tree_memory.c platform/virt/tree_walk.c
$(FUZZ_DIR)/bootargs: $(call object,$(BOOTARGS))
$(FUZZ_DIR)/tree: $(call object,$(TREE))

# The sums of its disks are those of the target.
LITTLEFS_LIBRARY := $(filter-out %/crc.c %/failed.c,$(SRC_files-littlefs)) $(SRC_littlefs)
$(call object,$(LITTLEFS_LIBRARY) tests/fuzz/fuzz_littlefs.c): $(LITTLEFS)/.fixed
$(FUZZ_DIR)/littlefs: $(call object,$(LITTLEFS_LIBRARY))

# SQLite itself is the host tests': without the sanitizers, and its realloc() is the target's.
SQLITE_LIBRARY := $(call object,$(wildcard sqlite/*.c tests/host/sqlite/*.c))
$(SQLITE_LIBRARY) $(call object,tests/fuzz/fuzz_sqlite.c): $(SQLITE)/sqlite3.c
$(FUZZ_DIR)/obj/sqlite/sqlite3.o: $(SQLITE_HOST)
	$(Q)mkdir -p $(@D) && objcopy --redefine-sym realloc=fuzz_realloc $< $@
$(FUZZ_DIR)/sqlite: $(SQLITE_LIBRARY) $(FUZZ_DIR)/obj/sqlite/sqlite3.o

-include $(patsubst %.o,%.d,$(call object,$(MACHINE) $(HARNESS) $(BOOTARGS) $(TREE) \
                                          $(LITTLEFS_LIBRARY) $(TARGETS:%=tests/fuzz/fuzz_%.c)) \
                            $(SQLITE_LIBRARY))
.SECONDARY:
.PHONY: all sources sqlite-object
