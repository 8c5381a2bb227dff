/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hosttask.c - the runtime of hosttask.h.
 */
#include "hosttask.h"

#include "check.h"
#include "host.h"
#include "vireo/image.h"
#include "vireo/task.h"

#define DESCRIPTORS 16

static bool (*on_wait)(void *);
static void *on_wait_ctx;
static void (*switch_task)(void);
static struct task *current; /* NULL: the only one */
static const void *initrd;
static size_t initrd_len;
static struct file files[DESCRIPTORS];

void hosttask_on_wait(bool (*progress)(void *ctx), void *ctx)
{
    on_wait = progress;
    on_wait_ctx = ctx;
}

void hosttask_on_switch(void (*fn)(void))
{
    switch_task = fn;
}

void hosttask_is(struct task *t)
{
    current = t;
}

int waitq_wait(struct waitq *q, uint64_t deadline_ns)
{
    (void)q, (void)deadline_ns;
    if (switch_task) {
        switch_task();
        return 0;
    }
    if (!on_wait || !on_wait(on_wait_ctx))
        check_fail(__FILE__, __LINE__, "waits for what cannot come");
    return 0;
}

void waitq_wake_all(struct waitq *q)
{
    (void)q;
}

bool task_mutex_trylock(struct task_mutex *m)
{
    if (m->depth && m->owner != current)
        return false;
    m->owner = current;
    m->depth++;
    return true;
}

void task_mutex_lock(struct task_mutex *m)
{
    while (!task_mutex_trylock(m))
        switch_task();
}

void task_mutex_unlock(struct task_mutex *m)
{
    CHECK(m->depth > 0 && m->owner == current);
    m->depth--;
}

void task_sleep_until(uint64_t when_ns)
{
    host_advance(when_ns - hal_now_ns());
    if (switch_task)
        switch_task();
}

/* ---- files ----------------------------------------------------------------------------------- */

int file_install(const struct file_ops *ops, void *ctx, unsigned flags)
{
    for (int i = 3; i < DESCRIPTORS; i++) {
        if (files[i].ops)
            continue;
        files[i] = (struct file){.ops = ops, .ctx = ctx, .flags = flags, .refs = 1};
        return i;
    }
    return -EMFILE;
}

struct file *hosttask_file(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS && files[fd].ops ? &files[fd] : NULL;
}

int hosttask_close(int fd)
{
    struct file *f = hosttask_file(fd);
    int err;

    CHECK(f != NULL);
    err = f->ops->close ? f->ops->close(f) : 0;
    f->ops = NULL;
    return err;
}

unsigned hosttask_open_files(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < DESCRIPTORS; i++)
        n += files[i].ops != NULL;
    return n;
}

/* ---- the image ------------------------------------------------------------------------------- */

void hosttask_initrd(const void *image, size_t len)
{
    initrd = image;
    initrd_len = len;
}

const void *vireo_initrd(size_t *len)
{
    *len = initrd_len;
    return initrd;
}

void vireo_memory(struct memory_info *out)
{
    *out = (struct memory_info){.total = 64u << 20, .free = 8u << 20};
}

/* ---- the end --------------------------------------------------------------------------------- */

static void (*before_end)(void);
static int failed_status;

bool task_may_park(void)
{
    return true;
}

int vireo_before_end(void (*fn)(void))
{
    CHECK(!before_end);
    before_end = fn;
    return 0;
}

void vireo_end_failed(int status)
{
    failed_status = status;
}

int hosttask_end(void)
{
    if (before_end)
        before_end();
    return failed_status;
}
