/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys/signal.h - signals (POSIX.1-2017), in place of newlib's header, with its numbers. The image
 * is the only process: its signals are those that it sends itself, those of its timers, and SIGTERM
 * of the machine's power button. A handler runs in the task that sends the signal to itself, or in
 * a task of its own; no other call than pause(), sigsuspend() and sigwait() is interrupted by one.
 * The mask is the process's, for all threads.
 */
#ifndef _SYS_SIGNAL_H
#define _SYS_SIGNAL_H

#include <sys/_timespec.h>
#include <sys/cdefs.h>
#include <sys/features.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef _SIGSET_T_DECLARED
#define _SIGSET_T_DECLARED
typedef __sigset_t sigset_t;
#endif

#define SIGHUP    1
#define SIGINT    2
#define SIGQUIT   3
#define SIGILL    4
#define SIGTRAP   5
#define SIGABRT   6
#define SIGIOT    SIGABRT
#define SIGEMT    7
#define SIGFPE    8
#define SIGKILL   9
#define SIGBUS    10
#define SIGSEGV   11
#define SIGSYS    12
#define SIGPIPE   13
#define SIGALRM   14
#define SIGTERM   15
#define SIGURG    16
#define SIGSTOP   17
#define SIGTSTP   18
#define SIGCONT   19
#define SIGCHLD   20
#define SIGCLD    SIGCHLD
#define SIGTTIN   21
#define SIGTTOU   22
#define SIGIO     23
#define SIGPOLL   SIGIO
#define SIGXCPU   24
#define SIGXFSZ   25
#define SIGVTALRM 26
#define SIGPROF   27
#define SIGWINCH  28
#define SIGLOST   29
#define SIGUSR1   30
#define SIGUSR2   31
#define NSIG      32

typedef void (*_sig_func_ptr)(int);

union sigval {
    int sival_int;
    void *sival_ptr;
};

#define SIGEV_NONE   1
#define SIGEV_SIGNAL 2
#define SIGEV_THREAD 3

struct sigevent {
    int sigev_notify;
    int sigev_signo;
    union sigval sigev_value;
    void (*sigev_notify_function)(union sigval);
    void *sigev_notify_attributes; /* without meaning */
};

/* Where a signal comes from: si_code. */
#define SI_USER  1 /* kill(), raise() */
#define SI_QUEUE 2 /* sigqueue() */
#define SI_TIMER 3 /* timer_settime() */

typedef struct {
    int si_signo;
    int si_code;
    int si_errno; /* 0 */
    pid_t si_pid;
    uid_t si_uid;
    int si_status; /* 0 */
    void *si_addr; /* NULL */
    union sigval si_value;
} siginfo_t;

struct sigaction {
    union {
        _sig_func_ptr handler;
        void (*action)(int, siginfo_t *, void *); /* with SA_SIGINFO; the last is NULL */
    } sa_u;
    sigset_t sa_mask;
    int sa_flags;
};
#define sa_handler   sa_u.handler
#define sa_sigaction sa_u.action

#define SA_NOCLDSTOP 0x01 /* without meaning, as SA_NOCLDWAIT, SA_RESTART and SA_ONSTACK */
#define SA_SIGINFO   0x02
#define SA_ONSTACK   0x04
#define SA_RESTART   0x08
#define SA_NODEFER   0x10
#define SA_RESETHAND 0x20
#define SA_NOCLDWAIT 0x40

#define SIG_SETMASK 0
#define SIG_BLOCK   1
#define SIG_UNBLOCK 2

#define MINSIGSTKSZ 2048
#define SIGSTKSZ    8192
#define SS_ONSTACK  1
#define SS_DISABLE  2

typedef struct sigaltstack {
    void *ss_sp;
    int ss_flags;
    size_t ss_size;
} stack_t;

int kill(pid_t pid, int sig);
int killpg(pid_t group, int sig);
int sigaction(int sig, const struct sigaction *to, struct sigaction *old);
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
int sigpending(sigset_t *out);
int sigsuspend(const sigset_t *mask); /* EINTR, after a handler */
int sigwait(const sigset_t *set, int *sig);
int sigwaitinfo(const sigset_t *set, siginfo_t *info);
int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *limit);
int sigqueue(pid_t pid, int sig, const union sigval value);
int sigaltstack(const stack_t *to, stack_t *old); /* kept, and not used */
int sigaddset(sigset_t *set, int sig);
int sigdelset(sigset_t *set, int sig);
int sigismember(const sigset_t *set, int sig);
int sigfillset(sigset_t *set);
int sigemptyset(sigset_t *set);
#if __XSI_VISIBLE || __MISC_VISIBLE
int sighold(int sig);
int sigrelse(int sig);
int sigignore(int sig);
int sigpause(int sig); /* takes the signal out of the mask meanwhile */
int siginterrupt(int sig, int on);
_sig_func_ptr sigset(int sig, _sig_func_ptr handler);
#define SIG_HOLD ((_sig_func_ptr)2)
#endif
void psiginfo(const siginfo_t *info, const char *text);
int sig2str(int sig, char *out);
int str2sig(const char *__restrict text, int *__restrict sig);
#define SIG2STR_MAX 17

/* What newlib's own files call. */
int _kill(pid_t pid, int sig);

#ifdef __cplusplus
}
#endif

#ifndef _SIGNAL_H_
#include <signal.h>
#endif

#endif
