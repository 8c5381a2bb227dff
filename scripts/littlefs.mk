# SPDX-License-Identifier: BSD-2-Clause
# littlefs.mk: the file system littlefs and what connects it to files/, for images that name it in
# FILESYSTEMS, and for programs of this machine. After Q.

GOAL_BEFORE := $(.DEFAULT_GOAL)
LITTLEFS := build/littlefs$(if $(LITTLEFS_DIR),-given)
SRC_files-littlefs := $(wildcard files/littlefs/*.c)
SRC_littlefs := $(LITTLEFS)/lfs2.c
LITTLEFS_FLAGS := -DLFS2_CONFIG=lfs2_config.h -Ifiles/littlefs -I$(LITTLEFS)

# Fetched and mended by deps.mk, where it is wanted.
$(LITTLEFS)/.fixed: scripts/fix-littlefs scripts/fetch-source \
                    $(addprefix scripts/vireolib/,littlefs_mends.py mending.py)
	+@$(MAKE) -s --no-print-directory -f scripts/deps.mk $@
$(SRC_littlefs): $(LITTLEFS)/.fixed
.DEFAULT_GOAL := $(GOAL_BEFORE)
