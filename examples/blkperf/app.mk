# SPDX-License-Identifier: BSD-2-Clause
SRCS := queue.c cached.c files.c
SCRATCH := 64M
FILESYSTEMS := littlefs tar
