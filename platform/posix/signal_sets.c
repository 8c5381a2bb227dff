/* SPDX-License-Identifier: BSD-2-Clause */
/* signal_sets.c - sets of signals (POSIX.1-2017): bit N for signal N; and what is told of one. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static sigset_t set_bit(int sig)
{
    if (sig > 0 && sig < NSIG)
        return (sigset_t)1 << sig;
    errno = EINVAL;
    return 0;
}

int sigemptyset(sigset_t *set)
{
    *set = 0;
    return 0;
}

int sigfillset(sigset_t *set)
{
    *set = (sigset_t)0xfffffffe;
    return 0;
}

int sigaddset(sigset_t *set, int sig)
{
    sigset_t bit = set_bit(sig);

    *set |= bit;
    return bit ? 0 : -1;
}

int sigdelset(sigset_t *set, int sig)
{
    sigset_t bit = set_bit(sig);

    *set &= ~bit;
    return bit ? 0 : -1;
}

int sigismember(const sigset_t *set, int sig)
{
    sigset_t bit = set_bit(sig);

    return bit ? (*set & bit) != 0 : -1;
}

void psiginfo(const siginfo_t *info, const char *text)
{
    fprintf(stderr, "%s%s%s\n", text && *text ? text : "", text && *text ? ": " : "",
            strsignal(info->si_signo));
}
