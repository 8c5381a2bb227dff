/* SPDX-License-Identifier: BSD-2-Clause */
/* stream_lock.c - the locks of streams as functions (POSIX.1-2017): newlib has them as macros. */
#include <stdio.h>
#include <sys/lock.h>

#undef flockfile
#undef ftrylockfile
#undef funlockfile

void flockfile(FILE *f)
{
    _flockfile(f);
}

int ftrylockfile(FILE *f)
{
    return f->_flags & __SSTR || __lock_try_acquire_recursive(f->_lock) ? 0 : -1;
}

void funlockfile(FILE *f)
{
    _funlockfile(f);
}
