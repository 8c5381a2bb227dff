/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * process.c - the one process that there is (POSIX.1-2017, <unistd.h>, <sys/wait.h>, <spawn.h>):
 * number 1, without a parent, which leads its group and its session. What would make another one
 * fails with ENOSYS; the log says once which call it was, and what to set.
 */
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vireo/task.h"

#define PID 1

pid_t _fork(void);
int _execve(const char *path, char *const argv[], char *const env[]);
pid_t _wait(int *status);
int daemon(int keep_directory, int keep_files);

static int process_fail(int error)
{
    errno = error;
    return -1;
}

/* For calls that would make a process, or become another program. */
static int process_refuse(const char *call)
{
    static bool told;

    if (!told)
        hal_log(HAL_WARN, "libc",
                "%s: an image is one process: have the program stay in the foreground (often "
                "\"daemonize no\", or -f), without workers and scripts",
                call);
    told = true;
    return process_fail(ENOSYS);
}

/* ---- others ---------------------------------------------------------------------------------- */

pid_t _fork(void)
{
    return process_refuse("fork()");
}

pid_t vfork(void)
{
    return process_refuse("vfork()");
}

int _execve(const char *path, char *const argv[], char *const env[])
{
    (void)path, (void)argv, (void)env;
    return process_refuse("execve()");
}

int execv(const char *path, char *const argv[])
{
    return _execve(path, argv, environ);
}

int execvp(const char *file, char *const argv[])
{
    return _execve(file, argv, environ);
}

int execvpe(const char *file, char *const argv[], char *const env[])
{
    return _execve(file, argv, env);
}

int fexecve(int fd, char *const argv[], char *const env[])
{
    (void)fd;
    return _execve("", argv, env);
}

int execl(const char *path, const char *arg, ...)
{
    (void)arg;
    return _execve(path, NULL, environ);
}

int execlp(const char *file, const char *arg, ...)
{
    (void)arg;
    return _execve(file, NULL, environ);
}

int execle(const char *path, const char *arg, ...)
{
    (void)arg;
    return _execve(path, NULL, environ);
}

/* The result is an error's number. */
int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attr, char *const argv[], char *const env[])
{
    (void)pid, (void)path, (void)actions, (void)attr, (void)argv, (void)env;
    process_refuse("posix_spawn()");
    return ENOSYS;
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attr, char *const argv[], char *const env[])
{
    return posix_spawn(pid, file, actions, attr, argv, env);
}

FILE *popen(const char *command, const char *mode)
{
    (void)command, (void)mode;
    process_refuse("popen()");
    return NULL;
}

/* No stream is one of popen(). */
int pclose(FILE *stream)
{
    (void)stream;
    return process_fail(ECHILD);
}

int daemon(int keep_directory, int keep_files)
{
    (void)keep_directory, (void)keep_files;
    return process_refuse("daemon()");
}

pid_t _wait(int *status)
{
    (void)status;
    return process_fail(ECHILD);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    (void)pid, (void)status, (void)options;
    return process_fail(ECHILD);
}

pid_t wait3(int *status, int options, struct rusage *use)
{
    (void)use;
    return waitpid(-1, status, options);
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *use)
{
    (void)use;
    return waitpid(pid, status, options);
}

/* ---- this one -------------------------------------------------------------------------------- */

static bool process_is(pid_t pid)
{
    return pid == 0 || pid == PID;
}

pid_t getppid(void)
{
    return 0;
}

pid_t getpgrp(void)
{
    return PID;
}

pid_t getpgid(pid_t pid)
{
    return process_is(pid) ? PID : process_fail(ESRCH);
}

pid_t getsid(pid_t pid)
{
    return process_is(pid) ? PID : process_fail(ESRCH);
}

/* A leader of a session stays in its group. */
int setpgid(pid_t pid, pid_t group)
{
    (void)group;
    return process_fail(process_is(pid) ? EPERM : ESRCH);
}

pid_t setpgrp(void)
{
    return PID;
}

/* A leader of a group begins no session. */
pid_t setsid(void)
{
    return process_fail(EPERM);
}

pid_t tcgetpgrp(int fd)
{
    if (isatty(fd))
        return PID;
    return process_fail(ENOTTY);
}

int tcsetpgrp(int fd, pid_t group)
{
    if (!isatty(fd))
        return process_fail(ENOTTY);
    return group == PID ? 0 : process_fail(EPERM);
}
