/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files - reads a whole tree through opendir, stat and read, and prints for each file its size and
 * CRC-32; root= says where it begins. Then what must fail does.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../checks.h"
#include "vireo.h"

static uint32_t crc_of(uint32_t crc, const unsigned char *p, size_t n)
{
    crc = ~crc;
    while (n--) {
        crc ^= *p++;
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

static void show_file(const char *path, const struct stat *st)
{
    static unsigned char buf[32768];
    int fd = open(path, O_RDONLY);
    uint32_t crc = 0;
    off_t total = 0;
    ssize_t n;

    if (!check(fd >= 0, "open %s", path))
        return;
    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        crc = crc_of(crc, buf, (size_t)n);
        total += n;
    }
    check(n == 0 && total == st->st_size, "read %s to its end", path);
    if (total > 1) {
        unsigned char last = buf[(total - 1) % (off_t)sizeof(buf)], again = 0;

        check(lseek(fd, -1, SEEK_END) == total - 1 && read(fd, &again, 1) == 1, "seek to its end");
        check(again == last || total > (off_t)sizeof(buf), "the same last byte");
        check(pread(fd, &again, 1, total) == 0, "nothing beyond it");
    }
    close(fd);
    printf("file: %s %ld %08lx\n", path, (long)total, (unsigned long)crc);
}

static void walk(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;

    if (!check(d != NULL, "opendir %s", path))
        return;
    printf("folder: %s\n", path);
    while ((e = readdir(d)) != NULL) {
        char below[512];
        struct stat st;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof(below), "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/",
                 e->d_name);
        if (!check(stat(below, &st) == 0, "stat %s", below))
            continue;
        if (S_ISDIR(st.st_mode))
            walk(below);
        else
            show_file(below, &st);
    }
    closedir(d);
}

static void with_stdio(const char *path)
{
    char line[64] = "";
    FILE *f = fopen(path, "r");

    if (f) {
        check(fgets(line, sizeof(line), f) != NULL, "fgets");
        fclose(f);
        printf("first line: %s", line);
    }
}

int main(void)
{
    const char *root = hal_bootarg("root"), *first = hal_bootarg("first");
    struct stat st;

    root = root ? root : "/";
    walk(root);
    if (first)
        with_stdio(first);
    check(open("/no/such/file", O_RDONLY) == -1 && errno == ENOENT, "ENOENT");
    check(stat("/no/such/file", &st) == -1 && errno == ENOENT, "ENOENT of stat");
    check(open("/new-file", O_WRONLY | O_CREAT, 0644) == -1, "a file cannot be made");
    check(opendir("/no/such") == NULL && errno == ENOENT, "ENOENT of opendir");
    return checks_end();
}
