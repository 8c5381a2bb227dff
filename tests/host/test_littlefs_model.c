/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_littlefs_model.c - files of littlefs against a reference in memory, with power cuts. The
 * disk keeps any part of what was written since the last flush, sector by sector, or nothing of it.
 * After a cut the file system holds what it held before or after the call that was cut off: names
 * as they were, and of each file what its last sync made durable. VIREO_LITTLEFS_STEPS says how
 * many steps; tests/test_host.py has a long run.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "host.h"
#include "hosttask.h"
#include "littlefs.h"
#include "powerdisk.h"

#define FILES   12u
#define DIRS    3u /* the top, and two in it */
#define NAMES   4u /* of files in each */
#define LONGEST 6000u
#define OPEN    4u
#define NOBODY  UINT8_MAX
#define TREES   20u /* file systems, one after the other */

const char mount_of_app[] = "";

static struct littlefs *fs;

static void mount_disk(void)
{
    void *ctx;

    CHECK_EQ(fs_littlefs.recognise(&disk), 1);
    CHECK_EQ(fs_littlefs.mount(&disk, &ctx), 0);
    fs = ctx;
}

/* An empty file system on a disk of any size. */
static void new_disk(void)
{
    device.sectors = random_below(2) ? 200 + random_below(200) : SECTORS;
    dead = false;
    left = flushes_left = 0;
    for (unsigned i = 0; i < sizeof(now); i++)
        now[i] = (uint8_t)random32();
    memcpy(durable, now, sizeof(now));
    CHECK_EQ(littlefs_make(&disk, BLOCK), 0);
    mount_disk();
}

/* ---- the reference --------------------------------------------------------------------------- */

/* A file: what is durable of it, and what it holds now. */
struct body {
    bool used;
    uint32_t synced_len, len;
    uint8_t synced[LONGEST], data[LONGEST];
};

struct world {
    bool dir[DIRS];
    uint8_t names[DIRS][NAMES]; /* the body, or NOBODY */
    struct body bodies[FILES + OPEN];
};

/* Before the call that was cut off; and in its middle, if it makes two changes. */
static struct world world, before, middle;
static bool has_middle;
static struct {
    int fd;
    uint8_t body;
} open_files[OPEN];
static unsigned cuts, full, unsynced;

static const char *path_of(unsigned d, unsigned n)
{
    static char paths[4][64];
    static unsigned next;
    char *p = paths[next++ % 4];
    static const char *const dirs[DIRS] = {"", "/dir-one", "/another directory"};
    static const char *const names[NAMES] = {"a", "the name of a file that is long", "b.c", "x"};

    if (n == NAMES)
        snprintf(p, 64, "%s", dirs[d]);
    else
        snprintf(p, 64, "%s/%s", dirs[d], names[n]);
    return p;
}

static unsigned new_body(void)
{
    unsigned b = 0;

    while (world.bodies[b].used)
        b++;
    CHECK(b < FILES + OPEN);
    world.bodies[b].used = true;
    world.bodies[b].len = world.bodies[b].synced_len = 0;
    return b;
}

static bool is_open(unsigned b)
{
    for (unsigned i = 0; i < OPEN; i++)
        if (open_files[i].fd && open_files[i].body == b)
            return true;
    return false;
}

static bool is_named(unsigned b)
{
    for (unsigned i = 0; i < DIRS * NAMES; i++)
        if (world.names[i / NAMES][i % NAMES] == b)
            return true;
    return false;
}

/* A body that nobody names and nobody has open is gone. */
static void let_go(unsigned b)
{
    if (b != NOBODY && !is_open(b) && !is_named(b))
        world.bodies[b].used = false;
}

