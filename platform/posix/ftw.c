/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ftw.c - walks through a tree of files (POSIX.1-2017, <ftw.h>). Files have no numbers by which a
 * circle of links could be seen: a walk into one ends with ENAMETOOLONG.
 */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int (*ftw_call)(const char *, const struct stat *, int);
typedef int (*nftw_call)(const char *, const struct stat *, int, struct FTW *);

struct walk {
    ftw_call plain; /* one of both is NULL */
    nftw_call full;
    int flags;
    char path[PATH_MAX];
};

static int walk_call(struct walk *w, const struct stat *st, int type, struct FTW *at)
{
    return w->plain ? w->plain(w->path, st, type) : w->full(w->path, st, type, at);
}

static int walk_at(struct walk *w, size_t len, struct FTW at);

/* The entries of the directory whose path has `len` bytes. */
static int walk_below(struct walk *w, size_t len, int level, DIR *d)
{
    struct dirent *e;
    int r = 0;

    while (!r && (errno = 0, e = readdir(d))) {
        size_t slash = len && w->path[len - 1] == '/' ? 0 : 1, name = strlen(e->d_name);

        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        if (len + slash + name >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        w->path[len] = '/';
        memcpy(w->path + len + slash, e->d_name, name + 1);
        r = walk_at(w, len + slash + name, (struct FTW){(int)(len + slash), level + 1});
    }
    w->path[len] = 0;
    return r || !errno ? r : -1;
}

/* The file or directory whose path has `len` bytes, and what is below it. */
static int walk_at(struct walk *w, size_t len, struct FTW at)
{
    struct stat st;
    DIR *d = NULL;
    int r = 0, error;

    if (lstat(w->path, &st) < 0)
        return walk_call(w, &st, FTW_NS, &at);
    if (!S_ISDIR(st.st_mode))
        return walk_call(w, &st, FTW_F, &at);
    d = opendir(w->path);
    if (!d)
        return errno == EACCES ? walk_call(w, &st, FTW_DNR, &at) : -1;
    if (!(w->flags & FTW_DEPTH))
        r = walk_call(w, &st, FTW_D, &at);
    if (!r)
        r = walk_below(w, len, at.level, d);
    error = errno;
    closedir(d);
    errno = error;
    if (!r && (w->flags & FTW_DEPTH))
        r = walk_call(w, &st, FTW_DP, &at);
    return r;
}

/* A walk holds a descriptor for each level, whatever the caller allows. */
static int walk_from(const char *path, ftw_call plain, nftw_call full, int flags)
{
    size_t len = strlen(path), base = len;
    struct walk *w;
    int r;

    if (len >= PATH_MAX || !len) {
        errno = len ? ENAMETOOLONG : ENOENT;
        return -1;
    }
    if (flags & FTW_CHDIR) {
        errno = EINVAL;
        return -1;
    }
    w = malloc(sizeof(*w));
    if (!w)
        return -1;
    *w = (struct walk){.plain = plain, .full = full, .flags = flags};
    memcpy(w->path, path, len + 1);
    while (base > 1 && path[base - 1] == '/')
        base--;
    while (base && path[base - 1] != '/')
        base--;
    r = access(path, F_OK) ? -1 : walk_at(w, len, (struct FTW){(int)base, 0});
    free(w);
    return r;
}

int ftw(const char *path, ftw_call fn, int fds)
{
    (void)fds;
    return walk_from(path, fn, NULL, 0);
}

int nftw(const char *path, nftw_call fn, int fds, int flags)
{
    (void)fds;
    return walk_from(path, NULL, fn, flags);
}
