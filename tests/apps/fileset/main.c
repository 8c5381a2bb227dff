/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fileset - files that a program writes, at /data (docs/files.md). By itself it calls what POSIX
 * has for them, and says what holds. vireo.fileset.mode=rounds writes rounds that a power cut may
 * tear (rounds.h): it checks those that are there, of which vireo.fileset.acknowledged=N must be,
 * and writes vireo.fileset.rounds=N more.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../checks.h"
#include "rounds.h"
#include "vireo.h"

/* ---- POSIX's calls --------------------------------------------------------------------------- */

static bool fails(int result, int error)
{
    return result == -1 && errno == error;
}

static bool holds(const char *path, const char *text)
{
    char have[100] = "";
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(have, 1, sizeof(have) - 1, f) : 0;

    if (f)
        fclose(f);
    return f && n == strlen(text) && !strcmp(have, text);
}

static bool make(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    return f && fputs(text, f) >= 0 && fflush(f) == 0 && fsync(fileno(f)) == 0 && fclose(f) == 0;
}

static void check_files(void)
{
    struct stat st;
    int fd, dir;

    check(make("/data/a", "one"), "a file is made");
    check(holds("/data/a", "one"), "it can be read");
    check(fails(open("/data/a", O_CREAT | O_EXCL | O_RDWR, 0666), EEXIST), "O_EXCL");
    check(make("/data/b", "two") && rename("/data/b", "/data/a") == 0, "rename over a file");
    check(holds("/data/a", "two") && fails(access("/data/b", F_OK), ENOENT), "the name has moved");
    fd = open("/data/a", O_WRONLY | O_APPEND);
    check(write(fd, " and", 4) == 4 && write(fd, " more", 5) == 5, "O_APPEND");
    check(ftruncate(fd, 7) == 0 && fstat(fd, &st) == 0 && st.st_size == 7, "ftruncate");
    check(time(NULL) - st.st_mtime < 100, "the time of a change");
    check(fdatasync(fd) == 0 && close(fd) == 0 && holds("/data/a", "two and"), "fdatasync");
    check(truncate("/data/a", 3) == 0 && holds("/data/a", "two"), "truncate");
    dir = open("/data", O_RDONLY | O_DIRECTORY);
    check(dir >= 0 && fsync(dir) == 0 && close(dir) == 0, "fsync of a folder");
    check(fails(link("/data/a", "/data/l"), EPERM), "link");
    check(fails(rename("/data/a", "/elsewhere"), EXDEV), "rename to elsewhere");
    check(remove("/data/a") == 0 && fails(unlink("/data/a"), ENOENT), "remove");
}

static void check_folders(void)
{
    struct statvfs fs;
    struct dirent *e;
    unsigned seen = 0;
    DIR *d;

    check(mkdir("/data/d", 0777) == 0 && fails(mkdir("/data/d", 0777), EEXIST), "mkdir");
    check(make("/data/d/x", "x") && make("/data/d/y", "y"), "files in a folder");
    d = opendir("/data/d");
    while (d && (e = readdir(d)) != NULL)
        seen += e->d_type == DT_REG && (*e->d_name == 'x' || *e->d_name == 'y');
    check(seen == 2 && d && closedir(d) == 0, "readdir");
    check(fails(rmdir("/data/d"), ENOTEMPTY), "rmdir of a folder with files");
    check(rename("/data/d", "/data/e") == 0 && holds("/data/e/y", "y"), "a folder is renamed");
    check(unlink("/data/e/x") == 0 && unlink("/data/e/y") == 0 && remove("/data/e") == 0, "rmdir");
    check(statvfs("/data", &fs) == 0 && fs.f_bfree > 0 && fs.f_bfree < fs.f_blocks, "statvfs");
    check(fails(mkdir("/other", 0777), EROFS), "a folder elsewhere");
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static const char *below(const char *name)
{
    static char paths[2][64];
    static unsigned next;
    char *path = paths[next++ % 2];

    snprintf(path, sizeof(paths[0]), "/data/%s", name);
    return path;
}

static long read_all(void *ctx, const char *name, char *buf, size_t len)
{
    int fd = open(below(name), O_RDONLY);
    long n = fd < 0 ? -1 : (long)read(fd, buf, len);

    (void)ctx;
    if (fd >= 0)
        close(fd);
    return n;
}

static bool write_all(const char *name, const char *data, size_t len)
{
    int fd = open(below(name), O_CREAT | O_TRUNC | O_WRONLY, 0666);
    bool good = fd >= 0 && write(fd, data, len) == (ssize_t)len && fsync(fd) == 0;

    return fd >= 0 && close(fd) == 0 && good;
}

static bool append(unsigned round)
{
    unsigned first = round / ROUND_LOG * ROUND_LOG;
    off_t at = (off_t)(round - first - !first) * ROUND_ENTRY;
    char entry[ROUND_ENTRY];
    struct stat st;
    int fd;

    if (round % ROUND_LOG == 0 && stat(below("log"), &st) == 0 && st.st_size > ROUND_ENTRY &&
        rename(below("log"), below("log.old")) != 0)
        return false;
    fd = open(below("log"), O_CREAT | O_APPEND | O_WRONLY, 0666);
    round_entry(round, entry);
    return fd >= 0 && ftruncate(fd, at) == 0 && write(fd, entry, ROUND_ENTRY) == ROUND_ENTRY &&
           fsync(fd) == 0 && close(fd) == 0;
}

static bool do_round(unsigned round)
{
    static char data[9000];
    size_t len;

    if (!append(round))
        return false;
    len = round_file(round, data);
    if (!write_all(round_name(round), data, len))
        return false;
    if (round > ROUND_FILES && unlink(below(round_name(round - ROUND_FILES))) != 0 &&
        errno != ENOENT)
        return false;
    len = round_state(round, data);
    return write_all("new", data, len) && rename(below("new"), below("state")) == 0;
}

static int do_rounds(unsigned acknowledged, unsigned more)
{
    long round = rounds_check(read_all, NULL, acknowledged);

    if (round < 0)
        return 1;
    printf("fileset: all good, %ld rounds\n", round);
    for (; more; more--) {
        if (!do_round((unsigned)++round)) {
            printf("fileset: round %ld failed: %s\n", round, strerror(errno));
            return 1;
        }
        printf("fileset: acknowledged %ld\n", round);
    }
    return rounds_check(read_all, NULL, (unsigned)round) < 0;
}

int main(void)
{
    const char *mode = hal_option("fileset", "mode");
    unsigned more = (unsigned)hal_option_u64("fileset", "rounds", 100, 0, INT32_MAX);
    unsigned acknowledged = (unsigned)hal_option_u64("fileset", "acknowledged", 0, 0, INT32_MAX);

    if (mode && !strcmp(mode, "rounds"))
        return do_rounds(acknowledged, more);
    check_files();
    check_folders();
    return checks_end();
}
