/* SPDX-License-Identifier: BSD-2-Clause */
/* process.c - the image as a process: its end, its signals, sysconf(). */
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "files.h"
#include "runtime.h"
#include "vireo/image.h"

#define PID 1

int _getpid(void);
int _kill(int pid, int signal);
void _exit(int status) __attribute__((noreturn));
void _fini(void);

int _getpid(void)
{
    return PID;
}

/* newlib calls this for a signal without a handler: the image ends. */
int _kill(int pid, int signal)
{
    if (pid != PID)
        return (int)posix_result(-ESRCH);
    if (signal == 0)
        return 0;
    if (signal == SIGABRT)
        hal_panic("abort() was called");
    hal_panic("signal %d has no handler", signal);
}

void _exit(int status)
{
    vireo_exit(status);
}

/* Called by a newlib with fini functions, after those of .fini_array. */
void _fini(void)
{
}

long sysconf(int name)
{
    struct memory_info m;

    switch (name) {
    case _SC_PAGESIZE:
        return PAGE_SIZE;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return 1;
    case _SC_OPEN_MAX:
        return FILES_MAX;
    case _SC_CLK_TCK:
        return CLOCKS_PER_SEC;
    case _SC_PHYS_PAGES:
        vireo_memory(&m);
        return (long)(m.total / PAGE_SIZE);
    case _SC_AVPHYS_PAGES:
        vireo_memory(&m);
        return (long)(m.free / PAGE_SIZE);
    default:
        return posix_result(-EINVAL);
    }
}

int getpagesize(void)
{
    return PAGE_SIZE;
}
