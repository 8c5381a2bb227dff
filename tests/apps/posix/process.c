/* SPDX-License-Identifier: BSD-2-Clause */
/* process.c - the one process: groups, sessions, limits, priorities, clocks; and no other one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <ulimit.h>
#include <unistd.h>

#include "posix.h"

int daemon(int keep_directory, int keep_files);
pid_t vfork(void);

static void check_no_other(void)
{
    char *const argv[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    pid_t pid;

    fails(fork(), ENOSYS);
    fails(vfork(), ENOSYS);
    fails(daemon(1, 1), ENOSYS);
    fails(execv("/bin/true", argv), ENOSYS);
    fails(execl("/bin/true", "true", (char *)NULL), ENOSYS);
    is(!posix_spawn_file_actions_init(&actions) && !posix_spawnattr_init(&attr));
    is(posix_spawn(&pid, "/bin/true", &actions, &attr, argv, argv) == ENOSYS);
    is(!posix_spawn_file_actions_destroy(&actions) && !posix_spawnattr_destroy(&attr));
    is(!popen("true", "r") && errno == ENOSYS);
    fails(wait(NULL), ECHILD);
    fails(waitpid(-1, NULL, WNOHANG), ECHILD);
    is(!dlopen("libm.so", RTLD_NOW) && dlerror() && !dlerror());
    is(!dlsym(RTLD_DEFAULT, "main") && dlerror());
}

static void check_groups(void)
{
    is(getpid() == 1 && getppid() == 0 && getpgrp() == 1 && getsid(0) == 1 && getpgid(1) == 1);
    fails(getpgid(7), ESRCH);
    fails(setsid(), EPERM);
    fails(setpgid(0, 0), EPERM);
    is(tcgetpgrp(0) == 1 && tcsetpgrp(0, 1) == 0);
    is(!strcmp(ttyname(1), "/dev/console") && !strcmp(ctermid(NULL), "/dev/console"));
}

static void check_limits(void)
{
    struct rlimit limit, same;
    struct rusage use;

    is(!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur == 65536);
    same = limit;
    is(!setrlimit(RLIMIT_NOFILE, &same));
    same.rlim_cur = 10;
    fails(setrlimit(RLIMIT_NOFILE, &same), EPERM);
    fails(getrlimit(99, &limit), EINVAL);
    is(!getrlimit(RLIMIT_CORE, &limit) && limit.rlim_cur == 0);
    is(ulimit(UL_GETFSIZE) > 1000000);
    is(!getrusage(RUSAGE_SELF, &use) && (use.ru_utime.tv_sec || use.ru_utime.tv_usec));
    is(use.ru_maxrss > 0);
    is(getpriority(PRIO_PROCESS, 0) == 0 && nice(5) == 5 && getpriority(PRIO_PROCESS, 1) == 5);
    is(setpriority(PRIO_PROCESS, 0, 100) == 0 && getpriority(PRIO_PROCESS, 0) == 19);
    fails(getpriority(PRIO_PROCESS, 9), ESRCH);
}

static void check_scheduling(void)
{
    struct sched_param param = {0};
    struct timespec t, later;
    clockid_t clock;
    char bytes[600] = "";

    is(sched_getscheduler(0) == SCHED_OTHER && sched_get_priority_max(SCHED_OTHER) == 0);
    is(sched_getparam(0, &param) == 0 && param.sched_priority == 0);
    fails(sched_setscheduler(0, SCHED_FIFO, &param), EPERM);
    is(sched_rr_get_interval(0, &t) == 0 && sched_getcpu() == 0);
    is(!clock_gettime(CLOCK_MONOTONIC, &t));
    t.tv_nsec += 2000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    is(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
    is(!clock_gettime(CLOCK_MONOTONIC, &later));
    is(later.tv_sec > t.tv_sec || (later.tv_sec == t.tv_sec && later.tv_nsec >= t.tv_nsec));
    is(!clock_getcpuclockid(0, &clock) && clock_getcpuclockid(9, &clock) == ESRCH);
    is(getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes));
    is(memcmp(bytes, bytes + 300, 300) != 0);
    fails(getrandom(bytes, 1, 0x100), EINVAL);
}

void check_process(void)
{
    check_groups();
    check_limits();
    check_scheduling();
    check_no_other();
}
