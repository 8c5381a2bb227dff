/* SPDX-License-Identifier: BSD-2-Clause */
/* process.c - the image as a process: its end, the signals of ISO C, sysconf(). */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
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

int (*signal_send)(int signal);

/* Signals without a handler end the image, but for those of processes and terminals it has not. */
static bool signal_is_ignored(int signal)
{
    return signal == SIGURG || (signal >= SIGSTOP && signal <= SIGIO) || signal == SIGWINCH;
}

void signal_default(int signal)
{
    if (signal_is_ignored(signal))
        return;
    if (signal == SIGABRT)
        hal_panic("abort() was called");
    hal_panic("signal %d has no handler", signal);
}

/* Calls the handler, and returns when it has. */
int _kill(int pid, int signal)
{
    if (pid != PID && pid != 0 && pid != -1 && pid != -PID)
        return (int)posix_result(-ESRCH);
    if ((unsigned)signal >= NSIG)
        return (int)posix_result(-EINVAL);
    if (!signal)
        return 0;
    if (signal_send)
        return signal_send(signal);
    if (signal_handlers[signal] == SIG_DFL)
        signal_default(signal);
    else if (signal_handlers[signal] != SIG_IGN)
        signal_handlers[signal](signal);
    return 0;
}

/* ISO C's signals, in place of newlib's: one table for all tasks, and a handler stays. */
void (*signal(int sig, void (*handler)(int)))(int)
{
    void (*before)(int);

    if (sig <= 0 || sig >= NSIG || sig == SIGKILL || sig == SIGSTOP) {
        errno = EINVAL;
        return SIG_ERR;
    }
    before = signal_handlers[sig];
    signal_handlers[sig] = handler;
    return before;
}

int raise(int sig)
{
    return _kill(PID, sig);
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
