/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signals.c - masks, pending signals and sigaction() (POSIX.1-2017, section 2.4). The table of
 * handlers is that of signal() (libc/process.c); here is what stands in front of a handler. A
 * signal of a task runs its handler in that task, before the call returns; one of a service, such
 * as a timer, in a task that is started for it. newlib's sets have bit N for signal N.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "files.h"
#include "signals.h"

#define BIT(sig)   ((sigset_t)1 << (sig))
#define ALL        ((sigset_t)0xfffffffe)
#define NEVER_HELD (BIT(SIGKILL) | BIT(SIGSTOP))

extern void (*signal_handlers[NSIG])(int); /* SIG_DFL, SIG_IGN, or what signal() was given */

static struct sigaction actions[NSIG]; /* masks and flags; handlers are in signal_handlers */
static siginfo_t infos[NSIG];          /* of the signal that came last */
static sigset_t held, pending;
static unsigned handled;     /* handlers that have run */
static struct waitq arrived; /* a signal is pending, or a handler has run */

static bool signal_is(int sig)
{
    return sig > 0 && sig < NSIG;
}

static int signal_fail(int error)
{
    errno = error;
    return -1;
}

/* ---- delivery -------------------------------------------------------------------------------- */

static void signal_run(int sig)
{
    struct sigaction *a = &actions[sig];
    void (*handler)(int) = signal_handlers[sig];
    siginfo_t info = infos[sig];
    sigset_t before = held;
    int error = errno;

    held |= (a->sa_mask | (a->sa_flags & SA_NODEFER ? 0 : BIT(sig))) & ~NEVER_HELD;
    if (a->sa_flags & SA_RESETHAND)
        signal_handlers[sig] = SIG_DFL;
    if (a->sa_flags & SA_SIGINFO)
        ((void (*)(int, siginfo_t *, void *))(void (*)(void))handler)(sig, &info, NULL);
    else
        handler(sig);
    held = before;
    errno = error;
    handled++;
    waitq_wake_all(&arrived);
}

/* What waits and is not held back, from the lowest number on. */
static void signal_run_pending(void)
{
    sigset_t now;

    while ((now = pending & ~held & ALL)) {
        int sig = __builtin_ctzl(now);

        pending &= ~BIT(sig);
        if (signal_handlers[sig] == SIG_DFL)
            signal_default(sig);
        else if (signal_handlers[sig] != SIG_IGN)
            signal_run(sig);
    }
}

static void signal_task(void *arg)
{
    (void)arg;
    signal_run_pending();
}

int signal_arrives(int sig, int code, union sigval value)
{
    bool ignored = signal_handlers[sig] == SIG_IGN;

    if (ignored && !(held & BIT(sig)))
        return 0;
    infos[sig] = (siginfo_t){.si_signo = sig,
                             .si_code = code,
                             .si_pid = getpid(),
                             .si_uid = getuid(),
                             .si_value = value};
    pending |= BIT(sig);
    waitq_wake_all(&arrived);
    if (held & BIT(sig))
        return 0;
    if (task_may_park())
        signal_run_pending();
    else if (!task_spawn("signal", signal_task, NULL, 0))
        return signal_fail(EAGAIN);
    return 0;
}

static int signal_from_user(int sig)
{
    return signal_arrives(sig, SI_USER, (union sigval){0});
}

static void signals_start(void)
{
    signal_send = signal_from_user;
}
HAL_INIT(HAL_INIT_BUS, signals_start);

/* ---- actions and masks ----------------------------------------------------------------------- */

int sigaction(int sig, const struct sigaction *to, struct sigaction *old)
{
    struct sigaction before;

    if (!signal_is(sig) || (to && (BIT(sig) & NEVER_HELD)))
        return signal_fail(EINVAL);
    before = actions[sig];
    before.sa_handler = signal_handlers[sig];
    if (to) {
        actions[sig] = *to;
        signal_handlers[sig] = to->sa_handler;
    }
    if (old)
        *old = before;
    return 0;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    sigset_t before = held;

    if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
        return signal_fail(EINVAL);
    if (old)
        *old = before;
    if (!set)
        return 0;
    held = how == SIG_BLOCK ? held | *set : how == SIG_UNBLOCK ? held & ~*set : *set;
    held &= ALL & ~NEVER_HELD;
    signal_run_pending();
    return 0;
}

