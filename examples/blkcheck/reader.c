/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader.c - a ring of requests over a block device (reader.h). Completions come from a service, so
 * they only mark their slot and wake the task.
 */
#include "reader.h"

static void reader_done(struct block_request *request)
{
    struct reader_slot *slot = (struct reader_slot *)request; /* its first member */
    struct reader *r = request->ctx;

    slot->done = true;
    waitq_wake_all(&r->wait);
}

/* Asks for the next piece in a slot that is free; nothing at the end. */
static void reader_ask(struct reader *r, struct reader_slot *slot)
{
    struct block_request *request = &slot->request;
    uint32_t block = block_size(r->dev);

    slot->out = slot->done = false;
    if (r->next >= r->end)
        return;
    uint64_t left = (r->end - r->next + block - 1) / block * block;
    slot->seg.len = left < r->piece ? (size_t)left : r->piece;
    *request = (struct block_request){.op = BLOCK_READ,
                                      .sector = r->next / BLOCK_SECTOR,
                                      .segs = &slot->seg,
                                      .seg_count = 1,
                                      .done = reader_done,
                                      .ctx = r};
    slot->out = true;
    r->next += slot->seg.len;
    block_submit(r->dev, &request, 1);
}

void reader_start(struct reader *r, struct block_device *dev, uint64_t bytes, char *buf, size_t len)
{
    uint32_t block = block_size(dev);

    *r = (struct reader){.dev = dev, .end = bytes, .piece = len / READER_DEPTH / block * block};
    block_hold(dev);
    for (unsigned i = 0; i < READER_DEPTH; i++) {
        r->slots[i].seg.base = buf + i * r->piece;
        reader_ask(r, &r->slots[i]);
    }
    block_release(dev);
}

static void reader_wait(struct reader *r, const struct reader_slot *slot)
{
    while (!slot->done)
        waitq_wait(&r->wait, HAL_NEVER); /* the block layer completes every request */
}

ssize_t reader_next(struct reader *r, const char **data)
{
    if (r->held) {
        reader_ask(r, &r->slots[r->turn]);
        r->turn = (r->turn + 1) % READER_DEPTH;
        r->held = false;
    }
    struct reader_slot *slot = &r->slots[r->turn];
    if (!slot->out)
        return 0;
    reader_wait(r, slot);
    if (slot->request.result < 0)
        return slot->request.result;
    r->held = true;
    *data = slot->seg.base;
    return (ssize_t)slot->seg.len;
}

void reader_stop(struct reader *r)
{
    for (unsigned i = 0; i < READER_DEPTH; i++)
        if (r->slots[i].out)
            reader_wait(r, &r->slots[i]);
}
