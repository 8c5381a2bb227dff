/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev_random.c - /dev/random and /dev/urandom: the generator of getentropy(). Before a read of
 * /dev/random, fresh bytes of the entropy devices are mixed into the generator, if the devices
 * answer in time (vrng.h): for keys that are to be used for long. Without such a device both are
 * the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev.h"
#include "entropy/vrng.h"
#include "vireo/task.h"

#define RANDOM_PIECE 256 /* bytes that getentropy() gives at most in one call */

/* An image that can open them has the driver of the entropy device. */
static const char *const random_driver __attribute__((used)) = vrng_linked;

static struct waitq random_waiting;

static void random_changed(void)
{
    waitq_wake_all(&random_waiting);
}

/* The driver waits no longer than VRNG_PATIENCE for a device, so this ends. */
static void random_get_fresh(void)
{
    vrng_on_change(random_changed);
    vrng_refresh();
    while (vrng_pending())
        waitq_wait(&random_waiting, HAL_NEVER);
}

static ssize_t urandom_read(struct file *f, void *buf, size_t len)
{
    char *out = buf;

    (void)f;
    for (size_t done = 0, n; done < len; done += n) {
        n = len - done < RANDOM_PIECE ? len - done : RANDOM_PIECE;
        if (getentropy(out + done, n))
            return -errno;
    }
    return (ssize_t)len;
}

static ssize_t random_read(struct file *f, void *buf, size_t len)
{
    if (len && !(f->flags & O_NONBLOCK))
        random_get_fresh();
    return urandom_read(f, buf, len);
}

static int random_fstat(struct file *f, struct stat *st)
{
    (void)f;
    *st = (struct stat){.st_mode = S_IFCHR | 0444, .st_nlink = 1, .st_blksize = RANDOM_PIECE};
    return 0;
}

static const struct file_ops random_ops = {
    .name = "random", .read = random_read, .fstat = random_fstat};
static const struct file_ops urandom_ops = {
    .name = "urandom", .read = urandom_read, .fstat = random_fstat};

static const struct file_ops *random_ops_of(const char *name)
{
    if (!strcmp(name, "random"))
        return &random_ops;
    return strcmp(name, "urandom") ? NULL : &urandom_ops;
}

static bool random_has_name(const char *name)
{
    return random_ops_of(name) != NULL;
}

static int random_open_name(const char *name, int flags)
{
    if ((flags & O_ACCMODE) != O_RDONLY)
        return -EACCES;
    return file_install(random_ops_of(name), NULL, (unsigned)flags);
}

static int random_stat_name(const char *name, struct stat *st)
{
    (void)name;
    return random_fstat(NULL, st);
}

const struct dev_names dev_random = {random_has_name, random_open_name, random_stat_name, NULL};
