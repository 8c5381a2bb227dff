/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.c - the layout of store.h: superblocks, and the bytes of database, journal and log.
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "block/block.h"
#include "hal.h"

#define STORE_SUPER        512u /* bytes of a superblock */
#define STORE_VERSION      1u
#define STORE_FRAME_HEADER 24u /* of a frame's, likewise */
#define STORE_RESERVE_MIN  (2u * STORE_PIECE)
#define STORE_RESERVE_MAX  (132u * STORE_PIECE)
#define STORE_LOG_HEADER   32u /* bytes of a log's header, which is written alone */
/* The last word is a checksum of these bytes. */
#define STORE_CHECKED (STORE_SUPER - 4)

static const char store_magic[16] = "Vireo SQLite 1\r\n";

static struct store *store_all;

static int store_log_scan(struct store *s);

/* ---- superblocks ----------------------------------------------------------------------------- */

static void store_put(uint8_t *p, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t store_take(const uint8_t *p, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = bytes; i--;)
        value = value << 8 | p[i];
    return value;
}

/* CRC-32C (RFC 3720, appendix B.4). */
static uint32_t store_sum(const uint8_t *p, size_t len)
{
    uint32_t crc = UINT32_MAX;

    while (len--) {
        crc ^= *p++;
        for (unsigned i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static void store_encode(uint8_t block[STORE_SUPER], const struct store_sizes *z)
{
    memset(block, 0, STORE_SUPER);
    memcpy(block, store_magic, sizeof(store_magic));
    store_put(block + 16, STORE_VERSION, 4);
    store_put(block + 20, z->holder, 4);
    store_put(block + 24, z->generation, 8);
    store_put(block + 32, z->bytes, 8);
    store_put(block + 40, z->database, 8);
    store_put(block + 48, z->tail, 8);
    store_put(block + STORE_CHECKED, store_sum(block, STORE_CHECKED), 4);
}

static uint64_t store_round(uint64_t bytes)
{
    return (bytes + STORE_PIECE - 1) / STORE_PIECE * STORE_PIECE;
}

/* Bytes for database and tail together. */
static uint64_t store_room(const struct store_sizes *z)
{
    return z->bytes / STORE_PIECE * STORE_PIECE - STORE_START;
}

/* Does a database of these bytes leave room for such a tail? */
static bool store_fits(const struct store_sizes *z, uint64_t database, uint64_t tail)
{
    uint64_t room = store_room(z);

    return database <= room && tail <= room && store_round(tail) <= room - database;
}

enum store_kind { STORE_NONE, STORE_GOOD, STORE_DAMAGED, STORE_LATER };

/* What a copy is; *z of a good one. */
static enum store_kind store_decode(const uint8_t block[STORE_SUPER], struct store_sizes *z)
{
    uint64_t holder = store_take(block + 20, 4);

    if (memcmp(block, store_magic, sizeof(store_magic)) != 0)
        return STORE_NONE;
    if (store_take(block + STORE_CHECKED, 4) != store_sum(block, STORE_CHECKED))
        return STORE_DAMAGED;
    if (store_take(block + 16, 4) != STORE_VERSION)
        return STORE_LATER;
    z->generation = store_take(block + 24, 8);
    z->bytes = store_take(block + 32, 8);
    z->database = store_take(block + 40, 8);
    z->tail = store_take(block + 48, 8);
    z->holder = (enum store_part)holder;
    return (holder == STORE_JOURNAL || holder == STORE_LOG) && z->bytes >= STORE_MIN &&
                   z->bytes <= INT64_MAX && store_fits(z, z->database, z->tail)
               ? STORE_GOOD
               : STORE_DAMAGED;
}

/* Reads all of it. 0, or an error; -EIO if the disk ends before. [parks] */
static int store_read_all(struct disk *d, void *buf, size_t len, uint64_t at,
                          struct bcache_stream *stream)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = disk_read(d, (char *)buf + done, len - done, at + done, stream);

        if (n <= 0)
            return n ? (int)n : -EIO;
        done += (size_t)n;
    }
    return 0;
}

/* Writes all of it. 0, or an error. [parks] */
static int store_write_all(struct disk *d, const void *buf, size_t len, uint64_t at)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = disk_write(d, (const char *)buf + done, len - done, at + done);

        if (n <= 0)
            return n ? (int)n : -EIO;
        done += (size_t)n;
    }
    return 0;
}

static bool store_is_blank(const uint8_t *block)
{
    for (unsigned i = 0; i < STORE_SUPER; i++)
        if (block[i])
            return false;
    return true;
}

