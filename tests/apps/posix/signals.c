/* SPDX-License-Identifier: BSD-2-Clause */
/* signals.c - handlers, masks, waiting, timers. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "posix.h"
#include "vireo/task.h"

static volatile int seen, last, value, nested;

static void note(int sig)
{
    seen++;
    last = sig;
}

static void note_info(int sig, siginfo_t *info, void *context)
{
    (void)context;
    note(sig);
    value = info->si_value.sival_int;
}

/* Sends itself the same signal, which waits until the handler has ended; and another one. */
static void nest(int sig)
{
    int before = seen;

    if (++nested > 1)
        return;
    raise(sig);
    raise(SIGUSR2);
    is(nested == 1 && seen == before + 1);
}

static void set(int sig, void (*handler)(int), int flags)
{
    struct sigaction a = {.sa_handler = handler, .sa_flags = flags};

    is(!sigaction(sig, &a, NULL));
}

static void check_handlers(void)
{
    struct sigaction a = {.sa_sigaction = note_info, .sa_flags = SA_SIGINFO}, old;

    is(signal(SIGUSR1, note) == SIG_DFL && raise(SIGUSR1) == 0 && seen == 1 && last == SIGUSR1);
    is(kill(getpid(), SIGUSR1) == 0 && seen == 2 && kill(0, 0) == 0);
    fails(kill(77, SIGUSR1), ESRCH);
    fails(kill(1, 99), EINVAL);
    is(!sigaction(SIGUSR1, NULL, &old) && old.sa_handler == note);
    is(!sigaction(SIGUSR2, &a, NULL) && !sigqueue(1, SIGUSR2, (union sigval){.sival_int = 42}));
    is(seen == 3 && last == SIGUSR2 && value == 42);
    set(SIGUSR2, note, SA_RESETHAND);
    is(!raise(SIGUSR2) && !sigaction(SIGUSR2, NULL, &old) && old.sa_handler == SIG_DFL);
    set(SIGUSR2, SIG_IGN, 0);
    seen = 0;
    is(!raise(SIGUSR2) && !raise(SIGCHLD) && !raise(SIGWINCH) && seen == 0);
    fails(sigaction(SIGKILL, &a, NULL), EINVAL);
    is(signal(SIGSTOP, note) == SIG_ERR && signal(0, note) == SIG_ERR);
    set(SIGUSR1, nest, 0);
    set(SIGUSR2, note, 0);
    is(!raise(SIGUSR1) && nested == 2 && seen == 1);
}

static void check_masks(void)
{
    sigset_t both, old, now;
    siginfo_t info;
    struct timespec soon = {0, 1000000};
    int sig;

    set(SIGUSR1, note, 0);
    seen = 0;
    sigemptyset(&both);
    is(!sigaddset(&both, SIGUSR1) && !sigaddset(&both, SIGUSR2) && sigaddset(&both, 50) == -1);
    is(sigismember(&both, SIGUSR1) == 1 && sigismember(&both, SIGTERM) == 0);
    is(!sigprocmask(SIG_BLOCK, &both, &old) && !raise(SIGUSR1) && !raise(SIGUSR2) && seen == 0);
    is(!sigpending(&now) && sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2));
    is(!sigwait(&both, &sig) && sig == SIGUSR1 && sigwaitinfo(&both, &info) == SIGUSR2);
    is(info.si_signo == SIGUSR2 && info.si_code == SI_USER && info.si_pid == 1);
    fails(sigtimedwait(&both, &info, &soon), EAGAIN);
    is(!raise(SIGUSR1) && seen == 0);
    fails(sigsuspend(&old), EINTR);
    is(seen == 1 && !sigprocmask(SIG_SETMASK, &old, NULL));
    is(!sighold(SIGUSR1) && !raise(SIGUSR1) && seen == 1 && !sigrelse(SIGUSR1) && seen == 2);
    fails(sigprocmask(77, &both, NULL), EINVAL);
}

static void check_jumps(void)
{
    static sigjmp_buf env;
    static volatile int jumps;
    sigset_t set, now;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (sigsetjmp(env, 1) == 0) {
        sigprocmask(SIG_BLOCK, &set, NULL);
        jumps++;
        siglongjmp(env, 5);
    }
    is(jumps == 1 && !sigprocmask(SIG_BLOCK, NULL, &now) && !sigismember(&now, SIGUSR1));
}

static void check_alarm(void)
{
    struct itimerval soon = {.it_value = {0, 2000}, .it_interval = {0, 2000}}, none = {{0}, {0}},
                     left;

    set(SIGALRM, note, 0);
    seen = 0;
    is(alarm(100) == 0 && alarm(50) == 100);
    is(!setitimer(ITIMER_REAL, &soon, &left) && left.it_value.tv_sec >= 49);
    fails(pause(), EINTR);
    is(seen == 1 && last == SIGALRM);
    fails(pause(), EINTR);
    is(seen >= 2 && !setitimer(ITIMER_REAL, &none, NULL) && alarm(0) == 0);
    fails(setitimer(ITIMER_PROF, &soon, NULL), EINVAL);
}

static struct waitq called;
static volatile int calls;

static void call(union sigval v)
{
    calls += v.sival_int;
    waitq_wake_all(&called);
}

static void check_timers(void)
{
    struct sigevent by_call = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = call};
    struct itimerspec in = {{0}, {0, 1000000}}, left;
    timer_t one, two;
    int beside = seen;

    by_call.sigev_value.sival_int = 7;
    is(!timer_create(CLOCK_MONOTONIC, &by_call, &one) && !timer_settime(one, 0, &in, NULL));
    while (!calls)
        waitq_wait(&called, HAL_NEVER);
    is(calls == 7 && !timer_gettime(one, &left) && !left.it_value.tv_nsec);
    is(!timer_create(CLOCK_REALTIME, NULL, &two) && two != one);
    is(!clock_gettime(CLOCK_REALTIME, &in.it_value));
    is(!timer_settime(two, TIMER_ABSTIME, &in, NULL));
    while (seen == beside)
        task_yield();
    is(last == SIGALRM && timer_getoverrun(two) == 0);
    is(!timer_delete(one) && !timer_delete(two));
    fails(timer_delete(one), EINVAL);
}

void check_signals(void)
{
    check_handlers();
    check_masks();
    check_jumps();
    check_alarm();
    check_timers();
}
