/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files.c - a bounded cache of open files over open(), fstat() and stat().
 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "rules.h"
#include "text.h"
#include "types.h"

#define CHAINS      64u
#define IDLE_MAX    64u   /* open files kept while no connection uses them */
#define CONTENT_MAX 2048u /* bytes of a file whose content is kept */
#define GZIP_SUFFIX ".gz"

static struct open_file *chains[CHAINS];
static struct open_file *newest, *oldest; /* of the open files that no connection uses */
static unsigned idle_count;

/* ---- what is sent about a file -------------------------------------------------------------- */

#define TAG_BYTES SCRATCH_SIZE /* of the content, looked at for the tag */

/* 64 bits that depend on all bytes of a buffer; no secret. */
static uint64_t mix(uint64_t h, const char *p, size_t len)
{
    const uint64_t factor = 0x9e3779b97f4a7c15u;
    uint64_t v, rest;

    for (; len >= 8; len -= 8, p += 8) {
        memcpy(&v, p, 8);
        h = (h ^ v) * factor;
        h ^= h >> 29;
    }
    v = rest = len;
    memcpy(&v, p, len);
    h = (h ^ v ^ rest << 60) * factor;
    return h ^ h >> 32;
}

/*
 * Size, time of change and the first bytes of the content tell versions of a file apart: archives
 * with one time for all files are common. In an archive without times another version may be as
 * long and differ behind those bytes, so there the time of this start counts too.
 */
static void make_etag(struct open_file *f)
{
    static uint64_t start;
    struct text t = {.p = f->etag, .size = sizeof(f->etag)};
    uint64_t about[4] = {f->size, (uint64_t)f->modified, f->gzip, 0};
    size_t len = f->size < TAG_BYTES ? (size_t)f->size : TAG_BYTES;

    if (start == 0)
        start = (uint64_t)time(NULL) | 1;
    if (f->modified == 0 && f->size > TAG_BYTES)
        about[3] = start;
    ssize_t got = pread(f->fd, scratch, len, 0);
    if (f->size <= CONTENT_MAX && got == (ssize_t)f->size && (f->content = malloc(len + 1)))
        memcpy(f->content, scratch, len);
    uint64_t h =
        mix(mix(1, (const char *)about, sizeof(about)), scratch, got > 0 ? (size_t)got : 0);
    text_lit(&t, "\"");
    text_hex32(&t, (uint32_t)f->size);
    text_lit(&t, "-");
    text_hex32(&t, (uint32_t)(h >> 32));
    text_hex32(&t, (uint32_t)h);
    text_lit(&t, "\"");
    f->etag_len = t.len;
}

static void make_fields(struct open_file *f)
{
    struct text t = {.p = f->fields, .size = sizeof(f->fields)};
    char date[HTTP_DATE_LEN];

    make_etag(f);
    f->type = type_of(f->path);
    text_lit(&t, "Content-Type: ");
    text_str(&t, f->type);
    if (f->gzip)
        text_lit(&t, "\r\nContent-Encoding: gzip");
    text_lit(&t, "\r\n");
    f->rest = t.len;
    text_lit(&t, "ETag: ");
    text_put(&t, f->etag, f->etag_len);
    if (f->modified) {
        text_lit(&t, "\r\nLast-Modified: ");
        http_date(f->modified, date);
        text_put(&t, date, HTTP_DATE_LEN);
    }
    text_lit(&t, "\r\nCache-Control: ");
    text_str(&t, cache_rule(f->path));
    if (f->gzip || f->has_gzip)
        text_lit(&t, "\r\nVary: Accept-Encoding");
    text_lit(&t, "\r\nAccept-Ranges: bytes\r\n");
    f->fields_len = t.len;
    text_lit(&t, "Content-Length: ");
    text_u64(&t, f->size);
    text_lit(&t, "\r\n");
    f->whole_len = t.len;
}

/* ---- the cache ------------------------------------------------------------------------------ */

static uint32_t hash_of(const char *s, size_t len)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)s[i]) * 16777619u;
    return h;
}

static void idle_remove(struct open_file *f)
{
    *(f->newer ? &f->newer->older : &newest) = f->older;
    *(f->older ? &f->older->newer : &oldest) = f->newer;
    idle_count--;
}

static void idle_add(struct open_file *f)
{
    f->newer = NULL;
    f->older = newest;
    *(newest ? &newest->newer : &oldest) = f;
    newest = f;
    idle_count++;
}

static void forget_oldest(void)
{
    struct open_file *f = oldest;
    struct open_file **p = &chains[f->hash % CHAINS];

    idle_remove(f);
    while (*p != f)
        p = &(*p)->next;
    *p = f->next;
    close(f->fd);
    free(f->content);
    free(f);
}

/* Opens a file; if descriptors or memory ran out, closes unused files and tries again. */
static int open_path(const char *path)
{
    int fd = open(path, O_RDONLY);

    while (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM) && oldest) {
        forget_oldest();
        fd = open(path, O_RDONLY);
    }
    return fd;
}

