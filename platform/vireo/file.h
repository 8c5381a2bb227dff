/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo/file.h - open files: what sockets, disks, trees and devices supply so that libc's
 * descriptors reach them, and the descriptor table itself (libc/file.c).
 *
 * All functions here are for tasks and services, not for handlers; those that may park are marked
 * [parks] (vireo/task.h). Results are counts, or negative errno values.
 */
#ifndef VIREO_FILE_H
#define VIREO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct file;
struct stat;
struct statvfs;
struct socket_ops;

/*
 * Bytes of a file that lie in memory, and do not change until end(owner, part), which comes once,
 * from a task or a service, and does not park. end NULL: they never change.
 */
struct file_loan {
    const void *data;
    size_t len; /* 65,535 at most */
    void (*end)(void *owner, void *part);
    void *owner, *part;
};

/*
 * What an open file can do. Each function runs in the task that made the call, which holds the file
 * meanwhile, and may park unless said otherwise. A NULL entry answers with the errno that POSIX
 * names. Buffers are the caller's, for the time of the call.
 */
struct file_ops {
    const char *name;
    ssize_t (*read)(struct file *f, void *buf, size_t len);
    ssize_t (*write)(struct file *f, const void *buf, size_t len);
    ssize_t (*pread)(struct file *f, void *buf, size_t len, off_t at);
    ssize_t (*pwrite)(struct file *f, const void *buf, size_t len, off_t at);
    /*
     * Lends up to len bytes at `at`: how many, which *loan describes; 0 at the end of the file.
     * -EBUSY: not now, they are to be read. NULL: never.
     */
    ssize_t (*lend)(struct file *f, size_t len, off_t at, struct file_loan *loan);
    /*
     * As write, of a loan: the file ends it when it needs it no more, if a byte was taken. more:
     * what is taken may wait for the next call; loan NULL: it waits no more. -EBUSY: write a copy.
     */
    ssize_t (*write_loan)(struct file *f, const struct file_loan *loan, bool more);
    off_t (*lseek)(struct file *f, off_t off, int whence); /* the new offset */
    int (*fstat)(struct file *f, struct stat *st);         /* st is zeroed before */
    int (*fsync)(struct file *f);
    int (*truncate)(struct file *f, off_t size);         /* size is not negative */
    int (*statvfs)(struct file *f, struct statvfs *out); /* *out is zeroed before */
    int (*ioctl)(struct file *f, unsigned long request, void *arg);
    /* The next name, without its path: 1, or 0 at the end. */
    int (*readdir)(struct file *f, char name[256], bool *is_dir);
    bool (*terminal)(struct file *f); /* for isatty(); does not park. NULL: false */
    /* O_NONBLOCK was set or cleared in f->flags. An error restores the flags. */
    int (*set_nonblock)(struct file *f, bool on);
    /* Which of `events` (POLLIN ...) hold now; does not park. NULL: reading and writing do. */
    int (*poll)(struct file *f, int events);
    /*
     * The last descriptor was closed while a call holds the file: that call must end soon. close()
     * follows when it has. Does not park. NULL: the file's calls end by themselves.
     */
    void (*abandon)(struct file *f);
    /* No descriptor names the file and no call holds it: frees f->ctx. NULL: nothing to free. */
    int (*close)(struct file *f);
    const struct socket_ops *socket; /* for <sys/socket.h>; NULL: the file is no socket */
};

struct file {
    const struct file_ops *ops;
    void *ctx;      /* the owner of ops has it */
    off_t pos;      /* of files with pread or pwrite: read, write and lseek are built on it */
    unsigned flags; /* O_* as given to open */
    unsigned refs;  /* descriptors that name the file, and calls that hold it */
};

#define FILES_MAX 65536 /* descriptors; the table takes memory for those that are open */

/*
 * Opens a file at the lowest free descriptor, and returns that. ctx is the file's from then on.
 * -EMFILE, -ENOMEM: ctx stays the caller's.
 */
int file_install(const struct file_ops *ops, void *ctx, unsigned flags);

/*
 * The file behind a descriptor, or NULL (EBADF). Valid until the caller parks: then another task
 * may close the descriptor.
 */
struct file *file_get(int fd);

/*
 * As file_get, but the file stays until file_drop: for a call that may park. The last file_drop, or
 * close of a descriptor, calls the file's close(), and returns its result. file_drop: [parks] if
 * that close() does.
 */
struct file *file_hold(int fd);
int file_drop(struct file *f);

/*
 * Some of the events (POLLIN ...; FILE_ANY) may have begun at the file: who waits for one of them
 * in poll(), select() or epoll looks at the file again, and nobody else.
 */
void file_ready(struct file *f, int events);
#define FILE_ANY 0xffff

#endif
