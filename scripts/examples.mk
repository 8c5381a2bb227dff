# SPDX-License-Identifier: BSD-2-Clause
# examples.mk: builds every example, one after the other, since they share the rooms' objects.

include scripts/config.mk

images:
	+@set -e; for app in $(EXAMPLES); do $(MAKE) -f scripts/image.mk APP=$$app image; done

.PHONY: images
