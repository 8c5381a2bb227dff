/* SPDX-License-Identifier: BSD-2-Clause */
/* mman.c - mappings (<sys/mman.h>): a list of pieces of the heap, in whole pages. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"

#define PAGE 4096u

struct mapping {
    struct mapping *next;
    char *at;
    size_t pages, left; /* of which `left` are still mapped */
    bool anonymous;
    uint8_t gone[]; /* a bit for each page that was unmapped */
};

static struct mapping *mappings;

static size_t map_pages(size_t len)
{
    return len / PAGE + (len % PAGE != 0);
}

/* The mapping in which a range lies whole, and *first, its first page there. NULL: none. */
static struct mapping *map_find(const void *addr, size_t len, size_t *first)
{
    uintptr_t from = (uintptr_t)addr;

    for (struct mapping *m = mappings; m; m = m->next) {
        uintptr_t at = (uintptr_t)m->at;

        if (from < at || from - at >= m->pages * PAGE)
            continue;
        *first = (from - at) / PAGE;
        return map_pages(len) <= m->pages - *first ? m : NULL;
    }
    return NULL;
}

static struct mapping *map_make(size_t pages, bool anonymous)
{
    struct mapping *m = calloc(1, sizeof(*m) + pages / 8 + 1);

    if (!m)
        return NULL;
    if (posix_memalign((void **)&m->at, PAGE, pages * PAGE)) {
        free(m);
        return NULL;
    }
    memset(m->at, 0, pages * PAGE);
    m->pages = m->left = pages;
    m->anonymous = anonymous;
    return m;
}

static void map_free(struct mapping *m)
{
    free(m->at);
    free(m);
}

/* The bytes of the file, up to its end: 0, or an error. [parks] */
static int map_fill(struct mapping *m, struct file *f, size_t len, off_t at)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = f->ops->pread(f, m->at + done, len - done, at + (off_t)done);

        if (n < 0)
            return (int)n;
        if (!n)
            break;
        done += (size_t)n;
    }
    return 0;
}

/* Why a call is refused that names this file; NULL stands for none. 0: it is not. */
static int map_judge_file(const struct file *f, int prot, int flags)
{
    if (!f)
        return -EBADF;
    if ((f->flags & O_ACCMODE) == O_WRONLY)
        return -EACCES;
    if (!f->ops->pread)
        return -ENODEV;
    return (flags & MAP_SHARED) && (prot & PROT_WRITE) ? -ENOTSUP : 0;
}

static int map_judge(size_t len, int prot, int flags, off_t at)
{
    int kind = flags & (MAP_SHARED | MAP_PRIVATE);

    if (!len || at < 0 || at % PAGE || (flags & MAP_FIXED) || !kind ||
        kind == (MAP_SHARED | MAP_PRIVATE))
        return -EINVAL;
    if (prot & PROT_EXEC)
        return -ENOTSUP;
    return len > PTRDIFF_MAX - PAGE ? -ENOMEM : 0;
}

void *mmap(void *hint, size_t len, int prot, int flags, int fd, off_t at)
{
    struct file *f = flags & MAP_ANONYMOUS ? NULL : file_hold(fd);
    struct mapping *m = NULL;
    int err = map_judge(len, prot, flags, at);

    (void)hint;
    if (!err && !(flags & MAP_ANONYMOUS))
        err = map_judge_file(f, prot, flags);
    if (!err && !(m = map_make(map_pages(len), !f)))
        err = -ENOMEM;
    if (!err && f)
        err = map_fill(m, f, len, at);
    if (f)
        file_drop(f);
    if (err) {
        if (m)
            map_free(m);
        errno = -err;
        return MAP_FAILED;
    }
    m->next = mappings;
    mappings = m;
    return m->at;
}

int munmap(void *addr, size_t len)
{
    size_t first = 0;
    struct mapping *m = len && !((uintptr_t)addr % PAGE) ? map_find(addr, len, &first) : NULL;

    if (!m)
        return (int)posix_result(-EINVAL);
    for (size_t i = first; i < first + map_pages(len); i++)
        if (!(m->gone[i / 8] & 1u << i % 8)) {
            m->gone[i / 8] |= (uint8_t)(1u << i % 8);
            m->left--;
        }
    if (!m->left) {
        struct mapping **link = &mappings;

        while (*link != m)
            link = &(*link)->next;
        *link = m->next;
        map_free(m);
    }
    return 0;
}

/* ---- what changes nothing -------------------------------------------------------------------- */

int mprotect(void *addr, size_t len, int prot)
{
    (void)len;
    if ((uintptr_t)addr % PAGE)
        return (int)posix_result(-EINVAL);
    return (int)posix_result(prot & PROT_EXEC ? -ENOTSUP : 0);
}

int msync(void *addr, size_t len, int flags)
{
    size_t first;
    bool both = (flags & MS_ASYNC) && (flags & MS_SYNC);

    if ((uintptr_t)addr % PAGE || both || (flags & ~(MS_ASYNC | MS_SYNC | MS_INVALIDATE)))
        return (int)posix_result(-EINVAL);
    return (int)posix_result(map_find(addr, len, &first) ? 0 : -ENOMEM);
}

int madvise(void *addr, size_t len, int advice)
{
    size_t first;
    struct mapping *m = map_find(addr, len, &first);

    if ((uintptr_t)addr % PAGE)
        return (int)posix_result(-EINVAL);
    if (advice == MADV_DONTNEED && m && m->anonymous)
        memset(addr, 0, map_pages(len) * PAGE);
    return 0;
}

int posix_madvise(void *addr, size_t len, int advice)
{
    (void)len;
    return (uintptr_t)addr % PAGE || advice < 0 || advice > POSIX_MADV_DONTNEED ? EINVAL : 0;
}

int mlock(const void *addr, size_t len)
{
    (void)addr, (void)len;
    return 0;
}

int munlock(const void *addr, size_t len)
{
    (void)addr, (void)len;
    return 0;
}

int mlockall(int flags)
{
    return (int)posix_result(flags & ~(MCL_CURRENT | MCL_FUTURE) || !flags ? -EINVAL : 0);
}

int munlockall(void)
{
    return 0;
}

int shm_open(const char *name, int flags, mode_t mode)
{
    (void)name, (void)flags, (void)mode;
    return (int)posix_result(-ENOSYS);
}

int shm_unlink(const char *name)
{
    (void)name;
    return (int)posix_result(-ENOSYS);
}
