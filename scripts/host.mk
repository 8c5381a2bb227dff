# SPDX-License-Identifier: BSD-2-Clause
# host.mk: the tests that run on this machine. Each tests/host/test_*.c becomes build/host/test_*.
# The other files of tests/host/, drivers/ and files/ (unchanged), ON_MEMORY and platform/host are a
# library for all of them.
# Address and undefined-behaviour sanitizers are on, and end the program at the first finding. The
# programs that run the device in a second thread are built once more, with the thread sanitizer.
# tests/host/test_image_*.c test the files of an image that platform/host replaces in all other
# programs (IMAGE). Both are compiled with tests/host/image/names.h in front, which renames the
# functions that platform/host has as well.

include scripts/config.mk
include scripts/rooms.mk
Q := $(if $V,,@)
HOSTCC ?= gcc
HOST := build/host
SANITIZE ?= address,undefined
# `make coverage` sets both, for clang.
INSTRUMENT ?= -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
WARNINGS ?= -Wall -Wextra -Werror -Wno-missing-field-initializers

FLAGS = -std=gnu11 -O1 -g $(WARNINGS) -fno-omit-frame-pointer -fno-common $(INSTRUMENT) \
        -DVIREO_DEBUG -Iplatform -Iplatform/host -Idrivers -Ifiles -Itests/host \
        -Iplatform/virt -Iplatform/arch

PROGRAMS := $(patsubst tests/host/%.c,%,$(wildcard tests/host/test_*.c))
SUPPORT := $(filter-out tests/host/test_%,$(wildcard tests/host/*.c)) $(wildcard platform/host/*.c)
# Files of the board that need registers and memory only, which the host's model has.
ON_MEMORY := $(addprefix platform/virt/,its.c its_queue.c its_table.c lpi.c map.c smmu.c)
# What an image has in place of platform/host.
IMAGE := $(addprefix platform/runtime/,deadline.c entropy.c format.c initrd.c log.c memory.c \
                                       option.c runs.c service.c start.c task.c) \
         $(addprefix platform/virt/,board.c gicv2.c gicv3.c irq.c msi.c pci_host.c pl011.c timer.c \
                                    tree.c tree_walk.c v2m.c)
LIBRARY := $(patsubst %,$(HOST)/obj/%.o,$(SUPPORT) $(ON_MEMORY) $(SRC_drivers) $(SRC_files))

LIBFDT := $(or $(LIBFDT_DIR),build/libfdt)
IMAGE_SUPPORT := $(wildcard tests/host/image/*.c)
IMAGE_LIBRARY := $(patsubst %,$(HOST)/obj/%.o,$(IMAGE) $(IMAGE_SUPPORT)) \
                 $(patsubst %,$(HOST)/obj/libfdt/%.c.o,fdt fdt_ro)
IMAGE_FLAGS := -include tests/host/image/names.h -Itests/host/image -Iplatform/runtime -I$(LIBFDT)

all: programs threads
programs: $(PROGRAMS:%=$(HOST)/%)
threads:
	$(Q)$(MAKE) -s -f scripts/host.mk HOST=$(HOST)-tsan SANITIZE=thread \
	    $(HOST)-tsan/test_threads $(HOST)-tsan/test_threads_bad

LIBS := -lpthread
FLAGS_NOW := $(HOSTCC) $(shell $(HOSTCC) -dumpversion) $(FLAGS) $(IMAGE_FLAGS) $(LIBS)
$(shell mkdir -p $(HOST)/obj)
$(if $(call differ,$(FLAGS_NOW),$(file <$(HOST)/obj/flags)),$(file >$(HOST)/obj/flags,$(FLAGS_NOW)))

$(HOST)/obj/%.c.o: %.c $(HOST)/obj/flags
	@$(if $V,,printf '  %-5s %s\n' HOST $<)
	$(Q)mkdir -p $(@D) && $(HOSTCC) $(FLAGS) -MMD -MP -c $< -o $@
$(HOST)/library.a: $(LIBRARY)
	$(Q)rm -f $@ && ar qcsT $@ $^
$(patsubst %,$(HOST)/obj/%.o,$(IMAGE) $(IMAGE_SUPPORT)) \
$(HOST)/obj/tests/host/test_image_%.c.o: \
    FLAGS += $(IMAGE_FLAGS)
# The image's main() and constructors, not the program's.
$(HOST)/obj/platform/runtime/start.c.o: FLAGS += -Dmain=image_main -DVIREO_VERSION='"host"' \
    -D__init_array_start=__start_image_init -D__init_array_end=__stop_image_init
# All but their own tests have the host's log, which keeps lines, and the host's time.
$(addprefix $(HOST)/obj/,platform/runtime/log.c.o tests/host/test_image_log.c.o): \
    FLAGS += -DIMAGE_LOG
$(addprefix $(HOST)/obj/,platform/virt/timer.c.o tests/host/test_image_clock.c.o): \
    FLAGS += -DIMAGE_CLOCK
$(HOST)/obj/libfdt/%.c.o: $(LIBFDT)/%.c $(HOST)/obj/flags
	$(Q)mkdir -p $(@D) && $(HOSTCC) $(FLAGS) -w -fwrapv -DFDT_ASSUME_MASK=2 -I$(LIBFDT) -MMD -MP \
	    -c $< -o $@
$(HOST)/image.a: $(IMAGE_LIBRARY)
	$(Q)rm -f $@ && ar qcsT $@ $^
# test_x.objects lists what the linker took: it tells which sources the program is made of.
LINK = $(Q)$(HOSTCC) $(INSTRUMENT) $(filter %.o,$^) $(filter %.a,$^) $(LIBS) -Wl,-t -o $@ \
       >$@.objects
$(HOST)/test_image_%: $(HOST)/obj/tests/host/test_image_%.c.o $(HOST)/image.a $(HOST)/library.a \
                      scripts/host.mk
	$(LINK)
$(HOST)/%: $(HOST)/obj/tests/host/%.c.o $(HOST)/library.a scripts/host.mk
	$(LINK)

# The examples of docs/another-*.md, each with its list in place of the tree's.
$(HOST)/test_newbus: $(patsubst %,$(HOST)/obj/%.o,$(wildcard tests/host/newbus/*.c))
$(HOST)/test_newring: $(patsubst %,$(HOST)/obj/%.o,$(wildcard tests/host/newring/*.c))

# The file of an image with LEGACY=0, in place of the library's files of the same functions.
$(HOST)/test_legacy_none: $(LEGACY_NONE:%=$(HOST)/obj/%.o)

-include $(LIBRARY:.o=.d) $(IMAGE_LIBRARY:.o=.d) $(PROGRAMS:%=$(HOST)/obj/tests/host/%.c.d)
.SECONDARY:
.PHONY: all programs threads