static int store_refuse(const struct disk *d, const char *why)
{
    hal_log(HAL_ERROR, block_name(d->dev), "the database store on this disk cannot be used: %s",
            why);
    return -EBADMSG;
}

/* Fills in what the copies say: 0, -ENODEV, -EBADMSG, -EIO. [parks] */
static int store_load(struct store *s, bool *blank)
{
    uint64_t bytes = block_capacity(s->disk->dev);
    enum store_kind kind[2];
    struct store_sizes sizes[2];
    uint8_t block[STORE_SUPER];

    *blank = bytes >= STORE_MIN;
    if (bytes < STORE_MIN)
        return -ENODEV;
    for (unsigned i = 0; i < 2; i++) {
        int err = store_read_all(s->disk, block, sizeof(block), (uint64_t)i * STORE_PIECE, NULL);

        if (err)
            return err;
        kind[i] = store_decode(block, &sizes[i]);
        *blank = *blank && store_is_blank(block);
    }
    if (kind[0] == STORE_NONE && kind[1] == STORE_NONE)
        return -ENODEV;
    if (kind[0] == STORE_LATER || kind[1] == STORE_LATER)
        return store_refuse(s->disk, "it is of a later version of Vireo");
    if (kind[0] != STORE_GOOD && kind[1] != STORE_GOOD)
        return store_refuse(s->disk, "both of its superblocks are damaged");
    s->copy = kind[0] != STORE_GOOD ||
              (kind[1] == STORE_GOOD && sizes[1].generation > sizes[0].generation);
    if (kind[s->copy ^ 1] == STORE_DAMAGED)
        hal_log(HAL_WARN, block_name(s->disk->dev),
                "a superblock of the database store is damaged: the other one holds");
    s->now = s->saved = sizes[s->copy];
    if (s->now.bytes > bytes)
        return store_refuse(s->disk, "the disk has become smaller");
    return 0;
}

int store_open(struct block_device *dev, struct store **out, bool *blank)
{
    struct disk *d = disk_of(dev);
    struct store *s = store_all;
    int err;

    while (s && s->disk != d)
        s = s->next;
    *out = s;
    if (s)
        return 0;
    s = d ? calloc(1, sizeof(*s)) : NULL;
    if (!s)
        return -ENOMEM;
    s->disk = d;
    err = store_load(s, blank);
    if (err) {
        free(s);
        return err;
    }
    /* A disk that has grown is used whole, once nothing lies at its old end. */
    if (!s->now.tail)
        s->now.bytes = block_capacity(dev);
    s->fresh[STORE_DATABASE] = s->reach = s->now.database;
    s->fresh[s->now.holder] = s->now.tail;
    err = store_size(s, STORE_LOG) ? store_log_scan(s) : 0;
    if (err) {
        free(s);
        return err;
    }
    s->next = store_all;
    store_all = *out = s;
    return 0;
}

int store_make(struct block_device *dev)
{
    struct store_sizes sizes = {
        .generation = 1, .bytes = block_capacity(dev), .holder = STORE_JOURNAL};
    struct disk *d = disk_of(dev);
    uint8_t block[STORE_SUPER];
    int err = 0;

    if (!d)
        return -ENOMEM;
    if (sizes.bytes < STORE_MIN)
        return -ENOSPC;
    store_encode(block, &sizes);
    for (unsigned i = 0; i < 2 && !err; i++)
        err = store_write_all(d, block, sizeof(block), (uint64_t)i * STORE_PIECE);
    return err ? err : disk_sync(d);
}

/* ---- sync ------------------------------------------------------------------------------------ */

/*
 * Would a superblock with these sizes give bytes to a journal that the durable one does not? If
 * they did not arrive, the place may hold a journal of before, whole and valid. A log that has a
 * header knows its own frames.
 */
static bool store_exposes(const struct store *s, const struct store_sizes *z)
{
    bool other = z->holder != s->saved.holder || !s->saved.tail;

    return z->tail && (other || (z->holder == STORE_JOURNAL && z->tail > s->saved.tail));
}

/* Writes the sizes of now into the copy that is not the durable one. [parks] */
static int store_save(struct store *s, struct store_sizes *z)
{
    uint8_t block[STORE_SUPER];
    int err;

    *z = s->now;
    z->generation = s->saved.generation + 1;
    if (z->holder == STORE_LOG && store_fits(z, z->database, store_round(z->tail)))
        z->tail = store_round(z->tail);
    store_encode(block, z);
    s->changed = false;
    s->written = true;
    err = store_exposes(s, z) ? disk_sync(s->disk) : 0;
    if (!err)
        err = store_write_all(s->disk, block, sizeof(block), (uint64_t)(s->copy ^ 1) * STORE_PIECE);
    if (err)
        s->changed = true;
    return err;
}

