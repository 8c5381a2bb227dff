/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo/image.h - the image as a whole: ready, end, boot arguments, initial RAM disk, memory. From
 * a task, before main() also from functions of the init table (hal.h).
 */
#ifndef VIREO_IMAGE_H
#define VIREO_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/* Prints "vireo: ready" on the serial line: the application serves. Later calls print nothing. */
void vireo_ready(void);

/*
 * Ends the image: calls the functions of vireo_before_end(), runs the shutdown functions
 * (hal_on_shutdown), prints "vireo: exit N" as the last line, N being the low 8 bits of `status`,
 * and ends the machine. Unlike exit(), it calls no function of atexit() and flushes no stream.
 * [parks, if the caller may]
 */
void vireo_exit(int status) __attribute__((noreturn));

/*
 * Has vireo_exit(), and so exit(), call fn while tasks, services and devices still work; the last
 * that was given comes first. fn parks where it may (task_may_park), and returns within a bound; a
 * task that ends the image meanwhile calls fn as well. There is room for four; the network takes
 * one, and files another: 0, or -ENOSPC.
 */
int vireo_before_end(void (*fn)(void));

/*
 * For such functions: what the image was to do before its end has failed, so its exit status is
 * `status`, 1 to 255, unless it is to be another than 0 anyway. The first call counts.
 */
void vireo_end_failed(int status);

/*
 * Value of the boot argument "<name>=", for one without "vireo." ("ip"); NULL: absent. Those with
 * the prefix are hal_option's (hal.h).
 */
const char *hal_bootarg(const char *name);
/* The n-th value of such an argument, which may stand there more than once; NULL: no more. */
const char *hal_bootarg_nth(const char *name, unsigned n);

/*
 * The initial RAM disk that the boot loader handed over: read-only, *len bytes, there as long as
 * the image runs. NULL, and *len 0: there is none.
 */
const void *vireo_initrd(size_t *len);

/* The machine's memory in bytes, for status pages. */
struct memory_info {
    uint64_t total;      /* RAM that the device tree names */
    uint64_t image;      /* code, data, bss; and what the device tree reserves */
    uint64_t heap_used;  /* malloc's; a part shrinks when 128 KiB at its end are free */
    uint64_t pages_used; /* DMA memory, stacks, page tables */
    uint64_t lent;       /* to the host, by a memory balloon */
    uint64_t free;       /* none of these */
};
void vireo_memory(struct memory_info *out);

#endif
