/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vblk_io.c - requests of the virtio block device, and their completions (virtio 1.4, section
 * 5.2.6).
 */
#include "block/vblk_impl.h"

#if VIREO_BLK

/* Section 5.2.6 */
enum {
    VBLK_T_IN = 0,
    VBLK_T_OUT = 1,
    VBLK_T_FLUSH = 4,
    VBLK_T_GET_ID = 8,
    VBLK_T_GET_LIFETIME = 10,
    VBLK_T_DISCARD = 11,
    VBLK_T_WRITE_ZEROES = 13,
    VBLK_T_SECURE_ERASE = 14,
};
enum { VBLK_S_OK = 0, VBLK_S_IOERR = 1, VBLK_S_UNSUPP = 2, VBLK_S_POISON = 0xee };

/* ---- requests -------------------------------------------------------------------------------- */

static bool vblk_room(struct block_device *block)
{
    struct vblk *b = (struct vblk *)block;

    return b->count < VBLK_BATCH && b->seg_count + block->max_segs + 2 <= VBLK_BATCH_SEGS;
}

/* Where the device puts the status of t, which is not plain: behind the data, if both are one
 * piece. */
static uint8_t *vblk_status_of(const struct vblk *b, const struct block_transfer *t)
{
    if (b->joined && !BLOCK_CHANGES(t->op) && t->op != BLOCK_FLUSH)
        return b->block.bounce + t->bytes;
    return &b->records[t->slot].status;
}

static void vblk_write_header(struct vblk_header *header, const struct block_transfer *t)
{
    static const uint8_t types[] = {[BLOCK_READ] = VBLK_T_IN,
                                    [BLOCK_WRITE] = VBLK_T_OUT,
                                    [BLOCK_FLUSH] = VBLK_T_FLUSH,
                                    [BLOCK_WRITE_ZEROES] = VBLK_T_WRITE_ZEROES,
                                    [BLOCK_GET_ID] = VBLK_T_GET_ID,
                                    [BLOCK_DISCARD] = VBLK_T_DISCARD,
                                    [BLOCK_LIFETIME] = VBLK_T_GET_LIFETIME,
                                    [BLOCK_SECURE_ERASE] = VBLK_T_SECURE_ERASE};

    header->type = types[t->op];
    header->reserved = 0;
    header->sector = t->sector; /* 0 but for reads and writes */
}

/* Fills in header, data and status, each in pieces of its own. Returns the number of pieces. */
static unsigned vblk_put_apart(struct virtq_seg *seg, uint64_t record, const struct block_dma *dma,
                               unsigned n)
{
    *seg++ = (struct virtq_seg){record, sizeof(struct vblk_header)};
    for (unsigned i = 0; i < n; i++)
        *seg++ = (struct virtq_seg){dma[i].addr, dma[i].len};
    *seg = (struct virtq_seg){record + offsetof(struct vblk_record, status), 1};
    return n + 2;
}

/*
 * The same in two pieces: there is room for a header in front of the one piece of data, and for a
 * status behind it.
 */
static unsigned vblk_put_joined(struct virtq_seg *seg, uint64_t record, const struct block_dma *dma,
                                bool write)
{
    const uint32_t header = sizeof(struct vblk_header);

    seg[0] = (struct virtq_seg){record, header};
    seg[1] = (struct virtq_seg){dma->addr, dma->len + 1};
    if (write) {
        seg[0] = (struct virtq_seg){dma->addr - header, header + dma->len};
        seg[1] = (struct virtq_seg){record + offsetof(struct vblk_record, status), 1};
    }
    return 2;
}

/* What is not plain; compiled to be small. */
static void vblk_stage(struct block_device *block, struct block_transfer *t,
                       const struct block_dma *dma, unsigned n) __attribute__((cold));
static void vblk_stage(struct block_device *block, struct block_transfer *t,
                       const struct block_dma *dma, unsigned n)
{
    struct vblk *b = (struct vblk *)block;
    uint64_t record = b->records_dma + t->slot * sizeof(struct vblk_record);
    struct virtq_seg *seg = &b->segs[b->seg_count];
    bool write = BLOCK_CHANGES(t->op), joined = b->joined && n;
    unsigned count =
        joined ? vblk_put_joined(seg, record, dma, write) : vblk_put_apart(seg, record, dma, n);
    unsigned out = write ? count - 1 : 1;
    void *header = joined && write ? block->bounce - sizeof(struct vblk_header)
                                   : (void *)&b->records[t->slot].header;

    vblk_write_header(header, t);
    *vblk_status_of(b, t) = VBLK_S_POISON;
    b->batch[b->count++] = (struct virtq_request){
        .segs = seg,
        .readable = (uint16_t)out,
        .writable = (uint16_t)(count - out),
        .cookie = t,
    };
    b->seg_count += count;
}