/* Sizes and data. [parks] */
static int store_sync_sizes(struct store *s)
{
    struct store_sizes z;
    int err;

    task_mutex_lock(&s->sync);
    err = s->changed || s->written ? store_save(s, &z) : 0;
    if (!err)
        err = disk_sync(s->disk);
    if (!err && s->written) {
        s->saved = z;
        s->copy ^= 1;
        s->written = false;
    }
    task_mutex_unlock(&s->sync);
    return err;
}

int store_sync(struct store *s)
{
    bool renewed = s->renewed;
    int err = s->changed || s->written ? store_sync_sizes(s) : disk_sync(s->disk);

    /* The header of a log that is durable ends the one before: none of its frames counts now. */
    if (!err && renewed) {
        s->renewed = false;
        if (s->fresh[STORE_LOG] > STORE_LOG_HEADER)
            s->fresh[STORE_LOG] = STORE_LOG_HEADER;
    }
    return err;
}

/* ---- the bytes of a part --------------------------------------------------------------------- */

static bool store_has(const struct store *s, enum store_part part)
{
    return part == STORE_DATABASE || (part == s->now.holder && s->now.tail);
}

uint64_t store_size(const struct store *s, enum store_part part)
{
    if (!store_has(s, part))
        return 0;
    return part == STORE_DATABASE ? s->now.database : s->now.tail;
}

/* Where byte `at` of a part lies on the disk; *len becomes no more than what lies in one piece. */
static uint64_t store_place(const struct store *s, enum store_part part, uint64_t at, size_t *len)
{
    uint64_t end = STORE_START + store_room(&s->now), off = at % STORE_PIECE;

    if (part == STORE_DATABASE)
        return STORE_START + at;
    if (*len > STORE_PIECE - off)
        *len = (size_t)(STORE_PIECE - off);
    return end - (at / STORE_PIECE + 1) * STORE_PIECE + off;
}

ssize_t store_read(struct store *s, enum store_part part, void *buf, size_t len, uint64_t at,
                   struct bcache_stream *stream)
{
    uint64_t size = store_size(s, part);
    size_t done = 0;

    if (at >= size)
        return 0;
    if (len > size - at)
        len = (size_t)(size - at);
    while (done < len) {
        size_t n = len - done;
        uint64_t place = store_place(s, part, at + done, &n);
        int err = store_read_all(s->disk, (char *)buf + done, n, place, stream);

        if (err)
            return err;
        done += n;
    }
    return (ssize_t)len;
}

/* Sets the length of a part. A log that grows within what the durable superblock says changes
 * nothing there. */
static void store_set_size(struct store *s, enum store_part part, uint64_t size)
{
    if (part != STORE_LOG || s->saved.holder != STORE_LOG || size > s->saved.tail ||
        size < store_size(s, part))
        s->changed = true;
    if (part == STORE_DATABASE) {
        s->now.database = size;
        if (s->reach < size)
            s->reach = size;
    } else {
        s->now.tail = size;
        s->now.holder = size ? part : STORE_JOURNAL;
    }
    if (s->fresh[part] > size)
        s->fresh[part] = size;
}

uint64_t store_reserve(const struct store *s)
{
    uint64_t part = store_room(&s->now) / 8;

    if (part < STORE_RESERVE_MIN)
        part = STORE_RESERVE_MIN;
    return store_round(part < STORE_RESERVE_MAX ? part : STORE_RESERVE_MAX);
}

/* May the database have so many bytes, beside a tail of this length? */
static bool store_may_have(const struct store *s, uint64_t database, uint64_t tail)
{
    uint64_t reserve = store_reserve(s);

    return store_fits(&s->now, database, tail > reserve ? tail : reserve);
}

/* Has a journal or log, this one or another, bytes on the disk that were given up since? */
static bool store_gave_up(const struct store *s, enum store_part part)
{
    return s->saved.tail && (s->saved.holder != part || s->saved.tail > store_round(s->now.tail));
}

/*
 * Makes a part longer. What was given up is given up on the disk before its place is used again. 0,
 * -ENOSPC, -EBUSY or an error of a sync. [parks]
 */
static int store_grow(struct store *s, enum store_part part, uint64_t size)
{
    bool is_database = part == STORE_DATABASE;
    uint64_t database = is_database ? size : s->now.database;
    uint64_t tail = is_database ? s->now.tail : size;

    if (!is_database && s->now.tail && s->now.holder != part)
        return -EBUSY;
    if (is_database ? !store_may_have(s, size, tail)
                    : !store_fits(&s->now, part == STORE_LOG ? s->reach : database, tail))
        return -ENOSPC;
    if (!store_fits(&s->now, database, s->saved.tail) ||
        !store_fits(&s->now, s->saved.database, tail) || (!is_database && store_gave_up(s, part))) {
        int err = store_sync(s);

        if (err)
            return err;
    }
    store_set_size(s, part, size);
    return 0;
}

