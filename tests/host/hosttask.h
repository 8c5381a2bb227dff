/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hosttask.h - what files/ needs of task.h, for tests: one task, which makes the world go on while
 * it waits, or several that a test switches between; a small descriptor table; an initrd.
 */
#ifndef VIREO_HOSTTASK_H
#define VIREO_HOSTTASK_H

#include "vireo/file.h"

struct task;

/* Called while the task waits; false when nothing can happen any more, which fails the case. */
void hosttask_on_wait(bool (*progress)(void *ctx), void *ctx);
/*
 * Several tasks, each of them a thread of the test's, of which one runs at a time: the function is
 * called where the running task waits for anything, and lets others run and the world go on.
 * hosttask_is() says which task runs from then on. Waits may then end for no reason.
 */
void hosttask_on_switch(void (*fn)(void));
void hosttask_is(struct task *t);
void hosttask_initrd(const void *image, size_t len);

/* The file behind a descriptor of file_install; NULL: none. */
struct file *hosttask_file(int fd);
/* Closes it, and frees the descriptor. */
int hosttask_close(int fd);
unsigned hosttask_open_files(void);

/* Ends the image (vireo_before_end): what vireo_end_failed() was told, or 0. */
int hosttask_end(void);

#endif