static void set_synced(unsigned b)
{
    struct body *f = &world.bodies[b];

    memcpy(f->synced, f->data, f->len);
    f->synced_len = f->len;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool file_is(const char *path, const uint8_t *data, uint32_t len)
{
    static uint8_t have[LONGEST + 1];
    int fd = fs_littlefs.open(fs, path, O_RDONLY, 0);
    struct file *f = hosttask_file(fd);
    bool same;

    if (!f)
        return false;
    same = f->ops->pread(f, have, sizeof(have), 0) == (ssize_t)len && !memcmp(have, data, len);
    hosttask_close(fd);
    return same;
}

/* The number of entries, or an error. */
static int count_entries(const char *path)
{
    int fd = fs_littlefs.open(fs, path, O_RDONLY | O_DIRECTORY, 0), n = 0, r;
    struct file *f = hosttask_file(fd);
    char name[256];
    bool dir;

    if (!f)
        return fd;
    while ((r = f->ops->readdir(f, name, &dir)) == 1)
        n++;
    hosttask_close(fd);
    return r < 0 ? r : n;
}

/* Does the file system hold the names of the world, and of each file what is durable? */
static bool is_world(const struct world *w)
{
    for (unsigned d = 0; d < DIRS; d++) {
        int want = d ? 0 : w->dir[1] + w->dir[2], have = count_entries(path_of(d, NAMES));

        for (unsigned n = 0; n < NAMES; n++) {
            uint8_t b = w->names[d][n];

            want += b != NOBODY;
            if (b != NOBODY &&
                !file_is(path_of(d, n), w->bodies[b].synced, w->bodies[b].synced_len))
                return false;
        }
        if (have != (w->dir[d] ? want : -ENOENT))
            return false;
    }
    return true;
}

/* ---- steps: each gives 0, or the error of its call ------------------------------------------- */

static int step_open(unsigned d, unsigned n, int flags)
{
    unsigned i = 0;
    int fd, want = !world.dir[d] ? -ENOENT : 0;
    uint8_t *name = &world.names[d][n];

    while (i < OPEN && open_files[i].fd)
        i++;
    if (i == OPEN)
        return 0;
    if (!want && *name == NOBODY && !(flags & O_CREAT))
        want = -ENOENT;
    if (!want && *name != NOBODY && (flags & O_EXCL))
        want = -EEXIST;
    if (!want && *name == NOBODY)
        *name = (uint8_t)new_body();
    fd = fs_littlefs.open(fs, path_of(d, n), flags | O_RDWR, 0666);
    if (want || fd < 0) {
        CHECK(dead || fd == want || fd == -ENOSPC);
        if (!want && world.bodies[*name].used && !is_open(*name) && fd != -ENOSPC)
            return fd;
        if (!want && fd == -ENOSPC && (flags & O_CREAT) && count_entries("") >= 0 &&
            !file_is(path_of(d, n), NULL, 0)) {
            world.bodies[*name].used = false; /* was not made */
            *name = NOBODY;
        }
        return fd;
    }
    open_files[i].fd = fd;
    open_files[i].body = *name;
    if (flags & O_TRUNC)
        world.bodies[*name].len = 0;
    return 0;
}

/* After data was given up for want of room, the file is what it says it is. */
static void relearn(unsigned i)
{
    struct body *b = &world.bodies[open_files[i].body];
    struct file *f = hosttask_file(open_files[i].fd);
    ssize_t n = f->ops->pread(f, b->data, LONGEST, 0);

    full++;
    CHECK(dead || n >= 0);
    b->len = n > 0 ? (uint32_t)n : 0;
}

static int step_write(unsigned i, uint32_t at, uint32_t len)
{
    struct body *b = &world.bodies[open_files[i].body];
    struct file *f = hosttask_file(open_files[i].fd);
    static uint8_t data[LONGEST];
    ssize_t n;

    len = at + len > LONGEST ? LONGEST - at : len;
    len += !len;
    for (uint32_t k = 0; k < len; k++)
        data[k] = (uint8_t)random32();
    n = f->ops->pwrite(f, data, len, at);
    CHECK(dead || n == (ssize_t)len || n == -ENOSPC || (n > 0 && n < (ssize_t)len));
    if (n < (ssize_t)len) {
        if (!dead)
            relearn(i);
        return n < 0 ? (int)n : 0;
    }
    if (at > b->len)
        memset(b->data + b->len, 0, at - b->len);
    memcpy(b->data + at, data, len);
    b->len = at + len > b->len ? at + len : b->len;
    return 0;
}

static int step_cut(unsigned i, uint32_t size)
{
    struct body *b = &world.bodies[open_files[i].body];
    struct file *f = hosttask_file(open_files[i].fd);
    int err = f->ops->truncate(f, size);

    CHECK(dead || !err || err == -ENOSPC);
    if (err) {
        if (!dead)
            relearn(i);
        return err;
    }
    if (size > b->len)
        memset(b->data + b->len, 0, size - b->len);
    b->len = size;
    return 0;
}

static int step_read(unsigned i)
{
    struct body *b = &world.bodies[open_files[i].body];
    struct file *f = hosttask_file(open_files[i].fd);
    uint32_t at = random_below(b->len + 10), len = random_below(2000);
    uint32_t want = at >= b->len ? 0 : b->len - at < len ? b->len - at : len;
    static uint8_t have[2000];
    struct stat st = {0};
    ssize_t n;

    n = f->ops->pread(f, have, len, at);
    if (dead)
        return n < 0 ? (int)n : 0;
    if (full && (n != (ssize_t)want || memcmp(have, b->data + at, want))) {
        relearn(i); /* what was overwritten was given up by this read */
        return 0;
    }
    CHECK_EQ(n, want);
    CHECK(!memcmp(have, b->data + at, want));
    CHECK_EQ(f->ops->fstat(f, &st), 0);
    CHECK_EQ(st.st_size, b->len);
    return 0;
}

static int step_sync(unsigned i)
{
    struct file *f = hosttask_file(open_files[i].fd);
    int err;

    set_synced(open_files[i].body); /* or not, if there is no power */
    err = f->ops->fsync(f);
    CHECK(dead || !err || err == -ENOSPC);
    return err;
}

static int step_close(unsigned i)
{
    uint8_t b = open_files[i].body;
    unsigned users = 0;
    int err;

    for (unsigned k = 0; k < OPEN; k++)
        users += open_files[k].fd && open_files[k].body == b;
    if (users == 1)
        set_synced(b);
    err = hosttask_close(open_files[i].fd);
    open_files[i].fd = 0;
    CHECK(dead || !err || err == -ENOSPC);
    let_go(b);
    return err;
}

static int step_unlink(unsigned d, unsigned n)
{
    uint8_t *name = &world.names[d][n], b = *name;
    int want = !world.dir[d] || b == NOBODY ? -ENOENT : 0, err;

    *name = NOBODY;
    err = fs_littlefs.unlink(fs, path_of(d, n));
    CHECK(dead || err == want || (err == -ENOSPC && !want));
    if (err == -ENOSPC)
        *name = b;
    else
        let_go(b);
    return err;
}

/* A source that is open is synced first. */
static int step_rename(unsigned d, unsigned n, unsigned td, unsigned tn)
{
    uint8_t *from = &world.names[d][n], *to = &world.names[td][tn], a = *from, b = *to;
    int want = !world.dir[d] || a == NOBODY || !world.dir[td] ? -ENOENT : 0, err;

    if (world.dir[d] && a != NOBODY && from != to && is_open(a)) {
        set_synced(a);
        middle = world;
        has_middle = true;
    }
    if (!want && from != to) {
        *to = a;
        *from = NOBODY;
    }
    err = fs_littlefs.rename(fs, path_of(d, n), path_of(td, tn));
    CHECK(dead || err == want || (err == -ENOSPC && !want));
    if (err == -ENOSPC && from != to) {
        *from = a;
        *to = b;
    } else if (!want && b != a) {
        let_go(b);
    }
    return err;
}

static int step_dir(unsigned d, bool make)
{
    int want = make ? world.dir[d] ? -EEXIST : 0 : world.dir[d] ? 0 : -ENOENT, err;
    bool was = world.dir[d];

    for (unsigned n = 0; n < NAMES && !make && !want; n++)
        want = world.names[d][n] != NOBODY ? -ENOTEMPTY : 0;
    if (!want)
        world.dir[d] = make;
    err =
        make ? fs_littlefs.mkdir(fs, path_of(d, NAMES)) : fs_littlefs.rmdir(fs, path_of(d, NAMES));
    CHECK(dead || err == want || (err == -ENOSPC && !want));
    if (err == -ENOSPC)
        world.dir[d] = was;
    return err;
}

/* ---- a life: from one power cut to the next -------------------------------------------------- */

static int any_step(void)
{
    unsigned d = random_below(DIRS), n = random_below(NAMES), i = random_below(OPEN), k;
    static const int flags[] = {O_CREAT, O_CREAT, O_CREAT | O_TRUNC, O_CREAT | O_EXCL, 0, O_TRUNC};

    switch (random_below(16)) {
    case 0:
    case 1:
        return step_open(d, n, flags[random_below(6)]);
    case 2:
        return step_unlink(d, n);
    case 3:
        k = random_below(DIRS * NAMES);
        return step_rename(d, n, k / NAMES, k % NAMES);
    case 4:
        return step_dir(1 + random_below(DIRS - 1), random_below(3) > 0);
    default:
        break;
    }
    if (!open_files[i].fd)
        return 0;
    k = world.bodies[open_files[i].body].len;
    switch (random_below(10)) {
    case 0:
        return step_close(i);
    case 1:
    case 2:
        return step_sync(i);
    case 3:
        return step_cut(i, random_below(3) ? random_below(k + 1) : random_below(LONGEST));
    case 4:
    case 5:
        return step_write(i, random_below(k), random_below(700));
    case 6:
        return step_write(i, random_below(LONGEST - 1), random_below(30));
    case 7:
        return step_read(i);
    default:
        return k < LONGEST ? step_write(i, k, random_below(random_below(4) ? 100 : 2000)) : 0;
    }
}

/* What a cut leaves of the reference: names, and what was synced. */
static void adopt(const struct world *w)
{
    if (w != &world)
        world = *w;
    for (unsigned i = 0; i < OPEN; i++)
        open_files[i].fd = 0;
    for (unsigned b = 0; b < FILES + OPEN; b++) {
        struct body *f = &world.bodies[b];

        f->used = is_named(b);
        memcpy(f->data, f->synced, f->synced_len);
        f->len = f->synced_len;
    }
}

static void cut_power(int err)
{
    const struct world *held;

    if (!dead)
        power_goes();
    cuts++;
    left = flushes_left = 0;
    for (unsigned i = 0; i < OPEN; i++)
        if (open_files[i].fd)
            hosttask_file(open_files[i].fd)->ops = NULL;
    littlefs_forget(fs);
    memcpy(now, durable, sizeof(now));
    memset(unflushed, 0, sizeof(unflushed));
    dirty_count = 0;
    dead = false;
    mount_disk();
    held = is_world(&world) ? &world : NULL;
    if (!held && err && is_world(&before))
        held = &before;
    if (!held && err && has_middle && is_world(&middle))
        held = &middle;
    if (!held)
        check_fail(__FILE__, __LINE__,
                   "cut %u: the file system holds neither what it held before nor after the call "
                   "(%d)",
                   cuts, err);
    unsynced += held != &world;
    adopt(held);
}

static void step(void)
{
    bool cut = !random_below(24);
    unsigned i = random_below(OPEN);
    int err;

    if (cut) {
        before = world;
        has_middle = false;
        left = random_below(2) ? 1 + random_below(random_below(2) ? 4 : 30) : 0;
        flushes_left = left ? 0 : 1 + random_below(2);
    }
    if (cut && random_below(2) && open_files[i].fd)
        err = random_below(4) ? step_sync(i) : step_close(i);
    else
        err = any_step();
    if (cut)
        cut_power(dead ? err : 0);
}

static void one_tree(unsigned steps)
{
    memset(&world, 0, sizeof(world));
    memset(world.names, NOBODY, sizeof(world.names));
    memset(open_files, 0, sizeof(open_files));
    world.dir[0] = true;
    full = 0;
    new_disk();
    for (unsigned i = 0; i < steps; i++)
        step();
    for (unsigned i = 0; i < OPEN; i++)
        if (open_files[i].fd)
            step_close(i);
    CHECK(is_world(&world) || full);
    littlefs_forget(fs);
}

static void model(void)
{
    const char *text = getenv("VIREO_LITTLEFS_STEPS");
    unsigned long steps = text ? strtoul(text, NULL, 10) : 40000;

    for (unsigned i = 0; i < TREES; i++)
        one_tree((unsigned)(steps / TREES));
    CHECK(cuts > steps / 100 && unsynced > 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {{"model", model}};

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
