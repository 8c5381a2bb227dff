/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files.h - what the files of libc/ share: the descriptor table behind vireo/file.h, and results
 * in POSIX's way.
 */
#ifndef VIREO_FILES_H
#define VIREO_FILES_H

#include <errno.h>
#include <limits.h>

#include "vireo/file.h"
#include "vireo/task.h"

struct open_file;
struct file_watch;

/* What becomes of a watch. Neither function parks, or changes the list of the file. */
struct file_watcher {
    /* One of the events may have begun. */
    void (*ready)(struct file_watch *w);
    /* The last descriptor was closed, and the watch is off the list. NULL: the watch holds the
     * file (file_hold). */
    void (*gone)(struct file_watch *w);
};

/* Somebody waits for events of a file: a part of what poll() and epoll keep. */
struct file_watch {
    const struct file_watcher *watcher;
    struct open_file *file;
    struct file_watch *next, **link; /* at the file */
    int events;                      /* POLLIN ..., FILE_CLOSED */
};
#define FILE_CLOSED 0x10000 /* a descriptor was closed */

/* An open file: the public part, and what the descriptor table keeps of it. */
struct open_file {
    struct file file;
    unsigned descriptors; /* that name it */
    struct file_watch *watches;
};

/* An open file of the table, but for console_file. */
struct named_file {
    struct open_file open;
    char *path; /* of a directory: its name from "/" on, for calls that start there */
};

/* The descriptor table (file.c). */
struct file_table {
    struct file **files;
    unsigned size;
};
extern struct file_table file_table;

/* file_get() and file_hold() for calls that are to be short. */
static inline __attribute__((always_inline)) struct file *file_look_up(int fd)
{
    return (unsigned)fd < file_table.size ? file_table.files[fd] : NULL;
}

static inline struct open_file *open_file_of(struct file *f)
{
    return (struct open_file *)f;
}

/* The name of an open directory; NULL: the file has none. */
char *file_path(struct file *f);

/* A result as POSIX functions return it: a negative errno value becomes -1 and errno. */
static inline long posix_result(long r)
{
    if (r >= 0)
        return r;
    errno = (int)-r;
    return -1;
}

/* Adds a descriptor, the lowest free one from `from` on. The descriptor, -EINVAL or -EMFILE. */
int file_duplicate(struct file *f, int from);
/* Takes a descriptor out of the table: 0, -EBADF, or the result of the file's close(). */
int file_close(int fd);
/* Makes descriptor `to` name the file, and closes what it named before. `to`, or -EBADF. */
int file_replace(struct file *f, int to);

/* Puts a watch, whose watcher and events are set, at a file; takes it off. */
void file_watch(struct file_watch *w, struct file *f);
void file_unwatch(struct file_watch *w);

/* The working directory, from "/" on; NULL: "/" itself. Whoever sets it owns the text. */
extern char *path_working;

/*
 * A path name as it counts from "/": itself, or behind the working directory, in `whole`. NULL: it
 * is too long for that (ENAMETOOLONG).
 */
const char *path_from_root(const char *path, char whole[PATH_MAX]);

/* ---- signals (process.c) --------------------------------------------------------------------- */

/* What <signal.h> of POSIX puts in front of handlers: masks. Called from tasks and services; 0, or
 * -1 and errno. NULL: the image does not use it. */
extern int (*signal_send)(int signal);
/* What a signal does that has no handler. Does not return, unless it is to be ignored. */
void signal_default(int signal);

/* ---- the serial line (console.c) ------------------------------------------------------------- */

extern struct open_file console_file;

/* What edits lines, in place of bytes as they come. NULL: nothing does. */
struct console_lines {
    ssize_t (*read)(struct file *f, void *buf, size_t len); /* as file_ops.read */
    bool (*waits)(void);                                    /* is there something to read? */
};
extern const struct console_lines *console_lines;
int console_take(void);                 /* the next byte that was received; -1: there is none */
int console_wait(uint64_t deadline_ns); /* for the next byte. 0; -ETIMEDOUT. [parks] */
void console_put_text(const char *text, size_t len); /* on the line, at once */

#endif
