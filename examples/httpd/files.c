/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files.c - a bounded cache of open files over open(), fstat() and stat().
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

#define CHAINS   64u
#define IDLE_MAX 64u /* open files kept while no connection uses them */

static struct open_file *chains[CHAINS];
static struct open_file *newest, *oldest; /* of the open files that no connection uses */
static unsigned idle_count;

/* ---- types ---------------------------------------------------------------------------------- */

static const struct {
    const char *suffix, *type;
} types[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"xml", "application/xml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/x-icon"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
    {"otf", "font/otf"},
    {"wasm", "application/wasm"},
    {"pdf", "application/pdf"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"wav", "audio/wav"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
};

static bool same_suffix(const char *s, const char *suffix)
{
    for (; *s && *suffix; s++, suffix++)
        if ((*s >= 'A' && *s <= 'Z' ? *s + 32 : *s) != *suffix)
            return false;
    return *s == *suffix;
}

static const char *type_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(path, '.');

    if (dot && (!slash || dot > slash))
        for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
            if (same_suffix(dot + 1, types[i].suffix))
                return types[i].type;
    return "application/octet-stream";
}

/* ---- what is sent about a file -------------------------------------------------------------- */

/*
 * Size and time of change tell versions of a file apart. A tree without times could hold another
 * file of the same size after the next start, so there the time of this start stands in.
 */
static void make_etag(struct open_file *f, int64_t mtime)
{
    static uint32_t start;
    struct text t = {.p = f->etag, .size = sizeof(f->etag)};

    if (start == 0)
        start = (uint32_t)time(NULL) | 1;
    text_lit(&t, "\"");
    text_hex32(&t, (uint32_t)f->size);
    text_lit(&t, "-");
    text_hex32(&t, mtime ? (uint32_t)mtime : start);
    text_lit(&t, "\"");
    f->etag_len = t.len;
}

static void make_fields(struct open_file *f, int64_t mtime)
{
    struct text t = {.p = f->fields, .size = sizeof(f->fields)};

    make_etag(f, mtime);
    f->has_modified = mtime > 0;
    if (f->has_modified)
        http_date(mtime, f->modified);
    text_lit(&t, "Content-Type: ");
    text_str(&t, type_of(f->path));
    text_lit(&t, "\r\nETag: ");
    text_put(&t, f->etag, f->etag_len);
    if (f->has_modified) {
        text_lit(&t, "\r\nLast-Modified: ");
        text_put(&t, f->modified, HTTP_DATE_LEN);
    }
    text_lit(&t, "\r\nAccept-Ranges: bytes\r\n");
    f->fields_len = t.len;
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

/* Raw disks, and the trees of other disks, are not served. */
static bool is_private(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/mnt/", 5) == 0;
}

/* Opens a file that is not among the kept ones. len: bytes of path, without its NUL. */
static int load(const char *path, size_t len, uint32_t hash, struct open_file **out)
{
    struct stat st;

    if (is_private(path))
        return -404;
    if (stat(path, &st) != 0)
        return status_of_errno(errno);
    if (S_ISDIR(st.st_mode))
        return -301;
    if (!S_ISREG(st.st_mode))
        return -404;
    struct open_file *f = calloc(1, sizeof(*f) + len + 1);
    if (!f)
        return -503;
    f->fd = open_path(path);
    if (f->fd < 0 || fstat(f->fd, &st) != 0 || st.st_size < 0) {
        int e = errno;
        if (f->fd >= 0)
            close(f->fd);
        free(f);
        return status_of_errno(e);
    }
    f->users = 1;
    f->hash = hash;
    f->size = (uint64_t)st.st_size;
    f->path_len = len;
    memcpy(f->path, path, len);
    make_fields(f, (int64_t)st.st_mtime);
    f->next = chains[hash % CHAINS];
    chains[hash % CHAINS] = f;
    *out = f;
    return 0;
}

int files_get(const char *path, size_t len, struct open_file **out)
{
    static const char index[] = "index.html";
    char full[FILES_PATH_MAX + sizeof(index)];

    if (len >= FILES_PATH_MAX)
        return -404;
    memcpy(full, path, len + 1);
    bool folder = path[len - 1] == '/';
    if (folder) {
        memcpy(full + len, index, sizeof(index));
        len += sizeof(index) - 1;
    }
    uint32_t hash = hash_of(full, len);
    for (struct open_file *f = chains[hash % CHAINS]; f; f = f->next)
        if (f->hash == hash && f->path_len == len && memcmp(f->path, full, len) == 0) {
            if (f->users++ == 0)
                idle_remove(f);
            *out = f;
            return 0;
        }
    int rc = load(full, len, hash, out);
    return rc == -301 && folder ? -404 : rc; /* index.html is itself a folder */
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
    struct stat st;
    return stat("/", &st) == 0 && S_ISDIR(st.st_mode);
}
