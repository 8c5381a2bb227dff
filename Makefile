# SPDX-License-Identifier: BSD-2-Clause
# The front door of Vireo. `make help` says what there is; scripts/*.mk do the work.

.DEFAULT_GOAL := run
include scripts/config.mk

# Each step is a make of its own, since a step may fetch what the next step needs. Two builds in the
# same tree wait for each other.
STEP = +$(if $V,,@)$(MAKE) --no-print-directory -f
BUILD = +$(if $V,,@)mkdir -p build && flock build/.lock $(MAKE) --no-print-directory \
    $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) -f
# All tests, or those that TESTS names. All of `make test` run in a process for each processor.
PYTEST = $(PYTHON) -m pytest -q $(if $(filter tests/%,$(TESTS)),,tests) $(if $(ALL),--built)
ALL = $(if $(strip $(TESTS)),,all)
PROCESSES = $(shell n=$$(nproc); echo $$((n < 4 ? n : 4)))

run: check .setup-build+run image
	$(STEP) scripts/run.mk run

debug: check .setup-build+run+debug image
	$(STEP) scripts/run.mk debug

image: check deps
	$(BUILD) scripts/image.mk image

# A compiler for programs with a build of their own, in PREFIX=, which needs this tree no more.
sdk: check deps
	$(if $(filter aarch64,$(ARCH)),,$(error ARCH=$(ARCH): the SDK is for aarch64))
	$(BUILD) scripts/image.mk image APP=hello
	$(STEP) scripts/sdk.mk sdk

# Every example, with its disk.
images: check deps
	$(BUILD) scripts/examples.mk images

# The demo goes on with the folder and size that its disk was made of last.
disk:
	@VIREO_TYPED='--size=SIZE=;folder=DIR=' $(PYTHON) scripts/mkdisk $(DISK_OF) \
	    $(or $(OUT),$(DEMO_DISK))
	@$(if $(OUT),,$(if $(DIR)$(SIZE),echo '$(DISK_OF)' >$(DEMO_DISK_OF),rm -f $(DEMO_DISK_OF)))
DISK_OF = $(if $(SIZE),--size $(SIZE)) $(abspath $(or $(DIR),$(DEMO_SITE)))

# What the tests need is built first, in view. Tests that TESTS= chooses build their own.
NEEDED = check .setup-build+run+debug+test+format$(if $(ALL),+kernels+arm) deps \
         $(if $(ALL),needed-by-tests)

test: $(NEEDED)
	@$(PYTEST) $(if $(ALL),-n $(PROCESSES)) $(TESTS)

needed-by-tests:
	$(BUILD) scripts/tests.mk all

# Both commands of the README in fresh Debian systems. OS=13: one of them
test-os: check
	@$(PYTHON) scripts/test-os $(OS) $(if $(TESTS),--tests '$(TESTS)')

test-full: $(NEEDED) .setup-bench
	@$(PYTEST) --full $(TESTS)

bench: check .setup-build+run+test images disk
	$(STEP) scripts/image.mk image APP=tests/apps/ringcost
	$(STEP) scripts/image.mk image APP=tests/apps/vnetcost
	$(STEP) scripts/image.mk image APP=tests/apps/blkcost
	$(STEP) scripts/image.mk image APP=tests/apps/sqlcost
	$(STEP) scripts/image.mk image APP=tests/apps/rawecho
	$(STEP) scripts/image.mk image APP=tests/apps/tcpcost
	$(STEP) scripts/image.mk image APP=tests/apps/bulk
	@$(PYTHON) scripts/bench $(BENCH)

load: check .setup-build+run+test images disk
	@$(PYTHON) scripts/load $(LOAD)

# Faults in the devices of a working image. TIME=seconds
soak: check .setup-build+run+test deps
	$(STEP) scripts/image.mk image APP=tests/apps/soak
	@$(PYTHON) scripts/soak $(if $(TIME),--time '$(TIME)') $(SOAK)

# Cuts the power of images that write. POWERCUT="blkcheck --kills 5": one of them, so often
powercut: check .setup-build+run+test deps
	$(STEP) scripts/image.mk image APP=blkcheck
	$(STEP) scripts/image.mk image APP=tests/apps/fileset
	$(STEP) scripts/image.mk image APP=kv
	$(BUILD) scripts/host.mk cuts
	@$(PYTHON) scripts/powercut $(POWERCUT)

# Runs what has not passed on this tree yet, and writes docs/conformance.md.
conformance: check .setup-build+run+test images host-tests
	@$(PYTHON) scripts/conformance $(CONFORMANCE)

# Makes one thing wrong at a time: some test must notice. MUTANTS=split chooses by name.
mutants: check .setup-build+run+test images host-tests
	@$(PYTHON) scripts/mutants '$(MUTANTS)'

# Attacks an unmodified image with devices of our own. HOSTILE='blk-.* pci' chooses cells.
hostile: check .setup-build+run+test deps
	$(STEP) scripts/image.mk image APP=tests/apps/hostage
	@$(PYTHON) tests/hostile '$(HOSTILE)'

