/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfs.c - the VFS: which disk a name means, which part of it, time and random numbers.
 */
#include "vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "block/block.h"
#include "hal.h"

#define VFS_PATH   64
#define VFS_FRAMES 1000              /* of a log at which it is checkpointed */
#define VFS_FRAME  4120              /* bytes of one, with pages of the usual size */
#define UNIX_EPOCH 210866760000000ll /* its Julian day number, in milliseconds */

/* ---- names ----------------------------------------------------------------------------------- */

static const char *const vfs_suffix[STORE_PARTS] = {"", "-journal", "-wal"};

/* The name of the disk, with or without its folder. */
static const char *vfs_base(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0 ? path + 5 : path;
}

/* The device that a path means, and the part of the store there. NULL: there is none. */
static struct block_device *vfs_device(const char *path, enum store_part *part)
{
    const char *base = path ? vfs_base(path) : "";
    size_t len = strlen(base);
    char name[VFS_PATH];

    if (len >= sizeof(name))
        return NULL;
    for (int p = STORE_PARTS - 1; p >= 0; p--) {
        size_t n = strlen(vfs_suffix[p]);

        if (n > len || strcmp(base + len - n, vfs_suffix[p]) != 0)
            continue;
        memcpy(name, base, len - n);
        name[len - n] = 0;
        *part = (enum store_part)p;
        return block_find(name);
    }
    return NULL;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *out)
{
    (void)vfs;
    sqlite3_snprintf(size, out, "/dev/%s", vfs_base(path));
    return SQLITE_OK;
}

/* ---- disks ----------------------------------------------------------------------------------- */

/* May a store be made of this disk, if it is blank? */
static bool vfs_may_make(const struct block_device *dev)
{
    const char *value = hal_option(block_name(dev), "sqlite");

    return value && strcmp(value, "make") == 0;
}

/* Options are asked for at the boot, or they would be reported as unknown. */
static void vfs_know_options(void)
{
    struct block_device *dev;

    for (unsigned n = 0; (dev = block_get(n)); n++)
        if (hal_option(block_name(dev), "sqlite") && !vfs_may_make(dev))
            hal_option_bad(block_name(dev), "sqlite", "make");
    sqlite3_config(SQLITE_CONFIG_MUTEX, &vfs_mutex_methods);
}
HAL_INIT(HAL_INIT_STACK, vfs_know_options);

/* The store of a disk; one is made if the disk is blank and the option says so. [parks] */
static int vfs_store(struct block_device *dev, struct store **out)
{
    bool blank;
    int err = store_open(dev, out, &blank);

    if (err != -ENODEV)
        return err;
    if (!blank)
        hal_log(HAL_ERROR, block_name(dev),
                "the disk holds no database: scripts/mkdisk --sqlite makes a disk for one");
    else if (!vfs_may_make(dev))
        hal_log(HAL_ERROR, block_name(dev),
                "the disk is blank: vireo.%s.sqlite=make readies it for a database",
                block_name(dev));
    if (!blank || !vfs_may_make(dev))
        return -ENODEV;
    err = store_make(dev);
    return err ? err : store_open(dev, out, &blank);
}

static int vfs_why(int err)
{
    return err == -ENOMEM    ? SQLITE_NOMEM
           : err == -EIO     ? SQLITE_IOERR
           : err == -EBADMSG ? SQLITE_IOERR_CORRUPTFS
           : err == -ENOSPC  ? SQLITE_FULL
                             : SQLITE_CANTOPEN;
}

/* What all connections to a disk share. [parks] */
static int vfs_disk(struct block_device *dev, struct vfs_disk **out)
{
    struct store *s;
    int err = vfs_store(dev, &s);

    if (err)
        return vfs_why(err);
    if (!s->ctx) {
        struct vfs_disk *d = calloc(1, sizeof(*d));

        if (!d)
            return SQLITE_NOMEM;
        d->store = s;
        s->ctx = d;
    }
    *out = s->ctx;
    return SQLITE_OK;
}

/*
 * A journal whose header is zero holds nothing (journal_mode=PERSIST leaves it so): a log takes its
 * place. [parks]
 */
