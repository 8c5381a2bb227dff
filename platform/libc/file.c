/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.c - the descriptor table (vireo/file.h), which grows with the highest descriptor, and who
 * waits for a file.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

#define BITS 64 /* of a word of the maps */

static struct file *first[16]; /* the table before anything is allocated */
struct file_table file_table = {first, sizeof(first) / sizeof(first[0])};
/* A bit for each descriptor that is in use, and one for each word of `used` that is full. */
static uint64_t used[FILES_MAX / BITS], full[FILES_MAX / BITS / BITS];

static void file_enter(int fd, struct file *f)
{
    uint64_t *word = &used[fd / BITS], bit = UINT64_C(1) << fd % BITS;

    file_table.files[fd] = f;
    *word = f ? *word | bit : *word & ~bit;
    bit = UINT64_C(1) << fd / BITS % BITS;
    word = &full[fd / BITS / BITS];
    *word = used[fd / BITS] == UINT64_MAX ? *word | bit : *word & ~bit;
}

static void file_open_standard(void)
{
    for (int fd = 0; fd < 3; fd++)
        file_enter(fd, &console_file.file);
}
HAL_INIT(HAL_INIT_BUS, file_open_standard);

/* The first bit that is 0, from one on; `end` (a multiple of BITS): there is none. */
static int file_first_clear(const uint64_t *map, int from, int end)
{
    uint64_t taken = (UINT64_C(1) << from % BITS) - 1;

    for (; from < end; from = (from / BITS + 1) * BITS, taken = 0) {
        taken |= map[from / BITS];
        if (taken != UINT64_MAX)
            return from / BITS * BITS + __builtin_ctzll(~taken);
    }
    return end;
}

/* Makes room in the table for a descriptor. */
static int file_make_room(int fd)
{
    unsigned size = file_table.size;

    while (size <= (unsigned)fd)
        size *= 2;
    if (size == file_table.size)
        return 0;
    struct file **larger = calloc(size, sizeof(struct file *));
    if (!larger)
        return -ENOMEM;
    memcpy(larger, file_table.files, file_table.size * sizeof(struct file *));
    if (file_table.files != first)
        free(file_table.files);
    file_table = (struct file_table){larger, size};
    return 0;
}

/* The lowest free descriptor from one on, with room for it in the table. */
static int file_lowest_free(int from)
{
    int word = file_first_clear(full, from / BITS, FILES_MAX / BITS);
    int fd = word * BITS > from ? word * BITS : from;

    fd = file_first_clear(used, fd, FILES_MAX);
    if (fd == FILES_MAX)
        return -EMFILE;
    int err = file_make_room(fd);
    return err ? err : fd;
}

int file_install(const struct file_ops *ops, void *ctx, unsigned flags)
{
    int fd = file_lowest_free(0);

    if (fd < 0)
        return fd;
    struct open_file *o = calloc(1, sizeof(struct named_file));
    if (!o)
        return -ENOMEM;
    o->file = (struct file){.ops = ops, .ctx = ctx, .flags = flags, .refs = 1};
    o->descriptors = 1;
    file_enter(fd, &o->file);
    return fd;
}

struct file *file_get(int fd)
{
    return file_look_up(fd);
}

struct file *file_hold(int fd)
{
    struct file *f = file_look_up(fd);

    if (f)
        f->refs++;
    return f;
}

static int file_end(struct file *f) __attribute__((noinline));
static int file_end(struct file *f)
{
    int r = 0;

    if (f->ops->close)
        r = f->ops->close(f);
    if (f != &console_file.file) {
        free(((struct named_file *)f)->path);
        free(f);
    }
    return r;
}

int file_drop(struct file *f)
{
    return --f->refs ? 0 : file_end(f);
}

int file_duplicate(struct file *f, int from)
{
    if (from < 0 || from >= FILES_MAX)
        return -EINVAL;
    int fd = file_lowest_free(from);
    if (fd >= 0) {
        file_enter(fd, f);
        f->refs++;
        open_file_of(f)->descriptors++;
    }
    return fd;
}

/* ---- who waits for a file -------------------------------------------------------------------- */

void file_watch(struct file_watch *w, struct file *f)
{
    struct open_file *o = open_file_of(f);

    w->file = o;
    w->next = o->watches;
    w->link = &o->watches;
    if (w->next)
        w->next->link = &w->next;
    o->watches = w;
}

void file_unwatch(struct file_watch *w)
{
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
}

void file_ready(struct file *f, int events)
{
    for (struct file_watch *w = open_file_of(f)->watches; w; w = w->next)
        if (w->events & events)
            w->watcher->ready(w);
}

/* No descriptor names the file any more. */
static void file_tell_gone(struct open_file *o)
{
    for (struct file_watch *w = o->watches, *next; w; w = next) {
        next = w->next;
        if (!w->watcher->gone)
            continue;
        file_unwatch(w);
        w->watcher->gone(w);
    }
}

/* ---- closing --------------------------------------------------------------------------------- */

/* After a descriptor of f was taken out of the table. The result is file_drop's. */
static int file_descriptor_gone(struct file *f)
{
    file_ready(f, FILE_CLOSED); /* polls of this descriptor look again, and find it closed */
    if (!--open_file_of(f)->descriptors) {
        file_tell_gone(open_file_of(f));
        if (f->refs > 1 && f->ops->abandon)
            f->ops->abandon(f);
    }
    return file_drop(f);
}

int file_close(int fd)
{
    struct file *f = file_get(fd);

    if (!f)
        return -EBADF;
    file_enter(fd, NULL);
    return file_descriptor_gone(f);
}

int file_replace(struct file *f, int to)
{
    struct file *old = file_get(to);
    int err;

    if (to < 0 || to >= FILES_MAX)
        return -EBADF;
    if (old == f)
        return to;
    if ((err = file_make_room(to)))
        return err;
    f->refs++;
    open_file_of(f)->descriptors++;
    file_enter(to, f);
    if (old)
        file_descriptor_gone(old);
    return to;
}
