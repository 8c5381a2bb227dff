/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.c - a log, the first sector of a disk, an ARP question, and two longer checks: of the
 * clock, and of writes. The same on every machine.
 */
#include "port.h"

/* ---- log: the formats of hal.h, without widths ----------------------------------------------- */

static void put_text(const char *s, size_t most)
{
    while (*s && most--)
        port_put(*s++);
}

static void put_line(const char *s)
{
    put_text(s, SIZE_MAX);
    port_put('\n');
}

static void put_number(uint64_t v, unsigned base)
{
    if (v >= base)
        put_number(v / base, base);
    port_put("0123456789abcdef"[v % base]);
}

static void put_signed(int64_t v)
{
    if (v < 0)
        port_put('-');
    put_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10);
}

void port_log(enum hal_level level, const char *who, const char *fmt, va_list ap)
{
    (void)level;
    put_text(who, SIZE_MAX);
    put_text(": ", SIZE_MAX);
    for (; *fmt; fmt++) {
        size_t most = SIZE_MAX;
        bool wide = false;

        if (*fmt != '%') {
            port_put(*fmt);
            continue;
        }
        for (fmt++; *fmt == '-' || *fmt == '.' || (*fmt >= '0' && *fmt <= '9'); fmt++)
            ;
        if (*fmt == '*') {
            most = va_arg(ap, unsigned);
            fmt++;
        }
        for (; *fmt == 'l' || *fmt == 'z'; fmt++)
            wide = sizeof(long) == 8 || fmt[-1] == 'l';
        if (*fmt == 's')
            put_text(va_arg(ap, const char *), most);
        else if (*fmt == 'c')
            port_put((char)va_arg(ap, int));
        else if (*fmt == 'd')
            put_signed(wide ? va_arg(ap, int64_t) : va_arg(ap, int));
        else if (*fmt == 'p')
            put_number((uintptr_t)va_arg(ap, void *), 16);
        else if (*fmt == 'u' || *fmt == 'x')
            put_number(wide ? va_arg(ap, uint64_t) : va_arg(ap, unsigned), *fmt == 'u' ? 10 : 16);
        else
            port_put(*fmt);
    }
    port_put('\n');
}

/* ---- disk ------------------------------------------------------------------------------------ */

static volatile bool ended;

HAL_WEAK void port_sleep(uint64_t when)
{
    (void)when;
}

/*
 * Runs the drivers until something ended, for so many seconds at most. The last turn begins behind
 * the limit: whatever the clock does, the drivers have seen their own deadlines pass by then.
 */
static bool wait(unsigned seconds)
{
    uint64_t limit = hal_now_ns() + seconds * HAL_SEC;
    bool late = false;

    while (!ended && !late) {
        uint64_t when;

        late = hal_now_ns() >= limit;
        when = vireo_poll();
        if (when && !ended && !late)
            port_sleep(when < limit ? when : limit);
    }
    return ended;
}

void port_check_clock(void)
{
    uint64_t end = hal_now_ns() + 3 * HAL_SEC;

    put_line("check: three seconds begin");
    while (hal_now_ns() < end)
        ;
    put_line("check: three seconds end");
}

#if VIREO_BLK
static void request_done(struct block_request *r)
{
    (void)r;
    ended = true;
}

#define BLOCK_MOST    4096u
#define DISK_PATIENCE 40 /* seconds: the driver resets a disk that does not answer for 30 s */
static char block[BLOCK_MOST + 1];

/* A request for one block, until its end: 0 or a negative errno. After -ETIMEDOUT: none any more.
 */
static int disk_request(struct block_device *disk, enum block_op op, uint64_t sector)
{
    static struct block_seg seg = {block, 0};
    static struct block_request r;
    struct block_request *one = &r;

    seg.len = block_size(disk);
    r = (struct block_request){.op = op, .sector = sector, .done = request_done};
    if (op != BLOCK_FLUSH) {
        r.segs = &seg;
        r.seg_count = 1;
    }
    ended = false;
    block_submit(disk, &one, 1);
    return wait(DISK_PATIENCE) ? r.result : -ETIMEDOUT;
}

