/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hosttask.h - what files/ needs of task.h, for tests: one task, which makes the world go on while
 * it waits; a small descriptor table; an initrd.
 */
#ifndef VIREO_HOSTTASK_H
#define VIREO_HOSTTASK_H

#include "vireo/file.h"

/* Called while the task waits; false when nothing can happen any more, which fails the case. */
void hosttask_on_wait(bool (*progress)(void *ctx), void *ctx);
void hosttask_initrd(const void *image, size_t len);

/* The file behind a descriptor of file_install; NULL: none. */
struct file *hosttask_file(int fd);
/* Closes it, and frees the descriptor. */
int hosttask_close(int fd);
unsigned hosttask_open_files(void);

/* Ends the image (vireo_before_end): what vireo_end_failed() was told, or 0. */
int hosttask_end(void);

#endif
