/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev_random.c - /dev/random and /dev/urandom: the generator of getentropy(). A read of /dev/random
 * first has fresh bytes of the entropy devices mixed in, as far as they answer in time (vrng.h); it
 * is the read for keys that have to last. Without such a device both are the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev.h"
#include "entropy/vrng.h"
#include "vireo/task.h"

#define PIECE 256 /* the most that getentropy() gives at once */

/* An image that can open them has the driver of the device. */
static const char *const driver __attribute__((used)) = vrng_linked;

static struct waitq waiting;

static void on_change(void)
{
    waitq_wake_all(&waiting);
}

/* The driver ends each wait after its patience. */
static void get_fresh_bytes(void)
{
    vrng_on_change(on_change);
    vrng_refresh();
    while (vrng_pending())
        waitq_wait(&waiting, HAL_NEVER);
}

static ssize_t urandom_read(struct file *f, void *buf, size_t len)
{
    char *out = buf;

    (void)f;
    for (size_t done = 0, n; done < len; done += n) {
        n = len - done < PIECE ? len - done : PIECE;
        if (getentropy(out + done, n))
            return -errno;
    }
    return (ssize_t)len;
}

static ssize_t random_read(struct file *f, void *buf, size_t len)
{
    if (len && !(f->flags & O_NONBLOCK))
        get_fresh_bytes();
    return urandom_read(f, buf, len);
}

static int random_fstat(struct file *f, struct stat *st)
{
    (void)f;
    *st = (struct stat){.st_mode = S_IFCHR | 0444, .st_nlink = 1, .st_blksize = PIECE};
    return 0;
}

static const struct file_ops random_ops = {
    .name = "random", .read = random_read, .fstat = random_fstat};
static const struct file_ops urandom_ops = {
    .name = "urandom", .read = urandom_read, .fstat = random_fstat};

static const struct file_ops *ops_of(const char *name)
{
    if (!strcmp(name, "random"))
        return &random_ops;
    return strcmp(name, "urandom") ? NULL : &urandom_ops;
}

static bool has(const char *name)
{
    return ops_of(name) != NULL;
}

static int open_name(const char *name, int flags)
{
    if ((flags & O_ACCMODE) != O_RDONLY)
        return -EACCES;
    return file_install(ops_of(name), NULL, (unsigned)flags);
}

static int stat_name(const char *name, struct stat *st)
{
    (void)name;
    return random_fstat(NULL, st);
}

const struct dev_names dev_random = {has, open_name, stat_name, NULL};
