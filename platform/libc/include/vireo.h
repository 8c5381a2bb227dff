/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo.h - the application's header: tasks, wait queues and mutexes (vireo/task.h), the log and
 * boot arguments (hal.h), and the image itself (vireo/image.h). Files, sockets, time and memory are
 * POSIX's and C's own headers.
 */
#ifndef VIREO_H
#define VIREO_H

#include "vireo/image.h"
#include "vireo/task.h"

#endif
