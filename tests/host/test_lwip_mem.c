/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_mem.c - what lwIP stands on: memory and its limit, random numbers, checksums, errno
 * values (net/lwip/net_mem.c, net_random.c, net_chksum.c, net_errno.c).
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "lwip/tcp.h"
#include "net_hooks.h"
#include "net_impl.h"
#include "tasks.h"

#define BLOCKS 20000

static void *blocks[BLOCKS];

/* ---- memory ---------------------------------------------------------------------------------- */

/* Blocks of every size are apart, aligned, and keep what is written to them. */
static void blocks_are_apart(void)
{
    static size_t sizes[500];

    host_boot();
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 500; i++) {
            sizes[i] = 1 + random_below(random_below(10) ? 2100 : 9000);
            blocks[i] = net_malloc(sizes[i]);
            CHECK(blocks[i] != NULL);
            CHECK_EQ((uintptr_t)blocks[i] % 16, 0);
            memset(blocks[i], (int)i, sizes[i]);
        }
        for (unsigned i = 0; i < 500; i++) {
            for (size_t b = 0; b < sizes[i]; b++)
                CHECK_EQ(((uint8_t *)blocks[i])[b], (uint8_t)i);
            net_free(blocks[i]);
        }
    }
    net_free(NULL);
}

static void what_is_lent_is_counted(void)
{
    host_boot();
    uint64_t lent = net_mem_lent(), used = net_mem_used();
    void *small = net_malloc(100), *large = net_malloc(5000);
    CHECK_EQ(net_mem_lent(), lent + 160 + 8192); /* whole pages of a large one */
    CHECK(net_mem_used() >= used + 5016);
    net_free(large);
    CHECK_EQ(net_mem_lent(), lent + 160);
    net_free(small);
    CHECK_EQ(net_mem_lent(), lent);
    used = net_mem_used();
    CHECK_EQ(net_malloc(100), small); /* the page that it took stays, and is used again */
    CHECK_EQ(net_mem_used(), used);
    CHECK_EQ(net_mem_limit(), 16u << 20);
}

static unsigned take_all(size_t size)
{
    unsigned n = 0;

    while (n < BLOCKS && (blocks[n] = net_malloc(size)))
        n++;
    CHECK(n < BLOCKS);
    return n;
}

static void the_limit_holds(void)
{
    host_set_ram(4 << 20);
    host_boot();
    CHECK_EQ(net_mem_limit(), 1 << 20);
    uint64_t failed = net_mem_failed();
    unsigned n = take_all(1000);
    CHECK(net_mem_used() <= 1 << 20);
    CHECK(net_mem_used() > (1 << 20) - (64 << 10));
    CHECK_EQ(net_mem_failed(), failed + 1);
    CHECK(net_malloc(100000) == NULL);
    CHECK_EQ(net_mem_failed(), failed + 2);
    CHECK(net_mem_used() <= 1 << 20);
    while (n)
        net_free(blocks[--n]);
    n = take_all(1000); /* all of it is there again */
    CHECK(n > 700);
    while (n)
        net_free(blocks[--n]);
    n = take_all(100000);
    CHECK(n <= 10 && net_mem_used() <= 1 << 20);
}

/* When no page is left, a block of a larger class does for a smaller one. */
static void larger_blocks_serve_when_pages_are_gone(void)
{
    host_set_ram(1 << 20);
    host_boot();
    unsigned n = take_all(2000);
    unsigned small = 0;
    while (net_malloc(20))
        small++;
    net_free(blocks[--n]);
    CHECK(net_malloc(20) != NULL);
    CHECK(net_malloc(20) == NULL);
}

