# SPDX-License-Identifier: BSD-2-Clause
FILESYSTEMS := littlefs
MOUNTS := /data:vblk0
