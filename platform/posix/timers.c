/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timers.c - alarm(), setitimer() and timer_create() (POSIX.1-2017): one service that is due at the
 * next end of a timer, and sends its signal, or starts a task for its function.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"
#include "vireo/task.h"

struct timer {
    struct timer *next;
    timer_t id;
    struct sigevent event;
    clockid_t clock;
    uint64_t when_ns;  /* hal_now_ns; HAL_NEVER: it does not run */
    uint64_t every_ns; /* 0: once */
    unsigned overrun;  /* ends that had gone by when the last one was told */
};

#define US ((uint64_t)1000)

static struct timer alarm_timer = {.event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM},
                                   .clock = CLOCK_MONOTONIC,
                                   .when_ns = HAL_NEVER};
static struct timer *timers;
static struct hal_service timer_service;

static int timer_fail(int error)
{
    errno = error;
    return -1;
}

/* ---- the service ----------------------------------------------------------------------------- */

static void timer_thread(void *arg)
{
    struct sigevent event = *(struct sigevent *)arg;

    free(arg);
    event.sigev_notify_function(event.sigev_value);
}

/* Without memory the end of the timer is not told: the next one may be. */
static void timer_tell(struct timer *t)
{
    struct sigevent *copy;

    if (t->event.sigev_notify == SIGEV_SIGNAL)
        signal_arrives(t->event.sigev_signo, SI_TIMER, t->event.sigev_value);
    if (t->event.sigev_notify != SIGEV_THREAD || !(copy = malloc(sizeof(*copy))))
        return;
    *copy = t->event;
    if (!task_spawn("timer", timer_thread, copy, 0))
        free(copy);
}

static void timer_end(struct timer *t, uint64_t now)
{
    uint64_t more = t->every_ns ? (now - t->when_ns) / t->every_ns : 0;

    t->overrun = more > INT_MAX ? INT_MAX : (unsigned)more;
    t->when_ns = t->every_ns ? t->when_ns + (more + 1) * t->every_ns : HAL_NEVER;
    timer_tell(t);
}

static bool timer_run(struct hal_service *s)
{
    uint64_t now = hal_now_ns();
    bool any = false;

    s->next_ns = HAL_NEVER;
    for (struct timer *t = timers; t; t = t->next) {
        if (t->when_ns <= now) {
            timer_end(t, now);
            any = true;
        }
        if (t->when_ns < s->next_ns)
            s->next_ns = t->when_ns;
    }
    return any;
}

static void timer_add(struct timer *t)
{
    if (!timer_service.run) {
        timer_service.name = "timers";
        timer_service.run = timer_run;
        hal_service_add(&timer_service);
    }
    t->next = timers;
    timers = t;
}

static void timer_set(struct timer *t, uint64_t when_ns, uint64_t every_ns)
{
    t->when_ns = when_ns;
    t->every_ns = every_ns;
    t->overrun = 0;
    if (when_ns < timer_service.next_ns) {
        timer_service.next_ns = when_ns;
        hal_service_changed(&timer_service);
    }
}

/* Nanoseconds until the end; 0: it does not run. */
static uint64_t timer_left(const struct timer *t)
{
    uint64_t now = hal_now_ns();

    if (t->when_ns == HAL_NEVER)
        return 0;
    return t->when_ns > now ? t->when_ns - now : 1;
}

/* ---- the alarm ------------------------------------------------------------------------------- */

static struct timer *timer_of_alarm(void)
{
    static bool added;

    if (!added)
        timer_add(&alarm_timer);
    added = true;
    return &alarm_timer;
}

/* Sets the alarm; nanoseconds that were left of the one before. */
static uint64_t alarm_set(uint64_t in_ns, uint64_t every_ns)
{
    struct timer *t = timer_of_alarm();
    uint64_t left = timer_left(t);

    timer_set(t, in_ns ? hal_now_ns() + in_ns : HAL_NEVER, every_ns);
    return left;
}

unsigned alarm(unsigned seconds)
{
    return (unsigned)((alarm_set(seconds * HAL_SEC, 0) + HAL_SEC - 1) / HAL_SEC);
}

useconds_t ualarm(useconds_t in, useconds_t every)
{
    return (useconds_t)(alarm_set(in * US, every * US) / US);
}

static struct timeval timer_timeval(uint64_t ns)
{
    return (struct timeval){(time_t)(ns / HAL_SEC), (suseconds_t)(ns % HAL_SEC / US)};
}

