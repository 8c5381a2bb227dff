/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strsignal.c - texts of signals (POSIX.1-2017, strsignal), the same as on Linux. The text of an
 * unknown number stays as it is until the next such call. newlib has another one for SIGABRT, and
 * links a printf.
 */
#include <signal.h>
#include <string.h>

static const char *const strsignal_texts[] = {
    [SIGHUP] = "Hangup",
    [SIGINT] = "Interrupt",
    [SIGQUIT] = "Quit",
    [SIGILL] = "Illegal instruction",
    [SIGTRAP] = "Trace/breakpoint trap",
    [SIGABRT] = "Aborted",
    [SIGFPE] = "Floating point exception",
    [SIGKILL] = "Killed",
    [SIGBUS] = "Bus error",
    [SIGSEGV] = "Segmentation fault",
    [SIGSYS] = "Bad system call",
    [SIGPIPE] = "Broken pipe",
    [SIGALRM] = "Alarm clock",
    [SIGTERM] = "Terminated",
    [SIGURG] = "Urgent I/O condition",
    [SIGSTOP] = "Stopped (signal)",
    [SIGTSTP] = "Stopped",
    [SIGCONT] = "Continued",
    [SIGCHLD] = "Child exited",
    [SIGTTIN] = "Stopped (tty input)",
    [SIGTTOU] = "Stopped (tty output)",
    [SIGIO] = "I/O possible",
    [SIGXCPU] = "CPU time limit exceeded",
    [SIGXFSZ] = "File size limit exceeded",
    [SIGVTALRM] = "Virtual timer expired",
    [SIGPROF] = "Profiling timer expired",
    [SIGWINCH] = "Window changed",
    [SIGUSR1] = "User defined signal 1",
    [SIGUSR2] = "User defined signal 2",
};

char *strsignal(int number)
{
    static char unknown[sizeof("Unknown signal -2147483648")] = "Unknown signal ";
    char *p = unknown + sizeof(unknown) - 1, *digits = unknown + strlen("Unknown signal ");
    unsigned rest = number < 0 ? -(unsigned)number : (unsigned)number;

    if (number >= 0 && (size_t)number < sizeof(strsignal_texts) / sizeof(strsignal_texts[0]) &&
        strsignal_texts[number])
        return (char *)strsignal_texts[number];
    *p = '\0';
    do
        *--p = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (number < 0)
        *--p = '-';
    memmove(digits, p, strlen(p) + 1);
    return unknown;
}
