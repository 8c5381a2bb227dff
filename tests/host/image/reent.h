/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reent.h - as much of newlib's as platform/runtime/task.c uses, for its test on this machine: the
 * part of libc's state that a task has to itself.
 */
#ifndef VIREO_FAKE_REENT_H
#define VIREO_FAKE_REENT_H

struct _reent {
    int _errno;
    void *_stdin, *_stdout, *_stderr;
    void (*__cleanup)(struct _reent *r); /* closes the streams; stdio sets the pointer */
    int reclaimed;
};
extern struct _reent *_impure_ptr, fake_global_reent;
#define _GLOBAL_REENT             (&fake_global_reent)
#define _REENT_INIT_PTR_ZEROED(r) ((r)->_stdout = fake_streams)
extern char fake_streams[];

void _reclaim_reent(struct _reent *r);

#endif
