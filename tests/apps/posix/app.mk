# SPDX-License-Identifier: BSD-2-Clause
SRCS := main.c names.c paths.c process.c pages.c pipes.c signals.c terminal.c text.c
FILESYSTEMS := littlefs tar
MOUNTS := /data:vblk0