static int status_of_errno(int e)
{
    switch (e) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EACCES:
    case ENAMETOOLONG:
    case EINVAL:
    case ENODEV:
        return -404;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return -503;
    default:
        return -500;
    }
}

static bool below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == 0 || path[n] == '/');
}

/* Raw disks, the trees of other disks, and the rules are not served. */
static bool is_private(const char *path)
{
    return below(path, "/dev") || below(path, "/mnt") || strcmp(path, RULES_PATH) == 0;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Has the file at f->path a compressed form beside it? `name`: a buffer for that name. */
static bool has_compressed(const struct open_file *f, char *name)
{
    struct stat st;

    memcpy(name, f->path, f->path_len);
    memcpy(name + f->path_len, GZIP_SUFFIX, sizeof(GZIP_SUFFIX));
    return stat(name, &st) == 0 && S_ISREG(st.st_mode);
}

/* Enters a file that was opened into the table. */
static void enter(struct open_file *f, uint32_t hash, const struct stat *st)
{
    f->users = 1;
    f->hash = hash;
    f->size = (uint64_t)st->st_size;
    f->modified = st->st_mtime > 0 ? (int64_t)st->st_mtime : 0;
    make_fields(f);
    f->next = chains[hash % CHAINS];
    chains[hash % CHAINS] = f;
}

/*
 * Opens a file that is not among the kept ones. name: its path, with room for the suffix behind it;
 * changed. len: bytes of it, without its NUL.
 */
static int load(char *name, size_t len, bool gzip, uint32_t hash, struct open_file **out)
{
    struct stat st;

    struct open_file *f = calloc(1, sizeof(*f) + len + 1);
    if (!f)
        return -503;
    memcpy(f->path, name, len);
    f->path_len = len;
    f->gzip = gzip;
    if (gzip)
        memcpy(name + len, GZIP_SUFFIX, sizeof(GZIP_SUFFIX));
    f->fd = open_path(name);
    if (f->fd < 0 || fstat(f->fd, &st) != 0 || st.st_size < 0) {
        int e = errno;
        if (f->fd >= 0)
            close(f->fd);
        free(f);
        return status_of_errno(e);
    }
    f->has_gzip = !gzip && has_compressed(f, name);
    enter(f, hash, &st);
    *out = f;
    return 0;
}

/* Is there a file to open? 0, -301, or an error. */
static int check(const char *path)
{
    struct stat st;

    if (is_private(path))
        return -404;
    if (stat(path, &st) != 0)
        return status_of_errno(errno);
    return S_ISDIR(st.st_mode) ? -301 : S_ISREG(st.st_mode) ? 0 : -404;
}

/* One form of a file: a kept one, or a new one. */
static int get_form(char *name, size_t len, bool gzip, struct open_file **out)
{
    uint32_t hash = hash_of(name, len) + gzip;

    for (struct open_file *f = chains[hash % CHAINS]; f; f = f->next)
        if (f->hash == hash && f->path_len == len && f->gzip == gzip &&
            memcmp(f->path, name, len) == 0) {
            if (f->users++ == 0)
                idle_remove(f);
            *out = f;
            return 0;
        }
    int rc = gzip ? 0 : check(name);
    return rc ? rc : load(name, len, gzip, hash, out);
}

int files_get(const char *path, size_t len, struct open_file **out)
{
    static const char index[] = "index.html";
    char name[FILES_PATH_MAX + sizeof(index) + sizeof(GZIP_SUFFIX)];
    bool folder = path[len - 1] == '/';

    if (len >= FILES_PATH_MAX)
        return -404;
    memcpy(name, path, len + 1);
    if (folder)
        memcpy(name + len, index, sizeof(index));
    int rc = get_form(name, folder ? len + sizeof(index) - 1 : len, false, out);
    if (folder && (rc == -404 || rc == -301)) { /* no index.html, or a folder of that name */
        name[len > 1 ? len - 1 : len] = 0;
        return !is_private(name) && is_folder(name) && (len > 1 || files_present()) ? FILES_FOLDER
                                                                                    : -404;
    }
    return rc;
}

void files_compressed(struct open_file **f)
{
    char name[FILES_PATH_MAX + sizeof(GZIP_SUFFIX)];
    struct open_file *plain = *f;

    if (plain->path_len >= FILES_PATH_MAX)
        return;
    memcpy(name, plain->path, plain->path_len + 1);
    if (get_form(name, plain->path_len, true, f) == 0)
        files_put(plain);
}

void files_put(struct open_file *f)
{
    if (--f->users)
        return;
    idle_add(f);
    if (idle_count > IDLE_MAX)
        forget_oldest();
}

bool files_present(void)
{
    DIR *d = opendir("/"); /* stat() knows "/" also where no tree is */

    if (d)
        closedir(d);
    return d != NULL;
}