int sigpending(sigset_t *out)
{
    *out = pending;
    return 0;
}

int sigqueue(pid_t pid, int sig, const union sigval value)
{
    if (pid != getpid())
        return signal_fail(ESRCH);
    if ((unsigned)sig >= NSIG)
        return signal_fail(EINVAL);
    return sig ? signal_arrives(sig, SI_QUEUE, value) : 0;
}

int killpg(pid_t group, int sig)
{
    return kill(group, sig);
}

int sigaltstack(const stack_t *to, stack_t *old)
{
    static stack_t now = {.ss_flags = SS_DISABLE};
    stack_t before = now;

    if (to && !(to->ss_flags & SS_DISABLE) && to->ss_size < MINSIGSTKSZ)
        return signal_fail(ENOMEM);
    if (to)
        now = *to;
    if (old)
        *old = before;
    return 0;
}

/* ---- waiting --------------------------------------------------------------------------------- */

int sigsuspend(const sigset_t *mask)
{
    unsigned seen = handled;
    sigset_t before = held;

    held = *mask & ALL & ~NEVER_HELD;
    signal_run_pending();
    while (handled == seen)
        waitq_wait(&arrived, HAL_NEVER);
    held = before;
    signal_run_pending();
    return signal_fail(EINTR);
}

int pause(void)
{
    sigset_t now = held;

    return sigsuspend(&now);
}

/* The signal, or 0 at the deadline. */
static int signal_take(const sigset_t *set, siginfo_t *info, uint64_t deadline)
{
    sigset_t now;

    while (!(now = pending & *set & ALL))
        if (waitq_wait(&arrived, deadline) && !(pending & *set & ALL))
            return 0;
    int sig = __builtin_ctzl(now);
    pending &= ~BIT(sig);
    if (info)
        *info = infos[sig];
    return sig;
}

int sigwait(const sigset_t *set, int *sig)
{
    *sig = signal_take(set, NULL, HAL_NEVER);
    return 0;
}

int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    return signal_take(set, info, HAL_NEVER);
}

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *limit)
{
    int sig;

    if (limit->tv_nsec < 0 || limit->tv_nsec >= (long)HAL_SEC)
        return signal_fail(EINVAL);
    sig = signal_take(set, info,
                      hal_now_ns() + (uint64_t)limit->tv_sec * HAL_SEC + (uint64_t)limit->tv_nsec);
    return sig ? sig : signal_fail(EAGAIN);
}

/* ---- the calls of System V ------------------------------------------------------------------- */

static int signal_hold(int how, int sig)
{
    sigset_t set = BIT(sig & 31);

    return signal_is(sig) ? sigprocmask(how, &set, NULL) : signal_fail(EINVAL);
}

int sighold(int sig)
{
    return signal_hold(SIG_BLOCK, sig);
}

int sigrelse(int sig)
{
    return signal_hold(SIG_UNBLOCK, sig);
}

int sigignore(int sig)
{
    return signal(sig, SIG_IGN) == SIG_ERR ? -1 : 0;
}

int sigpause(int sig)
{
    sigset_t mask = held & ~BIT(sig & 31);

    return signal_is(sig) ? sigsuspend(&mask) : signal_fail(EINVAL);
}

int siginterrupt(int sig, int on)
{
    (void)on;
    return signal_is(sig) ? 0 : signal_fail(EINVAL);
}

_sig_func_ptr sigset(int sig, _sig_func_ptr handler)
{
    bool was_held = signal_is(sig) && (held & BIT(sig));
    _sig_func_ptr before = handler == SIG_HOLD ? signal_is(sig) ? signal_handlers[sig] : SIG_ERR
                                               : signal(sig, handler);

    if (before == SIG_ERR)
        return SIG_ERR;
    signal_hold(handler == SIG_HOLD ? SIG_BLOCK : SIG_UNBLOCK, sig);
    return was_held ? SIG_HOLD : before;
}
