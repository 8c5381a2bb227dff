# SPDX-License-Identifier: BSD-2-Clause
# tests.mk: what `make test` builds in front of the tests, several makes at a time, which share the
# jobs of the one above: examples, host programs, fuzz targets, other kernels, and the C library of
# images for 32-bit Arm.

include scripts/config.mk
MAKE_OF = +@$(MAKE) --no-print-directory -f

all: images host fuzz kernels arm

# What two of them would make at the same time.
sources:
	$(MAKE_OF) scripts/fuzz.mk sources
sqlite: sources
	$(MAKE_OF) scripts/fuzz.mk sqlite-object

images: sources
	$(MAKE_OF) scripts/examples.mk images
host: sqlite
	$(MAKE_OF) scripts/host.mk all
fuzz: sqlite
	$(MAKE_OF) scripts/fuzz.mk all
kernels:
	$(MAKE_OF) scripts/kernels.mk all
arm:
	$(MAKE_OF) scripts/deps.mk deps ARCH=arm CROSS=arm-none-eabi- NEWLIB_DIR=

.PHONY: all sources sqlite images host fuzz kernels arm
