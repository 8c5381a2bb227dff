/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.h - a raw disk that holds one SQLite database, and its journal or write-ahead log. All
 * functions are for tasks; those that may park are marked [parks].
 *
 * The layout, numbers little-endian:
 *
 *     byte 0        superblock, copy 0 (512 bytes; the rest of 64 KiB is unused)
 *     byte 65536    superblock, copy 1
 *     byte 131072   the database, from here up
 *     ...           free
 *     the end       the journal or log, from here down, in pieces of 64 KiB: byte x of it is byte
 *                   x % 65536 of piece x / 65536, and piece 0 is the last one of the disk
 *
 * The superblock says how long both are. Copies take turns: the older one is written, and counts
 * when a flush has succeeded behind it; a copy has a checksum, and the valid one with the higher
 * generation holds. So the lengths are those of the last sync, or of one that was under way: as
 * with a file system, bytes that were not synced may be lost, or hold anything.
 *
 * The length of a write-ahead log is rounded up to a piece, since the log itself tells which of
 * its frames are valid. That of the database and of a journal is exact.
 *
 * The superblock that gives bytes to a journal, or a place to a log, is written after a flush of
 * its own: before these bytes are there, the place may hold a journal of before, whole and valid.
 *
 * Nothing is written where the durable superblock has something else. An eighth of the room, 128
 * KiB to 8.25 MiB, is kept for a journal or log: the database does not grow into it. The headers of
 * a log and of its frames tell which pages it has, so what would not fit at a checkpoint is refused
 * before.
 */
#ifndef VIREO_STORE_H
#define VIREO_STORE_H

#include "disk.h"
#include "vireo/task.h"

#define STORE_PIECE 65536u
#define STORE_START (2u * STORE_PIECE)              /* of the database */
#define STORE_MIN   (STORE_START + 4 * STORE_PIECE) /* bytes of the smallest disk */

enum store_part { STORE_DATABASE, STORE_JOURNAL, STORE_LOG, STORE_PARTS };

/* What a superblock says. */
struct store_sizes {
    uint64_t generation;
    uint64_t bytes; /* of the disk, when the journal had its place given */
    uint64_t database;
    uint64_t tail;          /* of the journal or log; 0: there is none */
    enum store_part holder; /* which of them the tail is; STORE_JOURNAL if there is none */
};

/* The store's own, but for `ctx`. */
struct store {
    struct disk *disk;
    struct store_sizes now;      /* as the calls see them */
    struct store_sizes saved;    /* as the durable superblock says */
    uint64_t fresh[STORE_PARTS]; /* what a part has from here on is of no value */
    unsigned copy;               /* of the superblock that is durable */
    bool changed;                /* `now` is in no superblock yet */
    bool written;                /* the other copy was written, and is not known to be durable */
    uint64_t reach;              /* bytes of the database when the log is in it */
    uint32_t page;               /* bytes of a page, as the log says; 0: not known */
    bool renewed;                /* a log's header was written, and is not known to be durable */
    struct task_mutex sync;      /* held while the superblock is written */
    void *ctx;                   /* of the VFS */
    struct store *next;
};

/*
 * The store on this disk, the same one each time; it is never freed. 0; -ENODEV: the disk holds no
 * store, and `blank` says if its first bytes are all zero; -EBADMSG: a store whose superblocks are
 * both damaged, or whose disk has shrunk, or of a later version; the log says which; -EIO; -ENOMEM.
 * [parks]
 */
int store_open(struct block_device *dev, struct store **out, bool *blank);

/*
 * Makes an empty store of a disk, and loses what it held. 0; -EROFS; -ENOSPC: the disk is too
 * small; -EIO; -ENOMEM. Not for a disk that store_open() opened. [parks]
 */
int store_make(struct block_device *dev);

/* Bytes that the database leaves to a journal or log, so that rows can be deleted on a full disk.
 */
uint64_t store_reserve(const struct store *s);

/* Bytes of a part. */
uint64_t store_size(const struct store *s, enum store_part part);

/* Reads len bytes at `at`, fewer at the end of the part: how many, or -EIO. [parks] */
ssize_t store_read(struct store *s, enum store_part part, void *buf, size_t len, uint64_t at,
                   struct bcache_stream *stream);

/*
 * Writes len bytes at `at`, into the cache; the part grows to hold them. 0; -ENOSPC; -EROFS; -EIO;
 * -EBUSY: the journal's place is taken by a log, or the other way round. [parks]
 */
int store_write(struct store *s, enum store_part part, const void *buf, size_t len, uint64_t at);

/* Shortens a part. Durable at the next sync. */
void store_truncate(struct store *s, enum store_part part, uint64_t size);

/* 0: all that was written before the call is durable, and so are the sizes. -EIO. [parks] */
int store_sync(struct store *s);

#endif
