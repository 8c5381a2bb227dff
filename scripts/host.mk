# SPDX-License-Identifier: BSD-2-Clause
# host.mk: the tests that run on this machine. Each tests/host/test_*.c becomes build/host/test_*.
# The other files of tests/host/, drivers/ and files/ (unchanged), ON_MEMORY and platform/host are a
# library for all of them. Five kinds of programs have a second library in front of it:
#   test_image_*              files of an image that platform/host replaces elsewhere (IMAGE), and
#                             tests/host/image/. Compiled with tests/host/image/names.h in front,
#                             which renames the functions that platform/host has as well
#   test_http*                examples/httpd with this machine's sockets, and tests/host/httpd/:
#                             its names.h makes a folder of the test the server's file tree
#   test_sock_*, test_lwip_*  net/, lwIP, the descriptor table of an image, and tests/host/net/
#   test_tcp_*, test_epoll    the same
# lwIP's and libfdt's sources lie in build/ (`make deps`).
#   test_sql*                 sqlite/, SQLite and tests/host/sqlite/
# Address and undefined-behaviour sanitizers are on, and end the program at the first finding. The
# programs that run the device in a second thread are built once more, with the thread sanitizer.

include scripts/config.mk
Q := $(if $V,,@)
LWIP := build/lwip$(if $(LWIP_DIR),-given)
LIBFDT := $(or $(LIBFDT_DIR),build/libfdt)
include scripts/sources.mk
include scripts/littlefs.mk
HOSTCC ?= gcc
HOST := build/host
SANITIZE ?= address,undefined
# `make coverage` sets both, for clang.
INSTRUMENT ?= -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
WARNINGS ?= -Wall -Wextra $(if $(WERROR),-Werror) -Wno-missing-field-initializers

FLAGS = -std=gnu11 -O1 -g $(WARNINGS) -fno-omit-frame-pointer -fno-common $(INSTRUMENT) \
        -DVIREO_DEBUG -Iplatform -Iplatform/host -Idrivers -Ifiles -Itests/host \
        -Iplatform/virt -Iplatform/arch
LIBS := -lpthread

# ---- what is compiled, and how -------------------------------------------------------------------