/* The first use of a slot since the queue began. */
static struct vblk_plain *vblk_make_plain(struct vblk *b, struct block_transfer *t)
    __attribute__((noinline, cold));
static struct vblk_plain *vblk_make_plain(struct vblk *b, struct block_transfer *t)
{
    struct vblk_plain_record *record = &b->plain_records[t->slot];
    struct vblk_plain *p = t->own = &b->plain[t->slot];
    uint64_t dma = b->plain_dma + t->slot * sizeof(*record);
    const struct virtq_seg segs[3] = {
        {dma, sizeof(record->header)},
        {0, 0},
        {dma + offsetof(struct vblk_plain_record, status), sizeof(record->status)}};
    struct virtq_entry table[3];

    for (unsigned write = 0; write < 2; write++) {
        const struct virtq_request r = {
            .segs = segs, .readable = (uint16_t)(1 + write), .writable = (uint16_t)(2 - write)};

        virtq_make_table(b->queue, table, &r);
        b->plain_rest[write] = table[1].rest;
    }
    p->record = record;
    p->first = table[0];
    p->last = table[2];
    p->buffer = (struct virtq_tabled){
        .cookie = t,
        .table = dma + offsetof(struct vblk_plain_record, table),
        .bytes = sizeof(record->table),
    };
    return p;
}

_Static_assert((int)VBLK_T_IN == (int)BLOCK_READ && (int)VBLK_T_OUT == (int)BLOCK_WRITE,
               "the type of a plain request is its op");

/* Header and table are written each time, as a device may have written over them. */
static inline void vblk_fill_plain(const struct vblk *b, const struct vblk_plain *p,
                                   const struct block_transfer *t)
{
    struct vblk_plain_record *record = p->record;

    record->header = (struct vblk_header){t->op, 0, t->sector};
    record->table[0] = p->first;
    record->table[1] = (struct virtq_entry){t->addr, t->bytes, b->plain_rest[t->op]};
    record->table[2] = p->last;
    record->status = VBLK_S_POISON;
}

static void vblk_commit(struct block_device *block);

static inline struct vblk_plain *vblk_plain_of(struct vblk *b, struct block_transfer *t)
{
    return t->own ? t->own : vblk_make_plain(b, t);
}

/* The buffer of t for the queue. */
static inline const struct virtq_tabled *vblk_plain_buffer(struct vblk *b, struct block_transfer *t)
{
    struct vblk_plain *p = vblk_plain_of(b, t);

    vblk_fill_plain(b, p, t);
    p->buffer.writable = t->op == BLOCK_WRITE ? 1 : t->bytes + 1;
    return &p->buffer;
}

/* Takes n transfers, to be committed later unless they are the last. */
static void vblk_stage_run(struct vblk *b, struct block_transfer *t, unsigned n, bool last)
    __attribute__((noinline));
static void vblk_stage_run(struct vblk *b, struct block_transfer *t, unsigned n, bool last)
{
    const struct virtq_tabled **ready = &b->ready[b->ready_count];

    b->ready_count += n;
    for (; n; n--, t = t->next)
        *ready++ = vblk_plain_buffer(b, t);
    if (last)
        vblk_commit(&b->block);
}

/* The buffer of one transfer, the last of those that were staged, goes to the device. */
static inline void vblk_submit_last(struct vblk *b, const struct virtq_tabled *buffer)
{
    if (!virtq_submit_table(b->queue, buffer))
        block_pause(&b->block);
    else if (!b->block.hold)
        virtio_wake_at(b->dev, block_deadline(&b->block));
}

/* The table of a flush has two entries. */
static void vblk_stage_flush(struct block_device *block, struct block_transfer *t)
{
    struct vblk *b = (struct vblk *)block;
    const struct vblk_plain *p = vblk_plain_of(b, t);
    struct virtq_tabled buffer = {t, p->buffer.table, 2 * sizeof(struct virtq_entry), 1};
    struct vblk_plain_record *record = p->record;

    record->header = (struct vblk_header){VBLK_T_FLUSH, 0, 0};
    record->table[0] = p->first;
    record->table[1] = p->last;
    record->status = VBLK_S_POISON;
    vblk_submit_last(b, &buffer);
}

/* One that goes to the device alone, most often from done() of the one before, has a way without
 * lists. */
static void vblk_stage_plain(struct block_device *block, struct block_transfer *t, unsigned n,
                             bool last)
{
    struct vblk *b = (struct vblk *)block;

    if (n != 1 || !last || b->ready_count || b->first != b->count) {
        vblk_stage_run(b, t, n, last);
        return;
    }
    vblk_submit_last(b, vblk_plain_buffer(b, t));
}