# Inputs of any kind for the parts that face the outside: TIME= seconds for all, FUZZ=net by name.
fuzz: check fuzz-tests
	$(BUILD) scripts/fuzz.mk KIND=coverage all
	@$(PYTHON) scripts/fuzz --time $(or $(TIME),60) $(if $(JOBS),--jobs $(JOBS)) '$(FUZZ)'

# Lines of each file that the tests execute. COVERAGE="--lines files/" shows the others.
coverage: check .setup-build+run+test images
	$(BUILD) scripts/host.mk HOST=build/coverage/host HOSTCC=clang \
	    INSTRUMENT='-fprofile-instr-generate -fcoverage-mapping' WARNINGS=-w programs
	$(BUILD) scripts/fuzz.mk KIND=coverage all
	@$(PYTHON) scripts/coverage $(COVERAGE)

host-tests: .setup-build+test deps
	$(BUILD) scripts/host.mk all

fuzz-tests: .setup-build+test deps
	$(BUILD) scripts/fuzz.mk all

# Other kernels that take drivers/ as a library.
kernels: .setup-build+test+kernels
	$(BUILD) scripts/kernels.mk all

# One program of these: make build/host/test_ring, make build/fuzz/split.
build/host/%: .setup-build+test deps FORCE
	$(BUILD) scripts/host.mk $@
build/host-tsan/%: .setup-build+test deps FORCE
	$(BUILD) scripts/host.mk HOST=build/host-tsan SANITIZE=thread $@
build/fuzz/%: .setup-build+test deps FORCE
	$(BUILD) scripts/fuzz.mk $@
build/kernels/%.elf: .setup-build+test+kernels FORCE
	$(BUILD) scripts/kernels.mk $@
FORCE:

# Judges a driver by the standard. SUITE=wrap: scenarios by name.
DRIVER ?= vireo
STRANGERS := $(notdir $(wildcard tests/suite/strangers/*))
JUDGED := $(patsubst tests/suite/drivers/%.c,%,$(wildcard tests/suite/drivers/*.c)) $(STRANGERS)
suite: check build/host/suite-$(DRIVER)
	@build/host/suite-$(DRIVER) $(if $(SUITE),'$(SUITE)')
build/host/suite-%: .setup-build+test deps FORCE
	$(if $(filter $*,$(JUDGED)),,$(error DRIVER=$*: the suite has no adapter for it; \
	    there is: $(JUDGED)))
	$(BUILD) scripts/$(if $(filter $*,$(STRANGERS)),suite.mk,host.mk) $@

# TCP's throughput over simulated paths, in virtual time. PATHS=reordered by name, SEEDS='1 2 3'.
rates: check build/host/test_tcp_path
	@build/host/test_tcp_path rates '$(PATHS)' $(SEEDS)

# For three machines, then in many ways, each of which is linked and run. CELLS='lld|part' by name.
compile-check: deps .setup-test+library
	$(BUILD) scripts/compile-check.mk all
	$(BUILD) scripts/host.mk build/host/library.a
	@$(PYTHON) scripts/compile-matrix '$(CELLS)'
build/check/%: .setup-build+test FORCE
	$(BUILD) scripts/compile-check.mk $@

# drivers/ as build/vireo-drivers.c and .h. PART=blk or net: that alone
amalgamation:
	@$(PYTHON) scripts/amalgamate $(or $(PART),all) $(OUT)

# The packages, then the C library and the sources that are compiled with ours.
deps: .setup-build
	$(BUILD) scripts/deps.mk deps

setup: .setup-build+run+test+format
.setup-%:
	@ARCH=$(ARCH) scripts/setup $(subst +, ,$*)

check:
	$(check)@:

# With the version that .clang-format was written for: others format some things differently.
CLANG_FORMAT ?= clang-format-14
format: .setup-format
	$(if $(shell command -v $(CLANG_FORMAT)),,$(error no $(CLANG_FORMAT) here: give another path \
	    of clang-format 14 with CLANG_FORMAT=))
	$(CLANG_FORMAT) -i $$(git ls-files '*.c' '*.h')

# docs/pictures/*.svg, from the .dot beside each.
pictures: .setup-pictures
	@$(PYTHON) scripts/pictures

# Libraries and their sources, which a network or half a minute would be needed to make again.
KEPT := newlib-aarch64 newlib-arm newlib-source lwip libfdt

clean:
	rm -rf $(filter-out $(KEPT:%=build/%),$(wildcard build/*))

distclean:
	rm -rf build

help:
	@cat scripts/help.txt
	@echo
	@echo "APP=        $(EXAMPLES), or the path of a folder"
	@echo "ARCH=       $(ARCHES)"
	@echo "TRANSPORT=  $(TRANSPORTS)"

TARGETS := run debug image images sdk disk test test-os test-full bench load soak \
           powercut conformance mutants hostile fuzz coverage host-tests fuzz-tests kernels suite \
           rates compile-check amalgamation deps setup check format pictures clean distclean help
.DEFAULT:
	@near='$(word 2,$(shell $(PYTHON) scripts/nearest.py '$(TARGETS)' '$@'))'; \
	echo "make: there is no target $@$${near:+ ($$near is meant?)}; there is: $(TARGETS)" >&2; exit 1

.PHONY: $(TARGETS) needed-by-tests FORCE
.NOTPARALLEL:
