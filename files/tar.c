/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tar.c - indexes a tar archive by its headers: ustar and the pax interchange format (POSIX.1-2017,
 * pax, sections "ustar Interchange Format" and "pax Interchange Format"), and GNU tar's long names
 * and base-256 numbers. Every value is checked against the archive's size before it is used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tar.h"

#define TAR_SHOWN   100u /* bytes of a name that the log shows */
#define TAR_NOWHERE UINT64_MAX

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

/* Archives of before POSIX, and the label of a volume, have no magic. */
static bool tar_is_header(const struct tar_header *h, const uint64_t *words)
{
    static const char none[sizeof(h->magic)];

    return (!memcmp(h->magic, "ustar", 5) || !memcmp(h->magic, none, sizeof(none))) &&
           tar_checksum_holds(h, words);
}

bool tar_is_archive(const uint8_t block[512])
{
    union {
        struct tar_header header;
        uint64_t words[TAR_BLOCK / 8];
    } u;

    memcpy(&u, block, sizeof(u));
    return tar_is_header(&u.header, u.words);
}

/* ---- messages -------------------------------------------------------------------------------- */

void tar_damaged(const struct tar *a, const char *what)
{
    hal_log(
        HAL_ERROR, a->tree->source.name,
        "archive damaged at byte %llu: %s. Files before that byte can be read; make the archive "
        "again, or check that all of it was copied",
        (unsigned long long)a->at, what);
}

static const char *tar_entry_path(struct tar *a)
{
    const struct tar_header *h = &a->header;
    bool has_prefix = !memcmp(h->magic, "ustar", 5) && !tar_is_gnu(h);
    size_t prefix = has_prefix ? tar_field_len(h->prefix, sizeof(h->prefix)) : 0;
    size_t name = tar_field_len(h->name, sizeof(h->name));

    if (a->said.path)
        return a->path;
    memcpy(a->text, h->prefix, prefix);
    if (prefix)
        a->text[prefix++] = '/';
    memcpy(a->text + prefix, h->name, name);
    a->text[prefix + name] = '\0';
    return a->text;
}

/* Was the name logged before? A digest (FNV-1a) stands for it. */
static bool tar_was_named(const struct tar *a, const char *name, uint32_t *digest)
{
    *digest = 2166136261u;
    while (*name)
        *digest = (*digest ^ (uint8_t)*name++) * 16777619u;
    for (unsigned i = 0; i < a->skipped && i < TAR_NAMED; i++)
        if (a->named[i] == *digest)
            return true;
    return false;
}

/*
 * The entry at hand is left out: the log says its name, once, for the first TAR_NAMED of an
 * archive. The archive goes on behind it.
 */
static void tar_skip(struct tar *a, const char *why)
{
    const char *name = tar_entry_path(a);
    size_t len = strnlen(name, TAR_SHOWN);
    char shown[TAR_SHOWN];
    uint32_t digest;

    if (tar_was_named(a, name, &digest))
        return;
    if (a->skipped++ >= TAR_NAMED)
        return;
    a->named[a->skipped - 1] = digest;
    for (size_t i = 0; i < len; i++)
        shown[i] = (char)((uint8_t)name[i] < ' ' || name[i] == 0x7f ? '?' : name[i]);
    hal_log(HAL_WARN, a->tree->source.name, "%.*s%s is left out: %s (byte %llu of the archive)",
            (int)len, shown, name[len] ? "..." : "", why, (unsigned long long)a->at);
}

/* ---- entries --------------------------------------------------------------------------------- */

static const char *tar_entry_link(struct tar *a)
{
    size_t len = tar_field_len(a->header.link, sizeof(a->header.link));

    if (a->said.link)
        return a->link;
    memcpy(a->text, a->header.link, len);
    a->text[len] = '\0';
    return a->text;
}

/* The time of the entry: an extended header's, else the header's; 1970 if that is none. */
static struct tar_time tar_entry_time(const struct tar *a)
{
    struct tar_time when = {0};

    if (a->said.time)
        return a->said.when;
    if (a->has_default_time && !a->said.header_time)
        return a->default_time;
    tar_signed_number(a->header.mtime, sizeof(a->header.mtime), &when.seconds);
    return when;
}

static const char tar_try_later[] = "";

