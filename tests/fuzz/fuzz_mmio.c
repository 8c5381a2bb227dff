/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_mmio.c - windows of virtio-mmio (virtio 1.4, section 4.2) whose registers say what the input
 * wants, at the n-th look or always, to every driver there is. Each probe ends; a device that is
 * refused leaves no memory behind.
 */
#include <string.h>

#include "fuzz.h"
#include "testdrv.h"

#define WINDOW  0x200u
#define PATCHES 12
#define PHYS    0x0a000000ull
#define IRQ     16

enum {
    R_FEATURES = 0x10,
    R_FEATURES_SEL = 0x14,
    R_QUEUE_SEL = 0x30,
    R_QUEUE_NUM_MAX = 0x34,
    R_QUEUE_PFN = 0x40,
    R_QUEUE_READY = 0x44,
    R_INTERRUPT = 0x60,
    R_ACK = 0x64,
    R_STATUS = 0x70,
    R_QUEUE_RESET = 0xc0,
    R_GENERATION = 0xfc,
    R_CONFIG = 0x100
};

static struct window {
    uint8_t regs[WINDOW];
    uint32_t offered[4], ready; /* ready: a bit a queue */
    uint32_t pfn[32];
    struct {
        uint16_t off, look; /* look 0: always */
        uint32_t value;
    } patch[PATCHES];
    unsigned patches, looks;
    bool resets; /* lawfully */
} windows[2];

static uint32_t get(const struct window *w, unsigned off)
{
    uint32_t v;

    memcpy(&v, w->regs + off, 4);
    return v;
}

static void put(struct window *w, unsigned off, uint32_t v)
{
    memcpy(w->regs + off, &v, 4);
}

static uint32_t lawful(struct window *w, unsigned off)
{
    uint32_t queue = get(w, R_QUEUE_SEL) % 32;

    switch (off) {
    case R_FEATURES:
        return get(w, R_FEATURES_SEL) < 4 ? w->offered[get(w, R_FEATURES_SEL)] : 0;
    case R_QUEUE_NUM_MAX:
        return queue < 8 ? get(w, off) : 0;
    case R_QUEUE_READY:
        return w->ready >> queue & 1;
    case R_QUEUE_PFN:
        return w->pfn[queue];
    default:
        return get(w, off);
    }
}

static uint32_t read(void *ctx, uint64_t offset, unsigned width, bool sync)
{
    struct window *w = ctx;
    unsigned off = (unsigned)offset;
    uint32_t v = 0;

    (void)sync;
    w->looks++;
    for (unsigned i = 0; i < w->patches; i++)
        if (w->patch[i].off == off / 4 * 4 && (!w->patch[i].look || w->patch[i].look == w->looks))
            return w->patch[i].value >> 8 * (off % 4);
    if (off >= R_CONFIG) {
        memcpy(&v, w->regs + off, width);
        return v;
    }
    return lawful(w, off);
}

static void write(void *ctx, uint64_t offset, unsigned width, uint32_t v, bool sync)
{
    struct window *w = ctx;
    uint32_t queue = get(w, R_QUEUE_SEL) % 32;

    (void)width, (void)sync;
    if (offset == R_STATUS && v == 0)
        w->ready = 0, memset(w->pfn, 0, sizeof(w->pfn)), put(w, R_INTERRUPT, 0);
    if (offset == R_QUEUE_READY)
        w->ready = (w->ready & ~(1u << queue)) | (v & 1) << queue;
    else if (offset == R_QUEUE_PFN)
        w->pfn[queue] = v;
    else if (offset == R_ACK)
        put(w, R_INTERRUPT, get(w, R_INTERRUPT) & ~v);
    else if (offset == R_QUEUE_RESET)
        w->ready &= ~(1u << queue);
    else if (offset % 4 == 0 && offset < R_CONFIG)
        put(w, (unsigned)offset, v);
    if (!get(w, R_INTERRUPT))
        host_irq_set(IRQ + (hal_irq_t)(w - windows), false);
}

static const struct host_bus bus = {read, write};

static void plug(unsigned n)
{
    static const uint8_t types[] = {MODEL_DEVICE_ID, 1, 2, 3, 4, 5, 19, 0};
    struct window *w = &windows[n];
    size_t len;

    put(w, 0, 0x74726976);
    put(w, 4, fuzz8() & 1 ? 2 : 1);
    put(w, 8, types[n + fuzz_below(sizeof(types) - 1)]); /* one testdrv at most */
    put(w, R_QUEUE_NUM_MAX, 1u << fuzz_below(12));
    for (unsigned i = 0; i < 4; i++)
        w->offered[i] = fuzz32();
    w->offered[1] |= get(w, 4) - 1;
    const uint8_t *config = fuzz_take(fuzz_below(96), &len);
    memcpy(w->regs + R_CONFIG, config, len);
    w->resets = true;
    for (w->patches = fuzz_below(PATCHES + 1), len = 0; len < w->patches; len++) {
        w->patch[len].off = (uint16_t)(fuzz8() * 4 % WINDOW);
        w->patch[len].look = fuzz8() & 1 ? fuzz8() : 0;
        w->patch[len].value = fuzz_odd32();
        w->resets &= w->patch[len].off != R_STATUS;
    }
    host_bus_add(PHYS + n * WINDOW, WINDOW, &bus, w);
    host_add_virtio_mmio(PHYS + n * WINDOW, WINDOW, IRQ + (hal_irq_t)n);
}

/* An interrupt that says so, or (its register being patched) does not; with another config space.
 */
static void interrupt(void)
{
    struct window *w = &windows[fuzz_below(2)];

    w->regs[R_CONFIG + fuzz8() % 96] = fuzz8();
    put(w, R_GENERATION, get(w, R_GENERATION) + 1);
    put(w, R_INTERRUPT, fuzz8() & 3);
    host_irq_pulse(IRQ + (hal_irq_t)(w - windows));
}

void fuzz_one(void)
{
    struct virtio_info info;

    fuzz_all_drivers();
    testdrv_one_queue(1 + fuzz_below(64), 2);
    td.queues = 1 + fuzz_below(4);
    for (unsigned i = 1; i < td.queues; i++)
        td.cfg[i] = td.cfg[0];
    plug(0);
    plug(1);
    host_boot();
    if (virtio_info(0, &info) == -ENOENT && windows[0].resets && windows[1].resets)
        CHECK_EQ(host_live_blocks(), 0);
    for (unsigned i = 0; i < 8 && fuzz_more(); i++) {
        interrupt();
        host_run_for(20 * HAL_MS);
    }
    fuzz_end(HAL_SEC);
}
