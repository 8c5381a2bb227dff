# SPDX-License-Identifier: BSD-2-Clause
SRCS := life.c cancel.c mutex.c wait.c semaphore.c events.c
CFLAGS := -D_GNU_SOURCE