/* Gives the queue the plain transfers, each of which takes one descriptor: there is room. */
static inline bool vblk_commit_plain(struct vblk *b)
{
    unsigned n = b->ready_count;

    b->ready_count = 0;
    return !n || virtq_submit_tables(b->queue, b->ready, n) == (int)n;
}

/* Gives the queue the other transfers, as far as it has room. */
static void vblk_commit_batch(struct vblk *b) __attribute__((noinline));
static void vblk_commit_batch(struct vblk *b)
{
    int taken = virtq_submit(b->queue, &b->batch[b->first], b->count - b->first);

    if (taken < 0) { /* the queue is broken: a reset follows, and with it block_requeue() */
        block_pause(&b->block);
        return;
    }
    b->first += (unsigned)taken;
    if (b->first == b->count)
        b->first = b->count = b->seg_count = 0;
}

static void vblk_commit(struct block_device *block)
{
    struct vblk *b = (struct vblk *)block;

    if (!vblk_commit_plain(b)) {
        block_pause(block);
        return;
    }
    if (!block->hold)
        virtio_wake_at(b->dev, block_deadline(block));
    if (b->first != b->count)
        vblk_commit_batch(b);
}

/* ---- completions ----------------------------------------------------------------------------- */

/*
 * The result of t, by its status byte, which is loaded once. A read with a good status also fails
 * if the device says that it wrote fewer than all bytes.
 */
static inline int vblk_outcome(const struct vblk *b, const struct block_transfer *t,
                               const uint8_t *status, uint32_t len)
{
    if (hal_shared_load8(status) != VBLK_S_OK)
        return -EIO;
    return t->op == BLOCK_READ && len < t->bytes && b->check_len ? -EIO : 0;
}

/* The end of a transfer that is not plain. */
static void vblk_end_any(struct vblk *b, struct block_transfer *t, uint32_t len)
    __attribute__((noinline, cold));
static void vblk_end_any(struct vblk *b, struct block_transfer *t, uint32_t len)
{
    uint8_t was = hal_shared_load8(vblk_status_of(b, t));
    int result = was == VBLK_S_OK ? 0 : -EIO;

    if (was == VBLK_S_UNSUPP && t->op > BLOCK_FLUSH)
        result = -ENOTSUP;
    if (!result && b->check_len && len < t->bytes &&
        (t->op == BLOCK_READ || t->op == BLOCK_LIFETIME))
        result = -EIO;
    block_complete_any(&b->block, t, result);
}

/* True if a transfer came back. At most `depth` are taken in one call, as many as can be out. */
static inline bool vblk_reap(struct vblk *b)
{
    unsigned total = 0;
    int n;

    do {
        n = virtq_reap(b->queue, b->done, VBLK_REAP);
        for (int i = 0; i < n; i++) {
            struct block_transfer *t = b->done[i].cookie;
            const struct vblk_plain *p = t->own;

            if (t->plain)
                block_complete(&b->block, t,
                               vblk_outcome(b, t, &p->record->status, b->done[i].len));
            else
                vblk_end_any(b, t, b->done[i].len);
        }
        total += n > 0 ? (unsigned)n : 0;
    } while (n == (int)VBLK_REAP && total < b->block.depth);
    if (n == (int)VBLK_REAP)
        virtio_wake(b->dev);
    return total != 0;
}

bool vblk_service(struct virtio_device *dev)
{
    struct vblk *b = virtio_priv(dev);
    uint64_t now = hal_now_ns(), deadline;
    bool any;

    b->block.hold++;
    any = vblk_reap(b);
    if (b->first != b->count)
        vblk_commit(&b->block); /* what the queue had no room for before */
    block_release_at(&b->block, now);
    if (virtq_state(b->queue) != VIRTQ_OK)
        return any;
    deadline = block_deadline(&b->block);
    if (now >= deadline)
        virtq_fail(b->queue, "a request was not completed in time");
    else
        virtio_wake_at(dev, deadline);
    return any;
}

static bool vblk_poll(struct block_device *block)
{
    return vblk_service(((struct vblk *)block)->dev);
}

const struct block_driver vblk_block_driver = {
    .room = vblk_room,
    .stage = vblk_stage,
    .stage_plain = vblk_stage_plain,
    .stage_flush = vblk_stage_flush,
    .commit = vblk_commit,
    .poll = vblk_poll,
};
const struct block_driver vblk_one_by_one = {
    .room = vblk_room,
    .stage = vblk_stage,
    .commit = vblk_commit,
    .poll = vblk_poll,
};

#endif
