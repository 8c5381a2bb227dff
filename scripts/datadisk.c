/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * datadisk.c - a program of the host that makes disks with littlefs, and reads and writes their
 * files, with the littlefs of images. scripts/mkdisk calls it.
 *
 *   datadisk make IMAGE BLOCK     an empty file system of the whole image, in blocks of BLOCK bytes
 *   datadisk copy IMAGE FOLDER    copies what is in a folder of the host to the top
 *   datadisk list IMAGE PATH      a line for each file and folder: size or "-", time, path
 *   datadisk read IMAGE PATH      a file to the standard output
 *   datadisk write IMAGE PATH     the standard input to a file; folders above it are made
 *   datadisk delete IMAGE PATH    a file or an empty folder
 *
 * It ends with 1 after a message.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "configure.h"

static int image;
static uint64_t image_size;
static lfs2_t lfs;
static struct lfs2_config config;

static void fail(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

void littlefs_failed(int line)
{
    fail("the file system is damaged (line %d of lfs2.c)", line);
}

/* Ends the program if err is an error. */
static void must(int err, const char *what)
{
    static const struct {
        int err;
        const char *text;
    } texts[] = {{LFS2_ERR_IO, "the image cannot be read or written"},
                 {LFS2_ERR_CORRUPT, "the file system is damaged"},
                 {LFS2_ERR_NOENT, "there is no such file or folder"},
                 {LFS2_ERR_EXIST, "it exists"},
                 {LFS2_ERR_NOTDIR, "a part of the path is a file"},
                 {LFS2_ERR_ISDIR, "it is a folder"},
                 {LFS2_ERR_NOTEMPTY, "the folder is not empty"},
                 {LFS2_ERR_FBIG, "it is larger than 2 GiB - 1"},
                 {LFS2_ERR_NOSPC, "the disk is full"},
                 {LFS2_ERR_NOMEM, "there is no memory"},
                 {LFS2_ERR_NAMETOOLONG, "a name is longer than 255 bytes"}};

    for (unsigned i = 0; err < 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].err == err)
            fail("%s: %s", what, texts[i].text);
    if (err < 0)
        fail("%s: error %d", what, err);
}

/* ---- the image ------------------------------------------------------------------------------- */

static int image_read(const struct lfs2_config *c, lfs2_block_t block, lfs2_off_t off, void *buffer,
                      lfs2_size_t size)
{
    off_t at = (off_t)block * c->block_size + off;

    return pread(image, buffer, size, at) == (ssize_t)size ? 0 : LFS2_ERR_IO;
}

static int image_prog(const struct lfs2_config *c, lfs2_block_t block, lfs2_off_t off,
                      const void *buffer, lfs2_size_t size)
{
    off_t at = (off_t)block * c->block_size + off;

    return pwrite(image, buffer, size, at) == (ssize_t)size ? 0 : LFS2_ERR_IO;
}

static int image_erase(const struct lfs2_config *c, lfs2_block_t block)
{
    (void)c, (void)block;
    return 0;
}

static int image_sync(const struct lfs2_config *c)
{
    (void)c;
    return 0;
}

/* QEMU holds locks of a part of an image that it uses. */
static void open_image(const char *name)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat st;

    image = open(name, O_RDWR | O_CLOEXEC);
    if (image < 0 || fstat(image, &st))
        fail("%s: %s", name, strerror(errno));
    if (fcntl(image, F_OFD_SETLK, &whole))
        fail("%s is in use: end the machine first", name);
    image_size = (uint64_t)st.st_size;
}

static void use_blocks(uint32_t size)
{
    uint64_t blocks = image_size / size;

    config = (struct lfs2_config){
        .read = image_read, .prog = image_prog, .erase = image_erase, .sync = image_sync};
    littlefs_configure(&config, size, blocks < UINT32_MAX ? (uint32_t)blocks : UINT32_MAX);
}