static bool timer_is_timeval(const struct timeval *t)
{
    return t->tv_sec >= 0 && t->tv_usec >= 0 && t->tv_usec < 1000000;
}

static uint64_t timer_of_timeval(const struct timeval *t)
{
    return (uint64_t)t->tv_sec * HAL_SEC + (uint64_t)t->tv_usec * US;
}

int getitimer(int which, struct itimerval *out)
{
    const struct timer *t = &alarm_timer;

    if (which != ITIMER_REAL)
        return timer_fail(EINVAL);
    *out = (struct itimerval){timer_timeval(t->every_ns), timer_timeval(timer_left(t))};
    return 0;
}

/* There is no clock of the process alone: ITIMER_VIRTUAL and ITIMER_PROF are EINVAL. */
int setitimer(int which, const struct itimerval *restrict to, struct itimerval *restrict old)
{
    struct itimerval before;

    if (getitimer(which, &before))
        return -1;
    if (!timer_is_timeval(&to->it_value) || !timer_is_timeval(&to->it_interval))
        return timer_fail(EINVAL);
    if (old)
        *old = before;
    alarm_set(timer_of_timeval(&to->it_value), timer_of_timeval(&to->it_interval));
    return 0;
}

/* ---- timers of the program ------------------------------------------------------------------- */

static struct timer *timer_find(timer_t id)
{
    struct timer *t = timers;

    while (t && (t == &alarm_timer || t->id != id))
        t = t->next;
    if (!t)
        errno = EINVAL;
    return t;
}

static bool timer_is_event(const struct sigevent *e)
{
    if (e->sigev_notify == SIGEV_SIGNAL)
        return e->sigev_signo > 0 && e->sigev_signo < NSIG;
    return e->sigev_notify == SIGEV_NONE ||
           (e->sigev_notify == SIGEV_THREAD && e->sigev_notify_function);
}

int timer_create(clockid_t clock, struct sigevent *restrict event, timer_t *restrict id)
{
    static timer_t last;
    struct timer *t;

    if ((clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) || (event && !timer_is_event(event)))
        return timer_fail(EINVAL);
    t = calloc(1, sizeof(*t));
    if (!t)
        return timer_fail(EAGAIN);
    t->id = *id = ++last;
    t->clock = clock;
    t->when_ns = HAL_NEVER;
    t->event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    t->event.sigev_value.sival_int = (int)t->id;
    if (event)
        t->event = *event;
    timer_add(t);
    return 0;
}

int timer_delete(timer_t id)
{
    struct timer *t = timer_find(id), **link = &timers;

    if (!t)
        return -1;
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    free(t);
    return 0;
}

static uint64_t timer_of_timespec(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * HAL_SEC + (uint64_t)t->tv_nsec;
}

static bool timer_is_timespec(const struct timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < (long)HAL_SEC;
}

static struct timespec timer_timespec(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / HAL_SEC), (long)(ns % HAL_SEC)};
}

int timer_gettime(timer_t id, struct itimerspec *out)
{
    const struct timer *t = timer_find(id);

    if (!t)
        return -1;
    *out = (struct itimerspec){timer_timespec(t->every_ns), timer_timespec(timer_left(t))};
    return 0;
}

/* When a timer with this value ends. An absolute time of the day is taken by the clock as it is. */
static uint64_t timer_when(const struct timer *t, const struct timespec *value, int flags)
{
    uint64_t ns = timer_of_timespec(value), now = hal_now_ns();
    struct timespec clock;

    if (!ns)
        return HAL_NEVER;
    if (!(flags & TIMER_ABSTIME))
        return now + ns;
    clock_gettime(t->clock, &clock);
    return ns > timer_of_timespec(&clock) ? now + (ns - timer_of_timespec(&clock)) : now;
}

int timer_settime(timer_t id, int flags, const struct itimerspec *restrict to,
                  struct itimerspec *restrict old)
{
    struct timer *t = timer_find(id);

    if (!t)
        return -1;
    if (!timer_is_timespec(&to->it_value) || !timer_is_timespec(&to->it_interval))
        return timer_fail(EINVAL);
    if (old)
        timer_gettime(id, old);
    timer_set(t, timer_when(t, &to->it_value, flags), timer_of_timespec(&to->it_interval));
    return 0;
}

int timer_getoverrun(timer_t id)
{
    const struct timer *t = timer_find(id);

    return t ? (int)t->overrun : -1;
}
