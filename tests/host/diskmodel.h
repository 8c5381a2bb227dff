/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diskmodel.h - a scripted virtio-blk device with a small disk (virtio 1.4, section 5.2), and
 * requests to it through the block layer.
 */
#ifndef VIREO_DISKMODEL_H
#define VIREO_DISKMODEL_H

#include "block/block.h"
#include "check.h"
#include "model_pci.h"

enum {
    DISK_F_SIZE_MAX = 1,
    DISK_F_SEG_MAX = 2,
    DISK_F_GEOMETRY = 4,
    DISK_F_RO = 5,
    DISK_F_BLK_SIZE = 6,
    DISK_F_FLUSH = 9,
    DISK_F_TOPOLOGY = 10,
    DISK_F_CONFIG_WCE = 11,
    DISK_F_DISCARD = 13,
    DISK_F_WRITE_ZEROES = 14,
    DISK_F_LIFETIME = 15,
    DISK_F_SECURE_ERASE = 16,
    DISK_F_ZONED = 17
};

#define DISK_SECTORS 4096u
#define DISK_RING    64
#define DISK_ID      "VIREO-MODEL-0123456"
#define DISK_NEVER   UINT32_MAX

/* What a request asked for, in the order in which the device took them. */
struct disk_order {
    uint32_t type, bytes;
    uint64_t sector;
};
#define DISK_ORDER 8192

struct diskmodel {
    /* what the test says, before disk_plug() or later */
    void (*plug)(
        struct model *m); /* plugs the device onto a bus; NULL: slot 0 of virtio-mmio, or PCI */
    uint32_t size_max, seg_max; /* 0: not set */
    uint32_t block_size;        /* 512 at first */
    /* sectors of a range, ranges of a request, alignment: of each type that has ranges */
    uint32_t max_sectors, max_ranges, align;
    uint8_t physical_exponent, aligned_at; /* of the topology */
    uint8_t lifetime[6];
    unsigned fail_left;        /* number of requests that still end with fail_status */
    uint8_t fail_status;       /* 0xee: the status byte is not written */
    bool mute;                 /* takes nothing, answers nothing */
    uint32_t short_by;         /* bytes by which the reported length is too short */
    char id[BLOCK_ID_LEN + 1]; /* its serial number, DISK_ID at first; "": it knows none */
    bool forgets;              /* a reset loses what no flush covered */
    unsigned answers; /* further answers before silence until a reset; DISK_NEVER: no end */
    uint64_t killer;  /* a request from this sector breaks the queue; UINT64_MAX: none */

    /* what happened */
    struct model *m;
    struct model_queue *q;
    struct block_device *dev; /* "vblk0"; NULL when it was refused */
    struct model_vpci pci;
    uint8_t data[DISK_SECTORS * BLOCK_SECTOR];
    uint8_t platter[DISK_SECTORS * BLOCK_SECTOR]; /* what a reset leaves, if it forgets */
    unsigned requests, flushes, writes_pending, identified;
    unsigned ranges, unmaps; /* ranges that it was given; those to be unmapped */
    unsigned ragged;         /* those that do not end at the alignment */
    struct disk_order order[DISK_ORDER];
    unsigned taken; /* entries of order */
};
extern struct diskmodel disk;

/* An impossible answer: the queue is broken from the next look on. */
void disk_break(void);
/* The device at slot 0 (PCI: 1), with these features. Its config fields may still be changed. */
void disk_plug(enum model_transport t, const unsigned *bits, unsigned n);
void disk_boot(void);
/* SEG_MAX 16, FLUSH, EVENT_IDX, and perhaps INDIRECT_DESC; booted. */
void disk_boot_plain(void);

/* The ways in which a case about any ring and bus runs: for the variants of a struct test_case. */
extern const struct test_variant disk_ways[];
/* The case's way, with SEG_MAX 16, FLUSH, EVENT_IDX and these; booted. */
void disk_boot_way(const unsigned *bits, unsigned n);

struct io {
    struct block_request r;
    struct block_seg seg[40];
    unsigned calls; /* of done() */
};
extern unsigned io_outstanding;

void io_done(struct block_request *r); /* for requests whose ctx is their struct io */
void io_start(struct io *io, enum block_op op, uint64_t sector, void *buf, size_t len);
int io_wait(struct io *io); /* its result; fails the case if it never completes */
int io_run(enum block_op op, uint64_t sector, void *buf, size_t len);

#endif