/* Writes a block so that it lasts over a power cut. */
static int disk_write(struct block_device *disk, uint64_t sector)
{
    int result;

    do {
        result = disk_request(disk, BLOCK_WRITE, sector);
        if (!result)
            result = disk_request(disk, BLOCK_FLUSH, 0);
    } while (result == -ESTALE); /* the device was reset: the write may be lost */
    return result;
}

static void check_disk(struct block_device *disk)
{
    if (block_size(disk) > BLOCK_MOST || disk_request(disk, BLOCK_READ, 0)) {
        put_line("check: the disk does not answer");
        return;
    }
    put_text("check: sector 0: ", SIZE_MAX);
    put_line(block);
}

/* Is the block on the disk what is written there in this round? */
static int check_round(struct block_device *disk, uint64_t sector, unsigned round)
{
    char expected = (char)(round % 95 + ' ');
    int result;

    memset(block, expected, block_size(disk));
    result = disk_write(disk, sector);
    memset(block, 0, block_size(disk));
    if (!result)
        result = disk_request(disk, BLOCK_READ, sector);
    for (uint32_t i = 0; i < block_size(disk) && !result; i++)
        if (block[i] != expected)
            result = -EIO;
    return result;
}

void port_check_writes(unsigned rounds)
{
    struct block_device *disk = block_get(0);
    uint64_t began = hal_now_ns(), last;
    int result = 0;

    if (!disk || block_size(disk) > BLOCK_MOST || block_capacity(disk) < BLOCK_MOST)
        return;
    last = (block_capacity(disk) - block_size(disk)) >> BLOCK_SECTOR_SHIFT;
    for (unsigned n = 0; n < rounds && !result; n++)
        result = check_round(disk, last, n);
    put_text("check: writes ended with ", SIZE_MAX);
    put_signed(result);
    put_text(" after ms: ", SIZE_MAX);
    put_number((hal_now_ns() - began) / HAL_MS, 10);
    put_line("");
}
#endif

/* ---- network --------------------------------------------------------------------------------- */

#if VIREO_NET
static void frame_came(void *ctx, struct vnet_rx *rx)
{
    const uint8_t *f = rx->head;

    (void)ctx;
    if (!ended && rx->len >= 42 && f[12] == 8 && f[13] == 6 && f[21] == 2) {
        put_text("check: 10.0.2.2 is at", SIZE_MAX);
        for (unsigned i = 22; i < 28; i++) {
            port_put(i == 22 ? ' ' : ':');
            put_number(f[i] >> 4, 16);
            put_number(f[i] & 15, 16);
        }
        put_line("");
        ended = true;
    }
    vnet_rx_free(rx);
}

static void frame_sent(void *ctx, void *cookie)
{
    (void)ctx;
    (void)cookie;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void link_changed(void *ctx, bool up)
{
    (void)ctx;
    (void)up;
}

static void check_net(struct vnet *card)
{
    static const struct vnet_client client = {frame_came, nothing,      frame_sent,
                                              nothing,    link_changed, NULL};
    static const uint8_t fixed[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    static const uint8_t own[] = {10, 0, 2, 15}, wanted[] = {10, 0, 2, 2};
    static uint8_t frame[VNET_HDR_MAX + 60];
    struct vnet_piece piece = {frame + VNET_HDR_MAX, 60};
    uint8_t *f = frame + VNET_HDR_MAX;

    memset(f, 0xff, VNET_MAC_LEN);
    memcpy(f + 6, vnet_mac(card), VNET_MAC_LEN);
    memcpy(f + 12, fixed, sizeof(fixed));
    memcpy(f + 22, vnet_mac(card), VNET_MAC_LEN);
    memcpy(f + 28, own, sizeof(own));
    memcpy(f + 38, wanted, sizeof(wanted));
    ended = false;
    vnet_attach(card, &client);
    if (vnet_send(card, &piece, 1, VNET_HDR_MAX, NULL, frame))
        put_line("check: the card takes no frame");
    vnet_flush(card);
    if (!wait(5))
        put_line("check: no answer came");
}
#endif

void port_check(void)
{
#if VIREO_BLK
    if (block_get(0))
        check_disk(block_get(0));
    else
        put_line("check: no disk");
#endif
#if VIREO_NET
    if (vnet_get(0))
        check_net(vnet_get(0));
    else
        put_line("check: no network card");
#endif
}
