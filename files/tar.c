/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tar.c - indexes a tar archive by its headers: ustar and the pax interchange format (POSIX.1-2017,
 * pax, sections "ustar Interchange Format" and "pax Interchange Format"), and GNU tar's long names
 * and base-256 numbers. Every value is checked against the archive's size before it is used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ftree.h"

#define TAR_BLOCK        512u
#define TAR_EXTENDED_MAX 65536u /* bytes of extended header records that are read */

struct tar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[8], uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a tar header is 512 bytes");

/* An archive that is being read. */
struct tar {
    struct ftree *tree;
    struct bcache_stream stream;
    uint64_t at;      /* byte of the archive where the header at hand is */
    unsigned skipped; /* entries that were left out */
    union {
        struct tar_header header;
        uint64_t words[TAR_BLOCK / 8];
    };

    /* what headers in front of an entry say of that entry */
    bool has_path, has_link, has_size;
    uint64_t size;
    char path[FTREE_PATH_MAX + 1], link[FTREE_PATH_MAX + 1];

    char tidy[FTREE_PATH_MAX + 1]; /* the entry's path */
    char text[FTREE_PATH_MAX + 1]; /* the path or link of the header at hand, with a NUL */
};

/* ---- fields ---------------------------------------------------------------------------------- */

/* The sum of the header's bytes, in four lanes of 16 bits: 2 * 64 bytes cannot overflow one. */
static uint32_t tar_sum_bytes(const uint64_t words[TAR_BLOCK / 8])
{
    const uint64_t even = 0x00ff00ff00ff00ffull;
    uint64_t sum = 0;

    for (unsigned i = 0; i < TAR_BLOCK / 8; i++)
        sum += (words[i] & even) + (words[i] >> 8 & even);
    return (uint32_t)((sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32 & 0xffff) + (sum >> 48));
}

/*
 * The value of a field: octal digits between blanks, or, with the top bit set, GNU's base 256.
 * False: it is neither, negative, or 2^64 and more.
 */
static bool tar_number(const char *field, size_t len, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;

    if ((uint8_t)field[0] & 0x80) {
        v = field[0] & 0x7f;
        if (v & 0x40) /* negative */
            return false;
        for (i = 1; i < len; i++) {
            if (v >> 56)
                return false;
            v = v << 8 | (uint8_t)field[i];
        }
        *out = v;
        return true;
    }
    while (i < len && field[i] == ' ')
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
        v = v << 3 | (uint64_t)(field[i] - '0');
    *out = v;
    return i == len || field[i] == ' ' || field[i] == '\0';
}

/* The length of a text that a NUL ends if it is shorter than its field. */
static size_t tar_field_len(const char *field, size_t max)
{
    const char *end = memchr(field, '\0', max);

    return end ? (size_t)(end - field) : max;
}

/* The sum of the header, with blanks for the checksum field, is what that field says. */
static bool tar_checksum_holds(const struct tar_header *h, const uint64_t *words)
{
    uint64_t want;
    uint32_t sum = tar_sum_bytes(words) + 8u * ' ';

    for (unsigned i = 0; i < sizeof(h->checksum); i++)
        sum -= (uint8_t)h->checksum[i];
    return tar_number(h->checksum, sizeof(h->checksum), &want) && want == sum;
}

static bool tar_is_gnu(const struct tar_header *h)
{
    return !memcmp(h->magic, "ustar  ", 8);
}

bool tar_is_archive(const uint8_t block[512])
{
    union {
        struct tar_header header;
        uint64_t words[TAR_BLOCK / 8];
    } u;

    memcpy(&u, block, sizeof(u));
    return !memcmp(u.header.magic, "ustar", 5) && tar_checksum_holds(&u.header, u.words);
}

/* ---- messages -------------------------------------------------------------------------------- */

/* Logs why the archive ends here. */
static void tar_damaged(const struct tar *a, const char *what)
{
    hal_log(
        HAL_ERROR, a->tree->source.name,
        "archive damaged at byte %llu: %s. Files before that byte can be read; make the archive "
        "again, or check that all of it was copied",
        (unsigned long long)a->at, what);
}

/* Counts an entry that is left out, and logs the first one. The archive goes on behind it. */
static void tar_skip(struct tar *a, const char *why)
{
    if (!a->skipped++)
        hal_log(HAL_WARN, a->tree->source.name, "archive entry at byte %llu left out: %s",
                (unsigned long long)a->at, why);
}

/* ---- extended headers ------------------------------------------------------------------------ */

/*
 * GNU: the data of this entry are the name of the next one. A name that is too long becomes "", so
 * that the next entry is left out, too. 0 or -EIO.
 */
