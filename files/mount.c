/* SPDX-License-Identifier: BSD-2-Clause */
/* mount.c - the mount table (mount.h), and the calls with a path that go by it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "mount.h"
#include "vireo/image.h"
#include "vireo/task.h"

#define MOUNT_SYNTAX "write PATH:DISK, such as /data:vblk1; more of them behind commas"

struct mount {
    struct mount *next;         /* with a mount point that is not longer */
    const struct fs_kind *kind; /* NULL: not mounted yet */
    void *fs;
    int told; /* the error that the log has */
    struct task_mutex lock;
    size_t at_len, disk_len;
    const char *at; /* without a slash at its end: "" is the top */
    const char *disk;
};

static struct mount *mount_all;
static struct fs_kind *fs_kinds;

void fs_add(struct fs_kind *kind)
{
    kind->next = fs_kinds;
    fs_kinds = kind;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void mount_insert(struct mount *m)
{
    struct mount **link = &mount_all;

    while (*link && (*link)->at_len > m->at_len)
        link = &(*link)->next;
    m->next = *link;
    *link = m;
}

/* Is the first component of at, len bytes, the name? */
static bool mount_begins(const char *at, size_t len, const char *name)
{
    size_t n = strlen(name);

    return len > n && !memcmp(at + 1, name, n) && (len == n + 1 || at[n + 1] == '/');
}

/* What is wrong with a mount point; NULL: nothing. */
static const char *mount_judge_point(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] == '/' && (i + 1 == len || at[i + 1] == '/' || at[i + 1] == '.'))
            return "a mount point has no empty components, and none that begins with a dot";
    if (mount_begins(at, len, "dev"))
        return "devices are below /dev: choose another mount point";
    for (const struct mount *m = mount_all; m; m = m->next)
        if (m->at_len == len && !memcmp(m->at, at, len))
            return "a mount point is named twice";
    return NULL;
}

/* Reads "PATH:DISK", len bytes, into *m. What is wrong with it; NULL: nothing. */
static const char *mount_read(const char *text, size_t len, struct mount *m)
{
    const char *colon = memchr(text, ':', len);

    if (!colon || text[0] != '/' || colon + 1 == text + len)
        return MOUNT_SYNTAX;
    *m = (struct mount){.at = text,
                        .at_len = (size_t)(colon - text),
                        .disk = colon + 1,
                        .disk_len = (size_t)(text + len - colon - 1)};
    if (m->at_len == 1)
        m->at_len = 0;
    return mount_judge_point(m->at, m->at_len);
}

const char *mount_table(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, ",");
        struct mount read, *m;
        const char *wrong = mount_read(text, len, &read);

        if (wrong)
            return wrong;
        m = malloc(sizeof(*m));
        if (!m)
            return "there is no memory";
        *m = read;
        mount_insert(m);
        text += len + (text[len] == ',');
    }
    return NULL;
}

/* ---- which file system a path leads to ------------------------------------------------------- */

/* *path, past slashes and ".", and at the top past "..". */
static const char *mount_skip(const char *path, bool top)
{
    for (;;) {
        size_t len;

        path += strspn(path, "/");
        len = strcspn(path, "/");
        if (!(len == 1 && path[0] == '.') && !(top && len == 2 && path[0] == '.' && path[1] == '.'))
            return path;
        path += len;
    }
}

/* What follows the mount point in path; NULL: the path does not lead there. */
static const char *mount_below(const struct mount *m, const char *path)
{
    const char *at = m->at, *end = m->at + m->at_len;
    bool top = true;

    while (at < end) {
        const char *slash = memchr(at + 1, '/', (size_t)(end - at - 1));
        size_t len = (size_t)((slash ? slash : end) - at - 1);

        path = mount_skip(path, top);
        if (strcspn(path, "/") != len || memcmp(path, at + 1, len))
            return NULL;
        path += len;
        at += len + 1;
        top = false;
    }
    return path;
}

/* Devices are below /dev, and the trees of other disks below /mnt, whatever is mounted at "/". */
static bool mount_is_taken(const char *path)
{
    const char *p = mount_skip(path, true);
    size_t len = strcspn(p, "/");

    return len == 3 && (!memcmp(p, "dev", 3) || !memcmp(p, "mnt", 3));
}

/* The mount to which *path leads, which then is what follows the mount point. NULL: none. */
static struct mount *mount_find(const char **path)
{
    for (struct mount *m = mount_all; m; m = m->next) {
        const char *below = mount_below(m, *path);

        if (!below || (!m->at_len && mount_is_taken(*path)))
            continue;
        *path = below;
        return m;
    }
    return NULL;
}

/* ---- mounting -------------------------------------------------------------------------------- */

/* The disk's name is not ended by a NUL. */
static struct block_device *mount_device(const struct mount *m)
{
    struct block_device *dev = NULL;

    for (unsigned n = 0; (dev = block_get(n)); n++)
        if (strlen(block_name(dev)) == m->disk_len &&
            !memcmp(block_name(dev), m->disk, m->disk_len))
            break;
    return dev;
}

/* The kind of file system that the disk holds. 0; -ENODEV: none that the image knows; -EIO... */
static int mount_recognise(struct disk *d, struct fs_kind **kind)
{
    int found = 0;

    for (*kind = fs_kinds; *kind; *kind = (*kind)->next) {
        found = (*kind)->recognise(d);
        if (found)
            break;
    }
    return found > 0 ? 0 : found < 0 ? found : -ENODEV;
}