static void vfs_drop_old_journal(struct store *s)
{
    char first = 0;

    if (store_size(s, STORE_JOURNAL) && store_read(s, STORE_JOURNAL, &first, 1, 0, NULL) == 1 &&
        !first)
        store_truncate(s, STORE_JOURNAL, 0);
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *given)
{
    struct vfs_file *f = (struct vfs_file *)file;
    enum store_part part;
    struct block_device *dev = vfs_device(path, &part);
    struct vfs_disk *d;
    int err;

    (void)vfs;
    memset(f, 0, sizeof(*f));
    if (!dev) {
        hal_log(HAL_ERROR, "sqlite", "%s: no such disk: a database is /dev/vblk0 or the like",
                path ? path : "a temporary file");
        return SQLITE_CANTOPEN;
    }
    if ((flags & SQLITE_OPEN_READWRITE) && block_read_only(dev)) {
        if (flags & SQLITE_OPEN_CREATE && part != STORE_DATABASE)
            return SQLITE_CANTOPEN;
        flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    }
    err = vfs_disk(dev, &d);
    if (err)
        return err;
    if (part == STORE_LOG)
        vfs_drop_old_journal(d->store);
    f->base.pMethods = &vfs_file_methods;
    f->disk = d;
    f->part = part;
    f->psow = part != STORE_DATABASE || sqlite3_uri_boolean(path, "psow", 1);
    if (given)
        *given = flags;
    return SQLITE_OK;
}

/* A part that is gone is gone for good when this returns: that is what commits a transaction. */
static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    enum store_part part;
    struct block_device *dev = vfs_device(path, &part);
    struct vfs_disk *d;
    int err = dev ? vfs_disk(dev, &d) : SQLITE_IOERR_DELETE;

    (void)vfs, (void)sync_folder;
    if (err)
        return err;
    if (!store_size(d->store, part))
        return SQLITE_IOERR_DELETE_NOENT;
    store_truncate(d->store, part, 0);
    return store_sync(d->store) ? SQLITE_IOERR_DELETE : SQLITE_OK;
}

/* A part without bytes does not exist. */
static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
    enum store_part part;
    struct block_device *dev = vfs_device(path, &part);
    struct vfs_disk *d;

    (void)vfs;
    *out = 0;
    if (dev && vfs_disk(dev, &d) == SQLITE_OK)
        *out = flags == SQLITE_ACCESS_READWRITE ? !block_read_only(dev)
                                                : store_size(d->store, part) > 0;
    return SQLITE_OK;
}

/* ---- time and random numbers ----------------------------------------------------------------- */

/* Without entropy, the clock: the numbers need to differ, and are no secret. */
static int vfs_random(sqlite3_vfs *vfs, int len, char *out)
{
    static uint64_t turn;

    (void)vfs;
    for (int i = 0; i < len; i += 256)
        if (getentropy(out + i, (size_t)(len - i < 256 ? len - i : 256)) != 0) {
            uint64_t seed = (hal_now_ns() ^ (uint64_t)time(NULL) << 32) + turn++;

            for (int k = i; k < len; k++) {
                seed = seed * 6364136223846793005ull + 1442695040888963407ull;
                out[k] = (char)(seed >> 56);
            }
            break;
        }
    return len;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    task_sleep_until(hal_now_ns() + (uint64_t)us * 1000);
    return us;
}

static int vfs_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    struct timespec now;

    (void)vfs;
    clock_gettime(CLOCK_REALTIME, &now);
    *out = UNIX_EPOCH + (sqlite3_int64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return SQLITE_OK;
}

static int vfs_time_days(sqlite3_vfs *vfs, double *out)
{
    sqlite3_int64 ms;

    vfs_time_ms(vfs, &ms);
    *out = (double)ms / 86400000.0;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int len, char *out)
{
    (void)vfs, (void)len, (void)out;
    return 0;
}

static sqlite3_vfs vfs_vireo = {
    .iVersion = 2,
    .szOsFile = sizeof(struct vfs_file),
    .mxPathname = VFS_PATH,
    .zName = "vireo",
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_path,
    .xRandomness = vfs_random,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_time_days,
    .xGetLastError = vfs_last_error,
    .xCurrentTimeInt64 = vfs_time_ms,
};

/* ---- checkpoints ----------------------------------------------------------------------------- */

int vfs_log_frames(sqlite3 *db)
{
    struct vfs_file *f = NULL;
    uint64_t half;

    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &f);
    if (!f || f->base.pMethods != &vfs_file_methods)
        return VFS_FRAMES;
    half = store_reserve(f->disk->store) / 2 / VFS_FRAME;
    return half < 1 ? 1 : half < VFS_FRAMES ? (int)half : VFS_FRAMES;
}

int sqlite3_os_init(void)
{
    return sqlite3_vfs_register(&vfs_vireo, 1);
}

int sqlite3_os_end(void)
{
    return SQLITE_OK;
}
