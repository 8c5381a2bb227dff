/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.h - the machine of one scenario: a window with the device model behind it, a disk or a
 * network card, and the calls of the driver, each with a limit.
 */
#ifndef VIREO_SUITE_WORLD_H
#define VIREO_SUITE_WORLD_H

#include "model.h"
#include "suite.h"

/* Feature bits that the suite names. */
enum {
    RING_INDIRECT_DESC = 28,
    RING_EVENT_IDX = 29,
    F_VERSION_1 = 32,
    F_ACCESS_PLATFORM = 33,
    F_RING_PACKED = 34,
    F_IN_ORDER = 35,
    F_ORDER_PLATFORM = 36,
    F_NOTIFICATION_DATA = 38,
    F_ANY_LAYOUT = 27,
    BLK_F_SIZE_MAX = 1,
    BLK_F_SEG_MAX = 2,
    BLK_F_RO = 5,
    BLK_F_BLK_SIZE = 6,
    BLK_F_FLUSH = 9,
    NET_F_MTU = 3,
    NET_F_MAC = 5,
    NET_F_MRG_RXBUF = 15,
    NET_F_STATUS = 16,
};

#define WORLD_SECTORS 2048u
#define WORLD_FRAMES  64
#define WORLD_FRAME   1600

struct world {
    enum suite_device kind;
    bool legacy;
    struct model *m; /* what a scenario changes before world_plug() or later */

    /* the device: what it does with what it gets */
    uint64_t capacity;
    uint32_t seg_max, size_max;
    uint8_t status;       /* of the next requests */
    unsigned status_left; /* requests that end with it */
    bool silent;          /* takes nothing */
    bool quiet;           /* wants no kicks, and looks every 50 us */
    bool backwards;       /* gives receive buffers back in reverse order */
    uint32_t rx_pad;      /* junk behind a frame, in the buffer */
    uint8_t hdr_flags;    /* of received frames */
    uint8_t buffers;      /* of received frames: what num_buffers says beyond the truth */
    uint16_t hdr_len;     /* likewise */
    bool rewrites;        /* overwrites descriptors of what it holds */
    bool started;         /* probe() was called, before the device began to lie */
    bool honest;          /* rows are judged, and data has to be right */

    /* what came of it */
    uint8_t disk[WORLD_SECTORS * 512];
    unsigned requests, reads, writes, flushes;
    uint8_t frame[WORLD_FRAMES][WORLD_FRAME];
    uint32_t frame_len[WORLD_FRAMES];
    unsigned frames;
    uint32_t rx_len;  /* of a lie: the bytes of the frame that the device wrote */
    uint32_t rx_room; /* bytes for a frame, in the receive buffer that was taken last */
    const char *calling;
    bool alive; /* probe() returned 0 and remove() was not called */
};
extern struct world world;

/* A device with VERSION_1, unless it is a legacy one, and nothing else offered. */
void world_make(enum suite_device kind, enum suite_transport t);
void world_offer(unsigned bit);
bool world_accepted(unsigned bit);
/* The device is at the window from now on; configuration fields are those of what is offered. */
void world_plug(void);
/* A queue may be larger or smaller than at first: 0 or any number. */
void world_queues(unsigned max);

/*
 * Calls of the driver. Each ends the process if it takes more than ten minutes of virtual time, or
 * if it touches what is not its own. Afterwards, in an honest world, the rules of kicks and
 * interrupts are judged.
 */
int world_probe(void);
void world_remove(void);
uint64_t world_sectors(void);
/* Reads and compares. 0: right; -1: the driver says that it failed; wrong data ends the process. */
int world_read(uint64_t sector, uint32_t sectors);
/* Writes a pattern, and compares the disk. */
int world_write(uint64_t sector, uint32_t sectors, uint8_t seed);
int world_flush(void);
int world_send(uint32_t len, uint8_t seed);
/* The device delivers a frame, and says `say` as its length. false: it has no buffer. */
bool world_deliver(uint32_t len, uint8_t seed, uint32_t say);
/* Takes n more receive buffers, fills them all, gives them back. false: there are not so many. */
bool world_deliver_batch(unsigned n, uint8_t seed);
/* The next frame of the driver: its length. Its bytes must be of the pattern of `seed`. */
int world_recv(uint8_t seed);
/* Nobody calls the driver for this time. */
void world_idle(uint64_t us);

/* Ends the process: the driver failed the scenario. */
void world_fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* The driver is in a loop that waits: time passes, and it may be too much of it. */
void world_wait(uint64_t ns);
/* The driver makes an access of memory; of those, too, there may be too many. */
void world_step(void);
/* Does a call of the driver run? */
bool world_in_call(void);

/* ---- order.c: judges the order of accesses ------------------------------------------------- */

void order_begin(void);
uint32_t order_access(struct model *m, enum model_space s, unsigned off, bool write, uint32_t v);
/* The driver stores to or loads from this word; `fenced`: behind a barrier that orders it. */
void order_store(const volatile void *word, bool fenced);
void order_load(const volatile void *word, bool fenced);
void order_hear(const struct host_event *e);
/* After the features were negotiated, and at the end of a scenario. */
void order_features(void);
void order_end(void);

/* ---- watch.c ------------------------------------------------------------------------------- */

/* What was stored last is in memory now. */
void watch_settle(void);

#endif