/* Large blocks are used again without the heap, an eighth of the limit of them at most ... */
static void large_blocks_wait(void)
{
    host_boot();
    uint64_t used = net_mem_used(), allocs;
    void *p = net_malloc(60000), *q;

    net_free(p);
    allocs = host_allocs();
    for (unsigned i = 0; i < 10; i++) {
        q = net_malloc(i % 2 ? 50000 : 60000); /* a quarter larger is near enough */
        CHECK(q == p);
        net_free(q);
    }
    CHECK_EQ(host_allocs(), allocs);
    q = net_malloc(20000);
    CHECK(q != p);
    net_free(q);
    for (unsigned i = 0; i < 100; i++)
        CHECK((blocks[i] = net_malloc(60000)));
    for (unsigned i = 0; i < 100; i++)
        net_free(blocks[i]);
    CHECK(net_mem_used() - used <= net_mem_limit() / 8);
    CHECK(net_mem_used() - used > net_mem_limit() / 8 - (64 << 10));
}

/* ... and make room for others, when the limit or the machine has none. */
static void large_blocks_make_room(void)
{
    host_set_ram(4 << 20);
    host_boot();
    net_free(net_malloc(60000));
    net_free(net_malloc(50000));
    uint64_t used = net_mem_used();
    host_fail_alloc_after(0);
    CHECK(net_malloc(30000) == NULL);
    host_fail_alloc_after(-1);
    CHECK(net_mem_used() < used - 100000); /* all was given back for it */
    net_free(net_malloc(60000));
    take_all(1000);
    CHECK(net_mem_used() > (1 << 20) - (64 << 10));
    CHECK(net_mem_lent() > 900000);
}

static void eighths_of_the_limit(void)
{
    host_set_ram(4 << 20);
    host_boot();
    while (net_mem_lent() < (1 << 20) / 8 * 4 - 2048) {
        CHECK(net_mem_admit(NET_MEM_RX));
        CHECK(net_malloc(1000) != NULL);
    }
    net_malloc(2000);
    net_malloc(2000);
    CHECK(!net_mem_admit(NET_MEM_RX));
    CHECK(net_mem_admit(NET_MEM_RX_SMALL));
    while (net_mem_lent() < (1 << 20) / 8 * 5)
        net_malloc(1000);
    CHECK(!net_mem_admit(NET_MEM_RX_SMALL));
    CHECK(net_mem_admit(NET_MEM_TX));
    while (net_mem_lent() < (1 << 20) / 8 * 7)
        CHECK(net_malloc(1000) != NULL);
    CHECK(!net_mem_admit(NET_MEM_TX));
}

static void sizes_that_overflow(void)
{
    host_boot();
    CHECK(net_malloc(SIZE_MAX) == NULL);
    CHECK(net_malloc(SIZE_MAX - 15) == NULL);
    CHECK(net_calloc(SIZE_MAX / 2, 4) == NULL);
    memset(blocks[0] = net_malloc(300), 0x77, 300);
    net_free(blocks[0]);
    const char *zero = net_calloc(3, 100);
    for (int i = 0; i < 300; i++)
        CHECK_EQ(zero[i], 0);
}

/* A block that is freed twice ends the image: it would be given out twice. */
static void a_second_free_is_found(void)
{
    jmp_buf here;

    host_boot();
    void *p = net_malloc(100);
    net_free(p);
    if (setjmp(here) == 0) {
        host_expect_panic(&here);
        net_free(p);
        CHECK(!"a block was freed twice");
    }
}

/* ---- random numbers -------------------------------------------------------------------------- */

/* The test vectors of SipHash-2-4: key 00..0f, input 00, 01, ... */
static void hashes_are_siphash(void)
{
    uint8_t data[15];

    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    host_set_entropy("\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf");
    net_random_init();
    CHECK_EQ(net_hash(data, sizeof(data)), 0xa129ca6149be45e5);
    CHECK_EQ(net_hash(data, 8), 0x93f5f5799a932462);
    CHECK_EQ(net_hash(data, 0), 0x726fdb47dd0e0e31);
}

static void random_numbers_differ(void)
{
    host_boot();
    for (unsigned i = 0; i < 100; i++)
        blocks[i] = (void *)(uintptr_t)net_random32();
    for (unsigned i = 0; i < 100; i++)
        for (unsigned j = 0; j < i; j++)
            CHECK(blocks[i] != blocks[j]);
    CHECK(!host_logged("no entropy"));
}

