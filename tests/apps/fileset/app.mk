# SPDX-License-Identifier: BSD-2-Clause
SRCS := rounds.c
FILESYSTEMS := littlefs tar
MOUNTS := /data:vblk0
