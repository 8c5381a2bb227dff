/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.h - the verifier of one disk: writes it round after round, acknowledges a round when a flush
 * has succeeded, and reads back what must be there.
 */
#ifndef SOAK_DISK_H
#define SOAK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block/block.h"

enum { UNIT = 4096, ROUND = 32 }; /* bytes of a unit; units that a round writes */

struct disk;

/* A way to the disk. Each call ends with all units done, or a negative errno value. */
struct backend {
    const char *name; /* how the disk's serial number begins */
    bool (*open)(struct disk *d);
    int (*write)(struct disk *d, const uint64_t *units);
    int (*flush)(struct disk *d);
    int (*read)(struct disk *d, const uint64_t *units);
};

struct disk {
    char id[BLOCK_ID_LEN + 1];
    const struct backend *way;
    struct block_device *dev;
    int fd;
    uint64_t units;      /* a power of two: what is beyond is left alone */
    uint64_t rounds;     /* acknowledged: a flush after them succeeded */
    uint64_t checked;    /* units that were read and compared */
    uint64_t bad;        /* of them, wrong ones */
    uint64_t errors;     /* calls that failed, and were repeated */
    uint64_t stale;      /* flushes that asked for the writes once more */
    uint64_t longest_ms; /* the slowest call */
    unsigned told;
    bool scanned, stop, stopped;
    unsigned char *buf[ROUND];
};

extern const struct backend way_posix, way_raw;

/* Starts a task for each disk whose serial number begins with a backend's name; their number. */
unsigned disks_start(void);
/* The n-th of them, or NULL. */
struct disk *disk_get(unsigned n);
/* Have them end after the round they are in. */
void disks_stop(void);

#endif