static void mount_image(const char *name)
{
    uint32_t at = 0, size = 0;
    uint8_t copy[32];

    for (; !size && at <= LITTLEFS_BLOCK_MAX; at = at ? 2 * at : LITTLEFS_BLOCK_MIN)
        if (pread(image, copy, sizeof(copy), at) == sizeof(copy))
            size = littlefs_size_in(copy, at);
    if (!size)
        fail("%s holds no littlefs: mkdisk --data SIZE makes one", name);
    use_blocks(size);
    must(lfs2_mount(&lfs, &config), name);
    if ((uint64_t)lfs.block_count * size > image_size)
        fail("%s was cut off: its file system has %" PRIu64 " bytes", name,
             (uint64_t)lfs.block_count * size);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void make_folders(const char *path)
{
    char above[PATH_MAX];

    for (const char *p = strchr(path + (*path == '/'), '/'); p; p = strchr(p + 1, '/')) {
        int err;

        snprintf(above, sizeof(above), "%.*s", (int)(p - path), path);
        err = lfs2_mkdir(&lfs, above);
        if (err != LFS2_ERR_EXIST)
            must(err, above);
    }
}

/* Writes a file of the image; `ns` is its time. */
static void write_file(int from, const char *path, uint64_t ns)
{
    static uint8_t buffer[1 << 16];
    struct lfs2_attr time = {LITTLEFS_TIME, &ns, sizeof(ns)};
    struct lfs2_file_config with = {.attrs = &time, .attr_count = 1};
    lfs2_file_t file;
    ssize_t n;

    must(lfs2_file_opencfg(&lfs, &file, path, LFS2_O_WRONLY | LFS2_O_CREAT | LFS2_O_TRUNC, &with),
         path);
    while ((n = read(from, buffer, sizeof(buffer))) > 0)
        must(lfs2_file_write(&lfs, &file, buffer, (lfs2_size_t)n), path);
    if (n < 0)
        fail("%s: %s", path, strerror(errno));
    must(lfs2_file_close(&lfs, &file), path);
}

static uint64_t in_ns(struct timespec t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void copy_folder(const char *folder, const char *to)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    char from[PATH_MAX], path[PATH_MAX];
    struct stat st;

    if (count < 0)
        fail("%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        int fd;

        if (!strcmp(name, ".") || !strcmp(name, ".."))
            continue;
        if (snprintf(from, sizeof(from), "%s/%s", folder, name) >= (int)sizeof(from) ||
            snprintf(path, sizeof(path), "%s/%s", to, name) >= (int)sizeof(path))
            fail("%s/%s: the path is too long", folder, name);
        fd = open(from, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st))
            fail("%s: %s", from, strerror(errno));
        if (S_ISDIR(st.st_mode)) {
            must(lfs2_mkdir(&lfs, path), path);
            copy_folder(from, path);
        } else {
            write_file(fd, path, in_ns(st.st_mtim));
        }
        close(fd);
    }
}

static void read_file(const char *path)
{
    static uint8_t buffer[1 << 16];
    lfs2_file_t file;
    lfs2_ssize_t n;

    must(lfs2_file_opencfg(&lfs, &file, path, LFS2_O_RDONLY, &(struct lfs2_file_config){0}), path);
    while ((n = lfs2_file_read(&lfs, &file, buffer, sizeof(buffer))) > 0)
        if (fwrite(buffer, 1, (size_t)n, stdout) != (size_t)n)
            fail("the standard output: %s", strerror(errno));
    must(n, path);
    lfs2_file_close(&lfs, &file);
}

static void list_entry(const char *path, const struct lfs2_info *info)
{
    uint64_t ns = 0;
    char text[32] = "-";
    time_t seconds;

    lfs2_getattr(&lfs, path, LITTLEFS_TIME, &ns, sizeof(ns));
    seconds = (time_t)(ns / 1000000000u);
    if (ns)
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&seconds));
    if (info->type == LFS2_TYPE_DIR)
        printf("%12s %-20s %s/\n", "-", "-", path);
    else
        printf("%12u %-20s %s\n", (unsigned)info->size, text, path);
}

static void list(const char *path)
{
    struct lfs2_info info;
    char below[PATH_MAX];
    lfs2_dir_t dir;
    int r;

    must(lfs2_stat(&lfs, path, &info), path);
    if (info.type != LFS2_TYPE_DIR) {
        list_entry(path, &info);
        return;
    }
    must(lfs2_dir_open(&lfs, &dir, path), path);
    while ((r = lfs2_dir_read(&lfs, &dir, &info)) > 0) {
        if (!strcmp(info.name, ".") || !strcmp(info.name, ".."))
            continue;
        snprintf(below, sizeof(below), "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/",
                 info.name);
        list_entry(below, &info);
        if (info.type == LFS2_TYPE_DIR)
            list(below);
    }
    must(r, path);
    lfs2_dir_close(&lfs, &dir);
}

int main(int argc, char **argv)
{
    const char *what = argc == 4 ? argv[1] : "", *arg = argv[argc - 1];
    struct timespec now;

    if (argc != 4)
        fail("datadisk: give make, copy, list, read, write or delete, an image and an argument");
    open_image(argv[2]);
    if (!strcmp(what, "make")) {
        use_blocks((uint32_t)strtoul(arg, NULL, 10));
        config.block_count = (uint32_t)(image_size / config.block_size);
        must(lfs2_format(&lfs, &config), argv[2]);
        return 0;
    }
    mount_image(argv[2]);
    if (!strcmp(what, "copy")) {
        copy_folder(arg, "");
    } else if (!strcmp(what, "list")) {
        list(arg);
    } else if (!strcmp(what, "read")) {
        read_file(arg);
    } else if (!strcmp(what, "write")) {
        clock_gettime(CLOCK_REALTIME, &now);
        make_folders(arg);
        write_file(0, arg, in_ns(now));
    } else if (!strcmp(what, "delete")) {
        must(lfs2_remove(&lfs, arg), arg);
    } else {
        fail("datadisk: there is no %s", what);
    }
    if (fflush(stdout) || fsync(image))
        fail("%s", strerror(errno));
    return 0;
}