/* Makes e another name of a file or link. NULL, or why that cannot be. */
static const char *tar_hard_link(struct tar *a, struct ftree_entry *e)
{
    const struct ftree_entry *to;
    uint32_t found;

    if (ftree_resolve_link(a->tree, tar_entry_link(a), &found)) {
        if (a->again || a->later_count == TAR_LATER)
            return "it is a link to a file that is not there";
        a->later[a->later_count++] = a->said_at;
        return tar_try_later;
    }
    to = &a->tree->entries[found];
    if (to->type == FTREE_DIR)
        return "it is a hard link to a directory";
    e->type = to->type;
    e->data = to->data;
    e->size = to->size;
    e->map = to->map;
    return NULL;
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

/* Why ftree_add() refused an entry. */
static const char *tar_why_not(int err)
{
    switch (err) {
    case -ENOTDIR:
        return "an earlier entry above it is a file";
    case -EEXIST:
        return "an earlier entry is a directory of that name with files in it";
    case -ENAMETOOLONG:
        return "its name is too long";
    default:
        return "a link above it leads nowhere";
    }
}

/* Fills in what is special for the type. NULL; or why the entry cannot be served. *err: -ENOMEM,
 * -EIO. */
static const char *tar_fill_in(struct tar *a, char type, uint64_t size, struct ftree_entry *e,
                               int *err)
{
    switch (type) {
    case '5':
        e->type = FTREE_DIR;
        return NULL;
    case '2':
        *err = tar_symbolic_link(a, e);
        return NULL;
    case '1':
        return tar_hard_link(a, e);
    default:
        e->size = size;
        if (a->said.sparse)
            *err = tar_sparse_finish(a, e->data, size, e);
        return a->said.refused;
    }
}

/* Adds the entry at hand, whose data begin at byte `data`, or leaves it out. 0, -ENOMEM, -EIO. */
static int tar_add_entry(struct tar *a, char type, uint64_t data, uint64_t size)
{
    struct tar_time when = tar_entry_time(a);
    struct ftree_entry e = {.data = data,
                            .type = FTREE_FILE,
                            .map = FTREE_NONE,
                            .mtime = when.seconds,
                            .mtime_ns = when.ns};
    int len = ftree_tidy(tar_entry_path(a), a->tidy), err = 0;
    const char *why = a->said.refused;
    uint64_t mode;

    if (!why && (len < 0 || (!len && type != '5')))
        why = len == -EINVAL ? "its name leads out of the archive"
              : len          ? "its name is too long"
                             : "it has no name";
    e.mode = tar_number(a->header.mode, sizeof(a->header.mode), &mode) ? mode & 0777 : 0444;
    if (!why)
        why = tar_fill_in(a, type, size, &e, &err);
    if (a->again && ftree_find(a->tree, a->tidy, (size_t)len) != FTREE_NONE)
        return 0; /* an entry behind the hard link has its name */
    if (!why && !err)
        err = ftree_add(a->tree, a->tidy, &e);
    if (err == -ENOMEM || err == -EIO)
        return err;
    if ((why || err) && why != tar_try_later)
        tar_skip(a, why ? why : tar_why_not(err));
    return 0;
}

/* What follows describes another entry. */
static void tar_forget(struct tar *a)
{
    free(a->said.map);
    a->said = (struct tar_said){0};
    a->said_at = TAR_NOWHERE;
}

/*
 * The header at hand is of a file, directory or link, or of what there are no files for. *blocks:
 * how many blocks are between the header and the data. 0, -ENOMEM, -EIO.
 */
static int tar_take_file(struct tar *a, uint64_t size, unsigned *blocks)
{
    char type = a->header.type;
    const char *path = tar_entry_path(a);
    size_t len = strlen(path);
    int err = 0;

    switch (type) {
    case '\0': /* before POSIX a slash at the end made a directory */
    case '0':
        type = len && path[len - 1] == '/' ? '5' : '0';
        break;
    case 'D': /* GNU, incremental: the data are names */
        type = '5';
        break;
    case 'S':
        if (!tar_is_gnu(&a->header))
            a->said.refused = "it is a sparse file of a format that is not known";
        else
            err = tar_sparse_read_header(a, blocks);
        break;
    case '3':
    case '4':
    case '6':
        a->said.refused = "it is a device or a pipe";
        break;
    case 'M':
        a->said.refused = "its first part is in another archive";
        break;
    case '1':
    case '2':
    case '5':
    case '7':
        break;
    default:
        a->said.refused = "it is not a file, a directory or a link";
    }
    if (!err)
        err = tar_add_entry(a, type, a->at + TAR_BLOCK * (uint64_t)(1 + *blocks), size);
    return err;
}

/* The header at hand has `size` bytes of data behind it. 0, -ENOMEM, -EIO, -EINVAL. */
static int tar_take_entry(struct tar *a, uint64_t size, unsigned *blocks)
{
    int err;

    switch (a->header.type) {
    case 'L':
    case 'K':
        return tar_read_long_name(a, size, a->header.type == 'K');
    case 'x':
    case 'X': /* Solaris */
        return tar_read_extended(a, size, false);
    case 'g':
        return tar_read_extended(a, size, true);
    case 'V': /* the label of the archive */
        return 0;
    default:
        err = tar_take_file(a, size, blocks);
        tar_forget(a);
        return err;
    }
}

/* Links, devices and directories have no data behind the header, whatever the size field says. */
static bool tar_has_data(char type)
{
    return type < '1' || type > '6';
}

/* Is it a header that describes the next entry? */
static bool tar_is_about_next(char type)
{
    return type == 'x' || type == 'X' || type == 'g' || type == 'L' || type == 'K';
}

/* The bytes of data behind the header at hand. False: the field is no number. */
static bool tar_data_size(const struct tar *a, uint64_t *size)
{
    char type = a->header.type;

    if (!tar_number(a->header.size, sizeof(a->header.size), size))
        return false;
    if (a->said.size && !tar_is_about_next(type))
        *size = a->said.file_size;
    if (!tar_has_data(type))
        *size = 0;
    return true;
}

/* Takes the next entry. 1: there was one; 0: the archive ends in order; or -errno: it ends here. */
static int tar_take_header(struct tar *a)
{
    uint64_t left = a->tree->source.size - a->at, size;
    unsigned blocks = 0;
    int err;

    if (left < TAR_BLOCK)
        return 0;
    if (a->said_at == TAR_NOWHERE)
        a->said_at = a->at;
    err = ftree_read(&a->tree->source, &a->header, TAR_BLOCK, a->at, &a->stream);
    if (err)
        return err;
    if (!a->header.name[0] && !tar_sum_bytes(a->words))
        return 0;
    if (!tar_is_header(&a->header, a->words)) {
        tar_damaged(a, "no valid header");
        return -EINVAL;
    }
    if (!tar_data_size(a, &size)) {
        tar_damaged(a, "no valid size");
        return -EINVAL;
    }
    if (size > left - TAR_BLOCK) {
        tar_damaged(a, "the file is longer than the rest of the archive");
        return -EINVAL;
    }
    err = tar_take_entry(a, size, &blocks);
    if (err)
        return err;
    left -= TAR_BLOCK + size;
    a->at += TAR_BLOCK + size;
    size = (-size & (TAR_BLOCK - 1)) + (uint64_t)blocks * TAR_BLOCK;
    a->at += size < left ? size : left;
    return 1;
}

/* Takes the entry whose first header is at byte `at`. As tar_take_header(). */
static int tar_take_at(struct tar *a, uint64_t at)
{
    int more;

    tar_forget(a);
    a->at = at;
    do
        more = tar_take_header(a);
    while (more > 0 && tar_is_about_next(a->header.type));
    return more;
}

/* The hard links whose file came behind them; the last first, as one may be a name of another. */
static int tar_take_later(struct tar *a)
{
    int more = 1;

    a->again = true;
    while (a->later_count && more > 0)
        more = tar_take_at(a, a->later[--a->later_count]);
    return more;
}

int tar_index(struct ftree *t)
{
    struct tar *a = calloc(1, sizeof(*a));
    int more = a ? 1 : -ENOMEM;

    if (!a)
        return more;
    a->tree = t;
    a->said_at = TAR_NOWHERE;
    while (more > 0)
        more = tar_take_header(a);
    if (more == -EIO)
        tar_damaged(a, "the archive cannot be read");
    if (more != -ENOMEM)
        more = tar_take_later(a);
    if (a->skipped > TAR_NAMED)
        hal_log(HAL_WARN, t->source.name, "%u more entries are left out", a->skipped - TAR_NAMED);
    tar_forget(a);
    free(a);
    return more == -ENOMEM ? more : 0;
}

int tar_index_one(struct ftree *t, uint64_t at)
{
    struct tar *a;
    int more;

    if (at > t->source.size)
        return -EINVAL;
    a = malloc(sizeof(*a));
    if (!a)
        return -ENOMEM;
    memset(a, 0, offsetof(struct tar, path));
    a->tree = t;
    a->again = true;
    more = tar_take_at(a, at);
    tar_forget(a);
    free(a);
    return more > 0 ? 0 : more ? more : -EINVAL;
}
