/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo.h - the application's header: tasks, wait queues and mutexes (task.h), the log and boot
 * arguments (hal.h), and the image itself (vireo_ready, vireo_exit, vireo_memory). Files, sockets,
 * time and memory are POSIX's and C's own headers.
 */
#ifndef VIREO_H
#define VIREO_H

#include "task.h"

#endif