/* Zeros from `from` to `to` of a part, which lie in no block with anything of value. [parks] */
static int store_zero(struct store *s, enum store_part part, uint64_t from, uint64_t to)
{
    static const uint8_t zeros[4096];
    int err = 0;

    while (from < to && !err) {
        size_t n = to - from < sizeof(zeros) ? (size_t)(to - from) : sizeof(zeros);
        uint64_t place = store_place(s, part, from, &n);

        err = store_write_all(s->disk, zeros, n, place);
        from += n;
    }
    return err;
}

/*
 * Before bytes are written at [at, end): what is of no value is zero, up to the end of the last
 * block. So no block is read that only has bytes of no value. [parks]
 */
static int store_refresh(struct store *s, enum store_part part, uint64_t at, uint64_t end)
{
    uint32_t block = bcache_block_size(s->disk->cache);
    uint64_t fresh = s->fresh[part], first = (fresh + block - 1) / block * block;
    uint64_t last = end / block * block;
    int err = 0;

    if (end <= fresh)
        return 0;
    /* A log is written from its front on; what it skips has a value that is not known here. */
    if (part == STORE_LOG && at > fresh)
        fresh = first = UINT64_MAX;
    if (end > last && last >= first)
        err = store_zero(s, part, last, last + block);
    else
        last = at;
    if (!err && fresh < at)
        err = store_zero(s, part, fresh, at < last ? at : last);
    s->fresh[part] = end;
    return err;
}

static uint32_t store_big(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/*
 * The header of a log tells the size of pages, and that of a frame which page it has: how long the
 * database will be when the log is in it. 0, or -ENOSPC.
 */
static int store_log_header(struct store *s, const uint8_t *p, size_t len, uint64_t at)
{
    uint64_t end;

    if (at == 0 && len == STORE_LOG_HEADER) {
        s->page = store_big(p + 8);
        s->reach = s->now.database;
    }
    if (!s->page || len != STORE_FRAME_HEADER || at < STORE_LOG_HEADER ||
        (at - STORE_LOG_HEADER) % (STORE_FRAME_HEADER + s->page) != 0)
        return 0;
    end = (uint64_t)store_big(p) * s->page;
    if (end <= s->reach)
        return 0;
    if (!store_may_have(s, end, s->now.tail))
        return -ENOSPC;
    s->reach = end;
    return 0;
}

/* The same of a log that was there when the store was opened. An error. [parks] */
static int store_log_scan(struct store *s)
{
    uint8_t header[STORE_LOG_HEADER], frame[STORE_FRAME_HEADER];
    uint64_t at = STORE_LOG_HEADER, most = store_room(&s->now) - store_round(s->now.tail);
    ssize_t n = store_read(s, STORE_LOG, header, sizeof(header), 0, NULL);

    s->page = n == (ssize_t)sizeof(header) ? store_big(header + 8) : 0;
    for (; s->page; at += STORE_FRAME_HEADER + s->page) {
        uint64_t end;

        n = store_read(s, STORE_LOG, frame, sizeof(frame), at, NULL);
        if (n != (ssize_t)sizeof(frame) || memcmp(frame + 8, header + 16, 8) != 0)
            break;
        end = (uint64_t)store_big(frame) * s->page;
        if (end > s->reach)
            s->reach = end < most ? end : most;
    }
    return n < 0 ? (int)n : 0;
}

int store_write(struct store *s, enum store_part part, const void *buf, size_t len, uint64_t at)
{
    uint64_t end = at + len;
    size_t done = 0;
    int err = 0;

    if (block_read_only(s->disk->dev))
        return -EROFS;
    if (end < at || end > INT64_MAX)
        return -ENOSPC;
    if (part == STORE_LOG)
        err = store_log_header(s, buf, len, at);
    if (!err && end > store_size(s, part))
        err = store_grow(s, part, end);
    if (!err)
        err = store_refresh(s, part, at, end);
    while (done < len && !err) {
        size_t n = len - done;
        uint64_t place = store_place(s, part, at + done, &n);

        err = store_write_all(s->disk, (const char *)buf + done, n, place);
        done += n;
    }
    if (part == STORE_LOG)
        s->renewed = at == 0;
    return err;
}

void store_truncate(struct store *s, enum store_part part, uint64_t size)
{
    if (size < store_size(s, part))
        store_set_size(s, part, size);
}