static void no_entropy_is_told(void)
{
    host_no_entropy();
    host_boot();
    CHECK(host_logged("no entropy"));
}

/* Initial sequence numbers: a clock for one connection, far apart between connections. */
static void sequence_numbers(void)
{
    ip_addr_t a, b, c, six;

    host_boot();
    IP_ADDR4(&a, 10, 0, 2, 15);
    IP_ADDR4(&b, 10, 0, 2, 2);
    IP_ADDR4(&c, 10, 0, 2, 3);
    IP_ADDR6(&six, 1, 2, 3, 4);
    uint32_t isn = net_tcp_choose_isn(&a, 80, &b, 5000);
    host_advance(HAL_SEC);
    uint32_t later = net_tcp_choose_isn(&a, 80, &b, 5000) - isn;
    CHECK(later > 200000 && later < 300000); /* one each 4 us */
    const uint32_t others[] = {
        net_tcp_choose_isn(&a, 81, &b, 5000), net_tcp_choose_isn(&a, 80, &b, 5001),
        net_tcp_choose_isn(&a, 80, &c, 5000), net_tcp_choose_isn(&c, 80, &b, 5000),
        net_tcp_choose_isn(&six, 80, &six, 5000)};
    for (unsigned i = 0; i < 5; i++)
        CHECK(others[i] - isn > 1000000);
}

/* ---- checksums ------------------------------------------------------------------------------- */

static uint16_t plain_sum(const uint8_t *p, unsigned len)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < len; i++)
        sum += i % 2 ? (uint32_t)p[i] << 8 : p[i];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void sums_of_every_length(void)
{
    static uint8_t from[1600], to[1600];

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < sizeof(from); i++)
            from[i] = round == 0 ? 0xff : round == 1 ? (uint8_t)random32() : 0;
        for (unsigned len = 0; len < 1500; len++) {
            unsigned at = random_below(8);
            uint16_t sum = plain_sum(from + at, len);

            CHECK_EQ(net_chksum(from + at, (int)len), sum);
            to[len] = 0x5a;
            CHECK_EQ(net_chksum_copy(to, from + at, (uint16_t)len), sum);
            CHECK(memcmp(to, from + at, len) == 0 && to[len] == 0x5a);
        }
    }
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void errors_of_lwip(void)
{
    static const struct {
        err_t err;
        int number;
    } table[] = {{ERR_OK, 0},
                 {ERR_MEM, ENOMEM},
                 {ERR_BUF, ENOMEM},
                 {ERR_TIMEOUT, ETIMEDOUT},
                 {ERR_RTE, EHOSTUNREACH},
                 {ERR_INPROGRESS, EINPROGRESS},
                 {ERR_VAL, EINVAL},
                 {ERR_WOULDBLOCK, EAGAIN},
                 {ERR_USE, EADDRINUSE},
                 {ERR_ALREADY, EALREADY},
                 {ERR_ISCONN, EISCONN},
                 {ERR_CONN, ENOTCONN},
                 {ERR_IF, ENETDOWN},
                 {ERR_ABRT, ECONNABORTED},
                 {ERR_RST, ECONNRESET},
                 {ERR_CLSD, ENOTCONN},
                 {ERR_ARG, EINVAL}};

    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        CHECK_EQ(net_errno(table[i].err), table[i].number);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(blocks_are_apart, NULL),       SHOWS(what_is_lent_is_counted, NULL),
        SHOWS(the_limit_holds, NULL),        SHOWS(larger_blocks_serve_when_pages_are_gone, NULL),
        SHOWS(large_blocks_wait, NULL),      SHOWS(large_blocks_make_room, NULL),
        SHOWS(eighths_of_the_limit, NULL),   SHOWS(sizes_that_overflow, NULL),
        SHOWS(a_second_free_is_found, NULL), SHOWS(hashes_are_siphash, NULL),
        SHOWS(random_numbers_differ, NULL),  SHOWS(no_entropy_is_told, NULL),
        SHOWS(sequence_numbers, NULL),       SHOWS(sums_of_every_length, NULL),
        SHOWS(errors_of_lwip, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