/* Logs why the disk is not mounted. */
static void mount_tell(const struct mount *m, struct disk *d, const struct fs_kind *kind, int err)
{
    const char *who = d ? block_name(d->dev) : "mount", *holds;
    bool blank = false;

    if (err == -ENXIO)
        hal_log(HAL_ERROR, who,
                "%.*s: there is no disk %.*s: vireo.mount names one that the "
                "machine has, vblk0 being the first",
                (int)m->at_len + !m->at_len, m->at, (int)m->disk_len, m->disk);
    else if (err == -ENOMEM)
        hal_log(HAL_ERROR, who, "no memory to mount this disk: give the machine more (-m)");
    else if (err == -EIO)
        hal_log(HAL_ERROR, who, "%.*s: the disk cannot be read, or its %s is damaged",
                (int)m->at_len + !m->at_len, m->at, kind ? kind->name : "file system");
    else if (!kind && (holds = mount_guess(d, &blank)))
        hal_log(HAL_ERROR, who, "holds %s, which this image cannot mount at %.*s", holds,
                (int)m->at_len + !m->at_len, m->at);
    else if (!kind)
        hal_log(HAL_ERROR, who,
                "%s: it is not mounted, and nothing is written to it. scripts/mkdisk --data SIZE "
                "makes a disk with an empty file system",
                blank ? "is blank" : "holds no file system that this image knows");
}

/* Mounts the disk. m->lock is held. */
static int mount_now(struct mount *m)
{
    struct block_device *dev = mount_device(m);
    struct disk *d = dev ? disk_of(dev) : NULL;
    struct fs_kind *kind = NULL;
    int err = d ? mount_recognise(d, &kind) : dev ? -ENOMEM : -ENXIO;

    if (!err)
        err = kind->mount(d, &m->fs);
    if (!err)
        m->kind = kind;
    if (err && err != m->told)
        mount_tell(m, d, kind, err);
    m->told = err;
    return err;
}

/*
 * The file system to which *path leads, mounted; *path is what follows then. 0; PATH_ELSEWHERE; why
 * the disk cannot be mounted.
 */
static int mount_get(const char **path, struct mount **found)
{
    struct mount *m = *found = mount_find(path);
    int err = 0;

    if (!m)
        return PATH_ELSEWHERE;
    if (m->kind)
        return 0;
    task_mutex_lock(&m->lock);
    if (!m->kind)
        err = mount_now(m);
    task_mutex_unlock(&m->lock);
    return err;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int mount_open(const char *path, int flags, int mode)
{
    struct mount *m;
    int err = mount_get(&path, &m);

    return err ? err : m->kind->open(m->fs, path, flags, mode);
}

static int mount_stat(const char *path, struct stat *st)
{
    struct mount *m;
    int err = mount_get(&path, &m);

    return err ? err : m->kind->stat(m->fs, path, st);
}

/* A file system that cannot be changed says first whether the path is there. */
static int mount_refuse(const struct mount *m, const char *path)
{
    struct stat st;
    int err = m->kind->stat(m->fs, path, &st);

    return err ? err : -EROFS;
}

static int mount_mkdir(const char *path)
{
    struct mount *m;
    int err = mount_get(&path, &m);

    if (err)
        return err;
    if (m->kind->mkdir)
        return m->kind->mkdir(m->fs, path);
    err = mount_refuse(m, path);
    return err == -EROFS ? -EEXIST : err == -ENOENT ? -EROFS : err;
}

static int mount_rmdir(const char *path)
{
    struct mount *m;
    int err = mount_get(&path, &m);

    if (err)
        return err;
    return m->kind->rmdir ? m->kind->rmdir(m->fs, path) : mount_refuse(m, path);
}

static int mount_unlink(const char *path)
{
    struct mount *m;
    int err = mount_get(&path, &m);

    if (err)
        return err;
    return m->kind->unlink ? m->kind->unlink(m->fs, path) : mount_refuse(m, path);
}

static int mount_truncate(const char *path, off_t size)
{
    struct mount *m;
    int err = mount_get(&path, &m);

    if (err)
        return err;
    return m->kind->truncate ? m->kind->truncate(m->fs, path, size) : mount_refuse(m, path);
}

static int mount_statvfs(const char *path, struct statvfs *out)
{
    struct mount *m;
    int err = mount_get(&path, &m);

    if (err)
        return err;
    memset(out, 0, sizeof(*out));
    return m->kind->statvfs ? m->kind->statvfs(m->fs, path, out) : -ENOSYS;
}

static int mount_rename(const char *from, const char *to)
{
    struct mount *m, *other;
    int err = mount_get(&from, &m);

    if (err && err != PATH_ELSEWHERE)
        return err;
    other = mount_find(&to);
    if (m != other)
        return -EXDEV;
    if (!m)
        return PATH_ELSEWHERE;
    return m->kind->rename ? m->kind->rename(m->fs, from, to) : mount_refuse(m, from);
}

static const struct path_mounts mount_calls = {mount_open,     mount_stat,   mount_mkdir,
                                               mount_rmdir,    mount_unlink, mount_rename,
                                               mount_truncate, mount_statvfs};

/* The boot argument, or what the application's build says. */
static void mount_start(void)
{
    const char *text = hal_option(NULL, "mount");
    const char *wrong = mount_table(text ? text : mount_of_app);

    if (wrong && text)
        hal_option_bad(NULL, "mount", wrong);
    else if (wrong)
        hal_log(HAL_ERROR, "mount", "MOUNTS of app.mk: %s", wrong);
    path_mounts = &mount_calls;
}
HAL_INIT(HAL_INIT_STACK, mount_start);