static int tar_read_long_name(struct tar *a, uint64_t size, char *out, bool *has)
{
    int err;

    if (size > FTREE_PATH_MAX + 1) {
        tar_skip(a, "the name is too long");
        out[0] = '\0';
        *has = true;
        return 0;
    }
    err = ftree_read(&a->tree->source, out, (size_t)size, a->at + TAR_BLOCK, &a->stream);
    out[size <= FTREE_PATH_MAX ? size : FTREE_PATH_MAX] = '\0';
    *has = true;
    return err;
}

/* pax: a path for the next entry. One that is too long becomes "", as above. */
static void tar_take_string(struct tar *a, const char *value, size_t len, char *out, bool *has)
{
    if (len > FTREE_PATH_MAX) {
        tar_skip(a, "the name is too long");
        len = 0;
    }
    memcpy(out, value, len);
    out[len] = '\0';
    *has = true;
}

/* len decimal digits, below 2^64. */
static bool tar_decimal(const char *s, size_t len, uint64_t *out)
{
    uint64_t v = 0;

    if (!len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9' || v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(s[i] - '0');
    }
    *out = v;
    return true;
}

/* One record of an extended header. False: the value is impossible. Unknown keywords are ignored.
 */
static bool tar_take_keyword(struct tar *a, const char *key, size_t key_len, const char *value,
                             size_t len)
{
    if (key_len == 4 && !memcmp(key, "path", 4))
        tar_take_string(a, value, len, a->path, &a->has_path);
    else if (key_len == 8 && !memcmp(key, "linkpath", 8))
        tar_take_string(a, value, len, a->link, &a->has_link);
    else if (key_len == 4 && !memcmp(key, "size", 4))
        return a->has_size = tar_decimal(value, len, &a->size);
    return true;
}

/* Reads records of the form "LENGTH KEYWORD=VALUE\n"; LENGTH counts the bytes of the whole record.
 */
static bool tar_parse_records(struct tar *a, const char *p, size_t left)
{
    while (left && *p) {
        const char *blank = memchr(p, ' ', left < 21 ? left : 21), *equals;
        uint64_t len;

        if (!blank || !tar_decimal(p, (size_t)(blank - p), &len) || len > left ||
            len < (uint64_t)(blank - p) + 4 || p[len - 1] != '\n')
            return false;
        blank++;
        equals = memchr(blank, '=', (size_t)len - (size_t)(blank - p));
        if (!equals)
            return false;
        if (!tar_take_keyword(a, blank, (size_t)(equals - blank), equals + 1,
                              (size_t)len - 1 - (size_t)(equals + 1 - p)))
            return false;
        p += len;
        left -= (size_t)len;
    }
    return true;
}

/* 0; -ENOMEM; -EIO; -EINVAL: the archive ends here. */
static int tar_read_extended(struct tar *a, uint64_t size)
{
    char *records;
    int err;

    if (size > TAR_EXTENDED_MAX) {
        tar_skip(a, "the extended header is too long");
        return 0;
    }
    records = malloc((size_t)size + 1);
    if (!records)
        return -ENOMEM;
    err = ftree_read(&a->tree->source, records, (size_t)size, a->at + TAR_BLOCK, &a->stream);
    if (!err && !tar_parse_records(a, records, (size_t)size)) {
        tar_damaged(a, "the extended header is malformed");
        err = -EINVAL;
    }
    free(records);
    return err;
}

/* ---- entries --------------------------------------------------------------------------------- */

static const char *tar_entry_path(struct tar *a)
{
    const struct tar_header *h = &a->header;
    size_t prefix = tar_is_gnu(h) ? 0 : tar_field_len(h->prefix, sizeof(h->prefix));
    size_t name = tar_field_len(h->name, sizeof(h->name));

    if (a->has_path)
        return a->path;
    memcpy(a->text, h->prefix, prefix);
    if (prefix)
        a->text[prefix++] = '/';
    memcpy(a->text + prefix, h->name, name);
    a->text[prefix + name] = '\0';
    return a->text;
}

static const char *tar_entry_link(struct tar *a)
{
    size_t len = tar_field_len(a->header.link, sizeof(a->header.link));

    if (a->has_link)
        return a->link;
    memcpy(a->text, a->header.link, len);
    a->text[len] = '\0';
    return a->text;
}

/* Makes e another name of a file that came before. False: there is no such file. */
static bool tar_hard_link(struct tar *a, struct ftree_entry *e)
{
    char target[FTREE_PATH_MAX + 1];
    int len = ftree_tidy(tar_entry_link(a), target);
    uint32_t to = len < 0 ? FTREE_NONE : ftree_find(a->tree, target, (size_t)len);

    if (to == FTREE_NONE || a->tree->entries[to].type != FTREE_FILE)
        return false;
    e->data = a->tree->entries[to].data;
    e->size = a->tree->entries[to].size;
    return true;
}

