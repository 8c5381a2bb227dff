/* SPDX-License-Identifier: BSD-2-Clause */
/* paths.c - the working directory, calls that start at a directory, modes, directories, walks. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "posix.h"

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    is(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static void check_working_directory(void)
{
    char name[PATH_MAX], small[4];
    char *whole;
    int fd;

    is(!strcmp(getcwd(name, sizeof(name)), "/"));
    is(!mkdir("/data/a", 0777) && !mkdir("/data/a/b", 0777));
    is(!chdir("/data/./a//b/..") && !strcmp(getcwd(name, sizeof(name)), "/data/a"));
    put("here", "one");
    is(!access("/data/a/here", R_OK) && !access("b", F_OK) && access("/here", F_OK) == -1);
    is(!rename("here", "b/there") && !access("/data/a/b/there", F_OK));
    is(!chdir("b") && !strcmp(getcwd(name, sizeof(name)), "/data/a/b"));
    is(!getcwd(small, sizeof(small)) && errno == ERANGE);
    is(!truncate("there", 1) && !unlink("there") && !mkdir("c", 0777) && !rmdir("c"));
    fails(chdir("nosuch"), ENOENT);
    put("file", "x");
    fails(chdir("file"), ENOTDIR);
    whole = realpath("../b/file", NULL);
    is(whole && !strcmp(whole, "/data/a/b/file"));
    free(whole);
    is(!realpath("nosuch", name) && errno == ENOENT);
    fd = open("/data/a", O_RDONLY | O_DIRECTORY);
    is(fd >= 0 && !fchdir(fd) && !strcmp(getcwd(name, sizeof(name)), "/data/a"));
    is(!close(fd) && !chdir("/") && !strcmp(getcwd(name, sizeof(name)), "/"));
}

static void check_at(void)
{
    struct stat st;
    int dir = open("/data/a", O_RDONLY | O_DIRECTORY), fd;

    fd = openat(dir, "b/at", O_WRONLY | O_CREAT, 0600);
    is(fd >= 0 && write(fd, "12345", 5) == 5 && !close(fd));
    is(!fstatat(dir, "b/at", &st, 0) && st.st_size == 5);
    is(!fstatat(dir, "", &st, AT_EMPTY_PATH) && S_ISDIR(st.st_mode));
    is(!faccessat(dir, "b", R_OK, 0) && faccessat(dir, "nosuch", F_OK, 0) == -1);
    is(!mkdirat(dir, "d", 0777) && !renameat(dir, "b/at", dir, "d/at"));
    is(!unlinkat(dir, "d/at", 0) && !unlinkat(dir, "d", AT_REMOVEDIR));
    is(openat(AT_FDCWD, "/data/a/b/file", O_RDONLY) >= 0);
    fails(openat(99, "b", O_RDONLY), EBADF);
    fd = open("/data/a/b/file", O_RDONLY);
    fails(openat(fd, "b", O_RDONLY), ENOTDIR);
    fails(linkat(dir, "b/file", dir, "l", 0), EPERM);
    fails(symlinkat("b", dir, "s"), EPERM);
    fails(mkfifoat(dir, "f", 0600), EPERM);
    is(!close(fd) && !close(dir));
}

static void check_modes(void)
{
    const char *file = "/data/a/b/file";
    struct timeval times[2] = {{0}};
    struct flock lock = {.l_type = F_WRLCK};
    char buf[10];
    int fd = open(file, O_RDWR);

    is(!chmod(file, 0600) && !chown(file, 0, 0) && !utimes(file, times) && !utime(file, NULL));
    is(!fchmod(fd, 0600) && !fchown(fd, 0, 0) && !futimens(fd, NULL) && !close(fd));
    fails(chmod("/data/nosuch", 0600), ENOENT);
    fails(chmod("/dev/random", 0600), EROFS);
    is(umask(077) == 022 && umask(022) == 077);
    fails(readlink(file, buf, sizeof(buf)), EINVAL);
    fails(symlink("x", file), EEXIST);
    fails(symlink("x", "/link"), EROFS);
    fails(mkfifo("/data/fifo", 0600), EPERM);
    fd = open(file, O_RDWR);
    is(!fcntl(fd, F_SETLK, &lock) && !fcntl(fd, F_GETLK, &lock) && lock.l_type == F_UNLCK);
    is(!lockf(fd, F_LOCK, 0) && !close(fd));
    is(pathconf("/", _PC_NAME_MAX) == 255 && fpathconf(0, _PC_PATH_MAX) == PATH_MAX);
    fails(pathconf("/nosuch", _PC_NAME_MAX), ENOENT);
}

static int seen_files, seen_dirs, deepest;

static int see(const char *path, const struct stat *st, int type, struct FTW *at)
{
    seen_files += type == FTW_F && S_ISREG(st->st_mode);
    seen_dirs += type == FTW_DP;
    if (at->level > deepest)
        deepest = at->level;
    return strcmp(path + at->base, "stop") ? 0 : 7;
}

static int not_dots(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void check_directories(void)
{
    struct dirent **list, entry, *next;
    DIR *d;
    char third[256];
    long place;
    int n;

    is(!mkdir("/data/many", 0777));
    put("/data/many/3", "");
    put("/data/many/1", "");
    put("/data/many/2", "");
    n = scandir("/data/many", &list, not_dots, alphasort);
    is(n == 3 && !strcmp(list[0]->d_name, "1") && !strcmp(list[2]->d_name, "3"));
    while (n > 0)
        free(list[--n]);
    free(list);
    d = opendir("/data/many");
    is(d && readdir(d) && readdir(d));
    place = telldir(d);
    is(!readdir_r(d, &entry, &next) && next == &entry);
    strcpy(third, entry.d_name);
    seekdir(d, place);
    is(!strcmp(readdir(d)->d_name, third));
    rewinddir(d);
    is(telldir(d) == 0 && readdir(d) && !closedir(d));
    is(!nftw("/data", see, 4, FTW_DEPTH | FTW_PHYS) && seen_files == 4 && seen_dirs == 4);
    is(deepest == 3);
    put("/data/many/stop", "");
    is(nftw("/data/many/", see, 4, 0) == 7);
    fails(nftw("/data/nosuch", see, 4, 0), ENOENT);
}

void check_paths(void)
{
    check_working_directory();
    check_at();
    check_modes();
    check_directories();
}