PROGRAMS := $(patsubst tests/host/%.c,%,$(wildcard tests/host/test_*.c))
SUPPORT := $(filter-out tests/host/test_%,$(wildcard tests/host/*.c)) $(wildcard platform/host/*.c)
# Files of the board that need registers and memory only, which the host's model has.
ON_MEMORY := $(addprefix platform/virt/,its.c its_queue.c its_table.c lpi.c map.c smmu.c)
# Those need <aio.h> of platform/libc, and tasks.
AIO := $(wildcard files/aio*.c)
LIBRARY := $(patsubst %,$(HOST)/obj/%.o,$(SUPPORT) $(ON_MEMORY) $(SRC_drivers) \
                             $(filter-out $(AIO),$(SRC_files)))

IMAGE_PROGRAMS := $(filter test_image_%,$(PROGRAMS))
IMAGE := $(addprefix platform/runtime/,args.c deadline.c entropy.c format.c heap.c initrd.c \
                                       log.c memory.c option.c runs.c service.c start.c task.c \
                                       tls.c turn.c wall.c) \
         $(addprefix platform/virt/,board.c gicv2.c gicv3.c irq.c msi.c pci_host.c pl011.c timer.c \
                                    tree.c tree_memory.c tree_walk.c v2m.c) \
         $(wildcard tests/host/image/*.c)
IMAGE_FLAGS := -include tests/host/image/names.h -Itests/host/image -Iplatform/runtime -I$(LIBFDT)
IMAGE_LIBRARY := $(IMAGE:%=$(HOST)/obj/%.o) $(patsubst %,$(HOST)/obj/libfdt/%.c.o,fdt fdt_ro)
# The image's main() and constructors, not the program's.
FLAGS_platform/runtime/start.c := -Dmain=image_main -DVIREO_VERSION='"host"' \
    -D__init_array_start=__start_image_init -D__init_array_end=__stop_image_init
# All but their own tests have the host's log, which keeps lines, and the host's time.
FLAGS_platform/runtime/log.c := -DIMAGE_LOG
FLAGS_tests/host/test_image_log.c := -DIMAGE_LOG
FLAGS_files/fadvise.c := -D_GNU_SOURCE
FLAGS_files/fallocate.c := -D_GNU_SOURCE
FLAGS_platform/virt/timer.c := -DIMAGE_CLOCK
FLAGS_tests/host/test_image_clock.c := -DIMAGE_CLOCK

# These sources and programs have <sys/socket.h> and its functions from net/ instead of this
# machine's. h_errno of this machine's C library is a thread-local word, with which that of net/
# would not link; the calls beside it have other names since the sanitizers' library has them, too.
# What net/ gives to atexit() is for the end of an image, not of this process.
NET_PROGRAMS := $(filter test_sock_% test_lwip_% test_tcp_% test_epoll,$(PROGRAMS))
NET := $(wildcard tests/host/net/*.c) $(foreach r,$(NET_ROOMS),$(SRC_$r)) \
       $(addprefix platform/libc/,file.c poll.c epoll.c sendfile.c)
NET_FLAGS := -Inet/socket -Inet/socket/include -Inet/lwip -Inet/lwip/include -Inet/inet \
             -Inet/inet/include -Inet/vsock -Inet/vsock/include -Itests/host/net -Iplatform/libc \
             -isystem $(LWIP)/src/include -D_GNU_SOURCE \
             $(foreach n,atexit h_errno getaddrinfo getnameinfo gethostbyname,-D$n=vireo_$n)
NET_LIBRARY := $(NET:%=$(HOST)/obj/%.o) $(patsubst $(LWIP)/%,$(HOST)/obj/lwip/%.o,$(SRC_lwip))

# littlefs's source is fetched for these alone.
LITTLEFS_PROGRAMS := $(filter test_littlefs%,$(PROGRAMS))
LITTLEFS_LINKED := $(SRC_files-littlefs) tests/host/littlefs/littlefstest.c
LITTLEFS_LIBRARY := $(LITTLEFS_LINKED:%=$(HOST)/obj/%.o) $(HOST)/obj/littlefs/lfs2.c.o
LITTLEFS_OURS := $(LITTLEFS_LINKED) $(LITTLEFS_PROGRAMS:%=tests/host/%.c) \
                 tests/powercut/cut_fileset.c

HTTP_PROGRAMS := $(filter test_http%,$(PROGRAMS))
HTTPD := $(filter-out %/main.c %/status.c,$(wildcard examples/httpd/*.c)) \
         $(wildcard tests/host/httpd/*.c)
HTTP_FLAGS := -Iexamples/httpd -Itests/host/httpd -D_GNU_SOURCE
FLAGS_tests/host/httpd/table.c := -DHTTP_TABLES='"$(abspath tests/http)"'
HTTPD_LIBRARY := $(HTTPD:%=$(HOST)/obj/%.o)

include scripts/sqlite.mk
SQL_PROGRAMS := $(filter test_sql%,$(PROGRAMS))
SQL := $(wildcard sqlite/*.c tests/host/sqlite/*.c)
SQL_FLAGS := -Isqlite -isystem $(SQLITE)
SQL_LIBRARY := $(SQL:%=$(HOST)/obj/%.o) $(SQLITE_HOST)
$(SQL:%=$(HOST)/obj/%.o) $(SQL_PROGRAMS:%=$(HOST)/obj/tests/host/%.c.o) \
    $(HOST)/obj/tests/powercut/cut_kv.c.o: $(SQLITE)/sqlite3.c

# The conformance suite: docs/conformance-suite.md. suite-NAME judges the driver of drivers/NAME.c.
SUITE_SOURCES := $(wildcard tests/suite/*.c)
SUITE_DRIVERS := $(wildcard tests/suite/drivers/*.c)
SUITE_PROGRAMS := $(SUITE_DRIVERS:tests/suite/drivers/%.c=suite-%)
SUITE_FLAGS := -Itests/suite -DSUITE_ROWS='"$(abspath tests/conformance/requirements.csv)"' \
               -DVIREO_VERSION='"$(file <VERSION)"'
SUITE_LIBRARY := $(SUITE_SOURCES:%=$(HOST)/obj/%.o)
# The calls of this sanitizer, which tell of each access, end in tests/suite/watch.c.
FLAGS_tests/suite/drivers/bad.c := -fno-sanitize=all -fsanitize=thread \
    $(if $(findstring profile,$(INSTRUMENT)),-fno-profile-instr-generate -fno-coverage-mapping)

# cut-NAME judges a disk after a power cut (`make powercut`), with the code of images that has it.
CUT_PROGRAMS := $(patsubst tests/powercut/cut_%.c,cut-%,$(wildcard tests/powercut/cut_*.c))
CUT_LIBRARY := $(patsubst %,$(HOST)/obj/%.o,tests/powercut/cutdisk.c)
CUT_NAMES := $(CUT_PROGRAMS:cut-%=%)
CUT_fileset := $(HOST)/obj/tests/apps/fileset/rounds.c.o $(HOST)/littlefs.a
CUT_kv := $(HOST)/sql.a
CUT_blkcheck := $(patsubst %,$(HOST)/obj/examples/blkcheck/%.o,rounds.c pattern.c)

FLAGS_of = $(if $(filter $(HTTPD) $(HTTP_PROGRAMS:%=tests/host/%.c),$1),$(HTTP_FLAGS)) \
           $(if $(filter examples/%,$1),-include tests/host/httpd/names.h) $(FLAGS) \
           $(if $(filter tests/suite/%,$1),$(SUITE_FLAGS)) \
           $(if $(filter $(LITTLEFS_OURS),$1),$(LITTLEFS_FLAGS) -Itests/host/littlefs) \
           $(if $(filter $(SQL) $(SQL_PROGRAMS:%=tests/host/%.c) \
                         tests/powercut/cut_kv.c,$1),$(SQL_FLAGS)) \
           $(if $(filter $(NET) $(NET_PROGRAMS:%=tests/host/%.c),$1),$(NET_FLAGS)) \
           $(if $(filter $(IMAGE) $(IMAGE_PROGRAMS:%=tests/host/%.c),$1),$(IMAGE_FLAGS)) $(FLAGS_$1)

# ---- rules ---------------------------------------------------------------------------------------

all: programs threads
programs: $(PROGRAMS:%=$(HOST)/%) $(SUITE_PROGRAMS:%=$(HOST)/%) cuts
cuts: $(CUT_PROGRAMS:%=$(HOST)/%)
threads:
	$(Q)$(MAKE) -s -f scripts/host.mk HOST=$(HOST)-tsan SANITIZE=thread \
	    $(addprefix $(HOST)-tsan/,test_ring_threads test_ring_threads_bad test_lock_threads)

FLAGS_NOW := $(HOSTCC) $(shell $(HOSTCC) -dumpversion) $(filter-out -Werror,$(FLAGS)) \
             $(HTTP_FLAGS) $(IMAGE_FLAGS) $(NET_FLAGS) $(LIBS) $(SOURCES_NOW)
$(shell mkdir -p $(HOST)/obj)
$(if $(call differ,$(FLAGS_NOW),$(file <$(HOST)/obj/flags)),$(file >$(HOST)/obj/flags,$(FLAGS_NOW)))

# -MD: lwipopts.h counts as a system header, since those of lwIP include it.
define compile
	@$(if $V,,printf '  %-5s %s\n' HOST $<)
	$(Q)mkdir -p $(@D) && $(HOSTCC) $1 -MD -MP -c $< -o $@
endef
$(HOST)/obj/%.c.o: %.c $(HOST)/obj/flags
	$(call compile,$(call FLAGS_of,$<))
$(HOST)/obj/lwip/%.c.o: $(LWIP)/%.c $(HOST)/obj/flags
	$(call compile,$(FLAGS) $(NET_FLAGS) -w)
$(LITTLEFS_OURS:%=$(HOST)/obj/%.o): $(LITTLEFS)/.fixed \
    scripts/littlefs.mk
$(HOST)/obj/littlefs/lfs2.c.o: $(SRC_littlefs) $(HOST)/obj/flags
	$(call compile,$(FLAGS) $(LITTLEFS_FLAGS) -w)
$(HOST)/obj/libfdt/%.c.o: $(LIBFDT)/%.c $(HOST)/obj/flags
	$(call compile,$(FLAGS) -w -fwrapv -DFDT_ASSUME_MASK=6 -I$(LIBFDT))
$(HOST)/library.a: $(LIBRARY)
$(HOST)/image.a: $(IMAGE_LIBRARY)
$(HOST)/net.a: $(NET_LIBRARY)
$(HOST)/httpd.a: $(HTTPD_LIBRARY)
$(HOST)/sql.a: $(SQL_LIBRARY)
$(HOST)/suite.a: $(SUITE_LIBRARY)
$(HOST)/littlefs.a: $(LITTLEFS_LIBRARY)
$(HOST)/%.a:
	$(Q)rm -f $@ && ar qcsT $@ $^
# test_x.objects lists what the linker took: it tells which sources the program is made of.
$(HOST)/%: $(HOST)/obj/tests/host/%.c.o $(HOST)/library.a scripts/host.mk
	$(Q)$(HOSTCC) $(INSTRUMENT) $(filter %.o,$^) $(filter-out %/library.a,$(filter %.a,$^)) \
	    $(HOST)/library.a $(LIBS) -Wl,-t -o $@ >$@.objects
$(IMAGE_PROGRAMS:%=$(HOST)/%): $(HOST)/image.a
# The sanitizers' library has poll(), epoll_wait() and sendmmsg() too: it must not be asked first.
$(NET_PROGRAMS:%=$(HOST)/%): $(HOST)/net.a $(addprefix $(HOST)/obj/, \
    platform/libc/poll.c.o platform/libc/epoll.c.o platform/libc/sendfile.c.o \
    net/socket/socket_many.c.o)
$(HTTP_PROGRAMS:%=$(HOST)/%): $(HOST)/httpd.a
$(LITTLEFS_PROGRAMS:%=$(HOST)/%): $(HOST)/littlefs.a
$(SQL_PROGRAMS:%=$(HOST)/%): $(HOST)/sql.a

$(HOST)/suite-%: $(HOST)/obj/tests/suite/drivers/%.c.o $(HOST)/suite.a $(HOST)/library.a
	$(Q)$(HOSTCC) $(INSTRUMENT) $^ $(LIBS) -o $@

$(foreach p,$(CUT_NAMES),$(eval $(HOST)/cut-$p: $(CUT_$p)))
$(HOST)/cut-%: $(HOST)/obj/tests/powercut/cut_%.c.o $(CUT_LIBRARY) $(HOST)/library.a
	$(Q)$(HOSTCC) $(INSTRUMENT) $(filter %.o,$^) $(filter-out $(HOST)/library.a,$(filter %.a,$^)) \
	    $(HOST)/library.a $(LIBS) -o $@

$(HOST)/test_cache_cuts: $(CUT_blkcheck)

# The examples of docs/another-*.md, each with its list in place of the tree's.
NEWBUS := $(patsubst %,$(HOST)/obj/%.o,$(wildcard tests/host/newbus/*.c))
NEWRING := $(patsubst %,$(HOST)/obj/%.o,$(wildcard tests/host/newring/*.c))
$(HOST)/test_newbus: $(NEWBUS)
$(HOST)/test_newring: $(NEWRING)

# The loop of services for kernels without one, in place of the host's.
$(HOST)/test_vireo_start: $(HOST)/obj/drivers/hal_services.c.o $(HOST)/obj/drivers/vireo_table.c.o

# The file of an image with LEGACY=0, in place of the library's files of the same functions.
WITHOUT_LEGACY := $(LEGACY_NONE:%=$(HOST)/obj/modern/%.o)
$(HOST)/obj/modern/%.c.o: %.c $(HOST)/obj/flags
	$(call compile,$(FLAGS) -DVIREO_LEGACY=0)
$(HOST)/test_legacy_none: $(WITHOUT_LEGACY)

# unmapped-test_x: the network driver as images have it, where a mapping is an address.
UNMAPPED := $(patsubst %,$(HOST)/obj/unmapped/%.o,$(filter drivers/net/%,$(SRC_drivers)) \
                                                  $(wildcard tests/host/unmapped/*.c))
$(HOST)/obj/unmapped/%.c.o: %.c $(HOST)/obj/flags
	$(call compile,$(FLAGS) -DHAL_DMA_MAPS=0)
$(HOST)/unmapped-%: $(HOST)/obj/tests/host/%.c.o $(UNMAPPED) $(HOST)/library.a scripts/host.mk
	$(Q)$(HOSTCC) $(INSTRUMENT) $(filter %.o,$^) $(HOST)/library.a $(LIBS) -Wl,-t -o $@ >$@.objects

ALL_OBJECTS := $(LIBRARY) $(IMAGE_LIBRARY) $(NET_LIBRARY) $(HTTPD_LIBRARY) $(SUITE_LIBRARY) \
               $(SQL_LIBRARY) $(LITTLEFS_LIBRARY) $(SUITE_DRIVERS:%=$(HOST)/obj/%.o) \
               $(NEWBUS) $(NEWRING) \
               $(CUT_LIBRARY) $(CUT_NAMES:%=$(HOST)/obj/tests/powercut/cut_%.c.o) \
               $(filter %.o,$(foreach p,$(CUT_NAMES),$(CUT_$p))) \
               $(WITHOUT_LEGACY) $(UNMAPPED) $(PROGRAMS:%=$(HOST)/obj/tests/host/%.c.o)
-include $(ALL_OBJECTS:.o=.d)
.SECONDARY:
FORCE:
.PHONY: FORCE all programs cuts threads