/* 0 or -ENOMEM. */
static int tar_symbolic_link(struct tar *a, struct ftree_entry *e)
{
    const char *target = tar_entry_link(a);
    uint32_t text = ftree_keep(a->tree, target, strlen(target));

    e->type = FTREE_LINK;
    e->data = text;
    e->size = strlen(target);
    return text == FTREE_NONE ? -ENOMEM : 0;
}

/* Adds the entry at hand to the tree, or leaves it out. 0 or -ENOMEM. */
static int tar_add_entry(struct tar *a, char type, uint64_t size)
{
    struct ftree_entry e = {.data = a->at + TAR_BLOCK, .type = FTREE_FILE};
    int len = ftree_tidy(tar_entry_path(a), a->tidy), err = 0;
    uint64_t mode;

    if (len < 0 || (!len && type != '5')) {
        tar_skip(a, len == -EINVAL ? "the name leads out of the archive"
                                   : "the name is empty or too long");
        return 0;
    }
    e.mode = tar_number(a->header.mode, sizeof(a->header.mode), &mode) ? mode & 0777 : 0444;
    if (!tar_number(a->header.mtime, sizeof(a->header.mtime), &e.mtime))
        e.mtime = 0;
    if (type == '5') {
        e.type = FTREE_DIR;
    } else if (type == '2') {
        err = tar_symbolic_link(a, &e);
    } else if (type == '1') {
        if (!tar_hard_link(a, &e)) {
            tar_skip(a, "it is a link to a file that is not there");
            return 0;
        }
    } else {
        e.size = size;
    }
    if (!err)
        err = ftree_add(a->tree, a->tidy, (size_t)len, &e);
    if (err == -ENOMEM)
        return err;
    if (err)
        tar_skip(a, "an earlier entry contradicts it");
    return 0;
}

/* The header at hand has `size` bytes of data behind it. 0, -ENOMEM, -EIO, -EINVAL. */
static int tar_take_entry(struct tar *a, uint64_t size)
{
    char type = a->header.type;
    int err = 0;

    switch (type) {
    case 'L':
        return tar_read_long_name(a, size, a->path, &a->has_path);
    case 'K':
        return tar_read_long_name(a, size, a->link, &a->has_link);
    case 'x':
        return tar_read_extended(a, size);
    case 'g':
    case 'V':
        return 0;
    case '\0': /* before POSIX a slash at the end made a directory */
    case '0': {
        const char *path = tar_entry_path(a);
        size_t len = strlen(path);

        err = tar_add_entry(a, len && path[len - 1] == '/' ? '5' : '0', size);
        break;
    }
    case '7':
    case '1':
    case '2':
    case '5':
        err = tar_add_entry(a, type, size);
        break;
    case 'S':
        tar_skip(a, "sparse files are not supported: make the archive without --sparse");
        break;
    default:
        tar_skip(a, "it is not a file, a directory or a link");
    }
    a->has_path = a->has_link = a->has_size = false;
    return err;
}

/* Links, devices and directories have no data behind the header, whatever the size field says. */
static bool tar_has_data(char type)
{
    return type < '1' || type > '6';
}

/* Takes the next entry. 1: there was one; 0: the archive ends in order; or -errno: it ends here. */
static int tar_take_header(struct tar *a)
{
    uint64_t left = a->tree->source.size - a->at, size;
    int err;

    if (left < TAR_BLOCK)
        return 0;
    err = ftree_read(&a->tree->source, &a->header, TAR_BLOCK, a->at, &a->stream);
    if (err)
        return err;
    if (!a->header.name[0] && !tar_sum_bytes(a->words))
        return 0;
    if (memcmp(a->header.magic, "ustar", 5) || !tar_checksum_holds(&a->header, a->words)) {
        tar_damaged(a, "no valid header");
        return -EINVAL;
    }
    if (!tar_number(a->header.size, sizeof(a->header.size), &size)) {
        tar_damaged(a, "no valid size");
        return -EINVAL;
    }
    size = a->has_size && tar_has_data(a->header.type) ? a->size : size;
    size = tar_has_data(a->header.type) ? size : 0;
    if (size > left - TAR_BLOCK) {
        tar_damaged(a, "the file is longer than the rest of the archive");
        return -EINVAL;
    }
    err = tar_take_entry(a, size);
    if (err)
        return err;
    left -= TAR_BLOCK + size;
    a->at += TAR_BLOCK + size;
    size = -size & (TAR_BLOCK - 1);
    a->at += size < left ? size : left;
    return 1;
}

int tar_index(struct ftree *t)
{
    struct tar *a = calloc(1, sizeof(*a));
    int more = a ? 1 : -ENOMEM;

    if (a)
        a->tree = t;
    while (more > 0)
        more = tar_take_header(a);
    if (more == -EIO)
        tar_damaged(a, "the archive cannot be read");
    if (a && a->skipped > 1)
        hal_log(HAL_WARN, t->source.name, "%u archive entries left out", a->skipped);
    free(a);
    return more == -ENOMEM ? more : 0;
}
