/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * its_queue.c - the command queue of the GICv3 ITS (Arm IHI 0069, 5.3): a ring of commands of 32
 * bytes. its_queue_run waits for its commands, so the ring is empty between two calls.
 */
#include "its.h"

#define QUEUE_BYTES    4096u
#define QUEUE_ALIGN    65536u /* other addresses are CONSTRAINED UNPREDICTABLE */
#define COMMAND_BYTES  ((uint32_t)sizeof(struct its_command))
#define CBASER_INNER   59u
#define VALID          (1ull << 63)
#define CREADR_STALLED 1u
#define CREADR_OFFSET  0xfffe0u

enum {
    CMD_SYNC = 0x05,
    CMD_MAPD = 0x08,
    CMD_MAPC = 0x09,
    CMD_MAPTI = 0x0a,
    CMD_INV = 0x0c,
    CMD_DISCARD = 0x0f,
};

/* ---- commands -------------------------------------------------------------------------------- */

static struct its_command its_command_of(unsigned code, uint32_t device, uint64_t w1, uint64_t w2)
{
    return (struct its_command){{(uint64_t)device << 32 | code, w1, w2, 0}};
}

struct its_command its_mapd(uint32_t device, uint64_t itt, unsigned bits)
{
    return its_command_of(CMD_MAPD, device, bits - 1, itt ? VALID | itt : 0);
}

struct its_command its_mapc(unsigned collection, uint64_t target)
{
    return its_command_of(CMD_MAPC, 0, 0, VALID | target | collection);
}

struct its_command its_mapti(uint32_t device, uint32_t event, uint32_t lpi, unsigned collection)
{
    return its_command_of(CMD_MAPTI, device, (uint64_t)lpi << 32 | event, collection);
}

struct its_command its_inv(uint32_t device, uint32_t event)
{
    return its_command_of(CMD_INV, device, event, 0);
}

struct its_command its_discard(uint32_t device, uint32_t event)
{
    return its_command_of(CMD_DISCARD, device, event, 0);
}

struct its_command its_sync(uint64_t target)
{
    return its_command_of(CMD_SYNC, 0, 0, target);
}

/* ---- the ring -------------------------------------------------------------------------------- */

int its_queue_open(struct its_queue *q, hal_mmio_t regs)
{
    uint64_t dma;

    q->regs = regs;
    q->ring = hal_dma_alloc(QUEUE_BYTES, QUEUE_ALIGN, &dma);
    if (!q->ring)
        return -ENOMEM;
    q->flush =
        its_write_base(regs + GITS_CBASER, VALID | dma | (QUEUE_BYTES / 4096 - 1), CBASER_INNER);
    q->write = 0;
    its_write64(regs + GITS_CWRITER, 0);
    return 0;
}

static int its_queue_stop(struct its_queue *q, const char *what, uint32_t at)
{
    q->broken = true;
    hal_log(HAL_ERROR, "its", "%s at command %u of %u: no further messages can be set up", what,
            at / COMMAND_BYTES, q->write / COMMAND_BYTES);
    return -EIO;
}

/* Waits until all commands are done. 0, or -EIO. */
static int its_queue_drain(struct its_queue *q)
{
    uint64_t deadline = hal_now_ns() + ITS_WAIT_NS;

    for (;;) {
        uint32_t at = hal_read32_sync(q->regs + GITS_CREADR);
        if (at & CREADR_STALLED)
            return its_queue_stop(q, "the command queue stalled", at & CREADR_OFFSET);
        if ((at & CREADR_OFFSET) == q->write)
            return 0;
        if (hal_now_ns() > deadline)
            return its_queue_stop(q, "the command queue makes no progress", at & CREADR_OFFSET);
        hal_relax();
    }
}

int its_queue_run(struct its_queue *q, const struct its_command *commands, unsigned n)
{
    unsigned long state = arch_irq_save();
    int err = -EIO;

    for (unsigned i = 0; i < n && !q->broken; i++) {
        struct its_command *at = &q->ring[q->write / COMMAND_BYTES];
        *at = commands[i];
        its_show(at, sizeof(*at), q->flush);
        q->write = (q->write + COMMAND_BYTES) % QUEUE_BYTES;
    }
    if (!q->broken) {
        hal_write32(q->regs + GITS_CWRITER, q->write);
        err = its_queue_drain(q);
    }
    arch_irq_restore(state);
    return err;
}
