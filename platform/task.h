/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task.h - what net/, synchronous block calls, libc and applications see of the runtime: tasks,
 * wait queues, and the descriptor table.
 *
 * Tasks are cooperative, on one core; main() is the first. A task runs until it parks in one of
 * the calls marked [parks]. While it is parked other tasks, services (hal.h) and the CPU's sleep
 * get their turn. A service's run() must not call anything marked [parks]; debug builds assert it.
 */
#ifndef VIREO_TASK_H
#define VIREO_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hal.h"

struct task; /* opaque */

/* Default stack of a task; a guard page lies below each stack. */
#define TASK_STACK_DEFAULT (32u * 1024u)

/*
 * Starts fn(arg) as a task of its own; stack is in bytes (0: the default), rounded up to pages.
 * The task ends when fn returns. NULL: out of memory. The name must outlive the task.
 */
struct task *task_spawn(const char *name, void (*fn)(void *), void *arg, size_t stack);

struct task *task_self(void);
const char *task_name(const struct task *t);

/* Gives way to whatever else can run, services included. [parks] */
void task_yield(void);

/*
 * The same, if services had no turn for a while. For calls that may end at once every time, so that
 * a loop of them does not keep out the very devices it waits for. [parks]
 */
void task_give_way(void);

/* Sleeps until hal_now_ns() >= when_ns. [parks] */
void task_sleep_until(uint64_t when_ns);

/* True where parking is allowed: in a task, not in a handler nor in a service's run(). */
bool task_may_park(void);

/*
 * Wait queue: tasks waiting for a condition, woken first come first served. It is a hint that the
 * condition may hold now: the waiter checks again. Zero-initialised is empty.
 */
struct waitq {
    struct task *head, *tail;
};

/*
 * Parks until woken or until deadline_ns (HAL_NEVER: no limit). 0 when woken, -ETIMEDOUT. There is
 * no lost wake-up between the caller's check and this call: nothing else runs in between. [parks]
 */
int waitq_wait(struct waitq *q, uint64_t deadline_ns);
void waitq_wake_one(struct waitq *q); /* from task context or a service; not from a handler */
void waitq_wake_all(struct waitq *q);

/* Mutex for state that is held across a park; recursive; owned by a task. */
struct task_mutex {
    struct task *owner;
    unsigned depth;
    struct waitq waiters;
};
void task_mutex_lock(struct task_mutex *m); /* [parks] */
bool task_mutex_trylock(struct task_mutex *m);
void task_mutex_unlock(struct task_mutex *m);

/* A word that belongs to the running task (the network layer keeps its semaphore there). */
#define TASK_SLOTS 2
void **task_slot(unsigned n);

/* ---- files: the descriptor table of libc ----------------------------------------------------- */

struct file;
struct stat;
struct iovec;
struct socket_ops;

/*
 * What an open file can do. All may park unless said otherwise; a NULL entry answers with the errno
 * that POSIX names. Results are counts, or negative errno values.
 */
struct file_ops {
    const char *name;
    ssize_t (*read)(struct file *f, void *buf, size_t len);
    ssize_t (*write)(struct file *f, const void *buf, size_t len);
    ssize_t (*pread)(struct file *f, void *buf, size_t len, off_t at);
    ssize_t (*pwrite)(struct file *f, const void *buf, size_t len, off_t at);
    off_t (*lseek)(struct file *f, off_t off, int whence);
    int (*fstat)(struct file *f, struct stat *st);
    int (*fsync)(struct file *f);
    int (*ioctl)(struct file *f, unsigned long request, void *arg);
    int (*readdir)(struct file *f, char name[256], bool *is_dir); /* 1 entry, 0 end */
    bool (*terminal)(struct file *f); /* is it one, for isatty()? NULL: no */
    int (*set_nonblock)(struct file *f, bool on);
    /* Which of `events` (POLLIN ...) hold now; does not park. NULL: always ready. */
    int (*poll)(struct file *f, int events);
    /*
     * No descriptor names it any more, but a call still holds it: that call shall end soon. close()
     * follows when it has. Does not park. NULL: its calls end by themselves.
     */
    void (*abandon)(struct file *f);
    int (*close)(struct file *f);    /* nothing names or holds it any more; frees f->ctx */
    const struct socket_ops *socket; /* what <sys/socket.h> needs; NULL: it is no socket */
};

struct file {
    const struct file_ops *ops;
    void *ctx;
    off_t pos;      /* for files with pread/pwrite: read, write and lseek are built on it */
    unsigned flags; /* O_* as given to open */
    unsigned refs;  /* descriptors that name it, and calls that hold it */
};

#define FILES_MAX 1024

/* Lowest free descriptor for a new file; -EMFILE, -ENFILE, -ENOMEM: ctx stays the caller's. */
int file_install(const struct file_ops *ops, void *ctx, unsigned flags);

/* The file behind a descriptor, or NULL (EBADF). Another task may close it: see file_hold. */
struct file *file_get(int fd);

/*
 * The same, kept alive until file_drop: for a call that may park while another task closes the
 * descriptor. The last drop or close calls the file's close(), whose result file_drop returns.
 */
struct file *file_hold(int fd);
int file_drop(struct file *f);

/*
 * Some file may have become ready: whoever sleeps in poll() or select() looks again. `f` may be
 * NULL when the caller does not know which one.
 */
void file_ready(struct file *f);

/*
 * Where path names lead. libc's open(), stat() and opendir() call this table, and so pull in the
 * room that defines it (files/); an image that opens nothing holds none of it.
 */
struct path_ops {
    int (*open)(const char *path, int flags, int mode); /* a descriptor or -errno */
    int (*stat)(const char *path, struct stat *st);
};
extern const struct path_ops path_root;

/* ---- the image ------------------------------------------------------------------------------- */

/* Says "vireo: ready" on the serial line: the application serves now. Later calls are silent. */
void vireo_ready(void);

/* Ends the image: runs the shutdown functions, prints "vireo: exit N" last. */
void vireo_exit(int status) __attribute__((noreturn));

/*
 * The initial RAM disk that the boot loader handed over: *len bytes, there for as long as the image
 * runs. NULL: there is none.
 */
const void *vireo_initrd(size_t *len);

/* Memory of the image in bytes, for status pages. */
struct memory_info {
    uint64_t total;      /* RAM found */
    uint64_t image;      /* code, data, bss */
    uint64_t heap_used;  /* malloc's arena; it shrinks when 128 KiB at its end are free */
    uint64_t pages_used; /* DMA memory, stacks, page tables */
    uint64_t lent;       /* to the host, by a memory balloon */
    uint64_t free;       /* none of these */
};
void vireo_memory(struct memory_info *out);

#endif
