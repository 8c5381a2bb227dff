/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_random.c - an image's random bytes (platform/runtime/entropy.c) against a second
 * implementation of the block function, which the test vectors of RFC 8439 (A.1) judge: what goes
 * into the key, that half of each block becomes the next key, and when the log warns.
 */
#include <string.h>

#include "board.h"
#include "check.h"
#include "host.h"
#include "runtime.h"

static unsigned cpu_words; /* of arch_random, until it has none */
static bool cpu_has;

bool arch_random(uint64_t *out)
{
    *out = 0x1111111111111111ull * ++cpu_words;
    return cpu_has;
}

/* ---- the model ------------------------------------------------------------------------------- */

static uint32_t model_key[8];
static uint64_t model_count;

static uint32_t left(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static void mix(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
    x[a] += x[b], x[d] = left(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = left(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = left(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = left(x[b] ^ x[c], 7);
}

static void block(uint32_t out[16])
{
    uint32_t first[16];

    memcpy(first, "expand 32-byte k", 16);
    memcpy(first + 4, model_key, 32);
    memcpy(first + 12, &model_count, 8);
    memset(first + 14, 0, 8);
    memcpy(out, first, sizeof(first));
    for (unsigned i = 0; i < 10; i++) {
        mix(out, 0, 4, 8, 12), mix(out, 1, 5, 9, 13);
        mix(out, 2, 6, 10, 14), mix(out, 3, 7, 11, 15);
        mix(out, 0, 5, 10, 15), mix(out, 1, 6, 11, 12);
        mix(out, 2, 7, 8, 13), mix(out, 3, 4, 9, 14);
    }
    for (unsigned i = 0; i < 16; i++)
        out[i] += first[i];
    model_count++;
}

static void stir(const void *with, size_t len)
{
    uint8_t bytes[32] = {0};
    uint32_t out[16];

    memcpy(bytes, with, len);
    for (unsigned i = 0; i < 32; i++)
        ((uint8_t *)model_key)[i] ^= bytes[i];
    block(out);
    memcpy(model_key, out, 32);
}

static void add_time(void)
{
    uint64_t now = hal_now_ns();

    for (unsigned i = 0; i < 8; i++)
        model_key[i] ^= (uint32_t)(now >> 32 * (i % 2));
}

static void take(uint8_t *to, size_t len)
{
    while (len) {
        uint32_t out[16];
        size_t n = len < 32 ? len : 32;
        block(out);
        memcpy(model_key, out, 32);
        memcpy(to, out + 8, n);
        to += n;
        len -= n;
    }
}

static void expect_same(size_t len)
{
    uint8_t ours[300] = {0}, model[300] = {0};

    CHECK(entropy_fill(ours, len));
    take(model, len);
    CHECK(!memcmp(ours, model, sizeof(ours)));
}

/* The clock stands still, so that the model knows it. */
static void still(void)
{
    host_time_step(0);
}

/* ---- cases ----------------------------------------------------------------------------------- */

/* RFC 8439, A.1, test vector 1 and 2: key and nonce 0, blocks 0 and 1. */
static void the_model_is_right(void)
{
    static const uint8_t first[8] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90};
    static const uint8_t second[8] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a};
    uint32_t out[16];

    block(out);
    CHECK(!memcmp(out, first, 8));
    block(out);
    CHECK(!memcmp(out, second, 8));
}

static uint8_t board_seed[64];

/* The board's seed, of len bytes from 1 on. */
static void give_seed(size_t len)
{
    for (unsigned i = 0; i < sizeof(board_seed); i++)
        board_seed[i] = (uint8_t)(i + 1);
    runtime_seed(board_seed, len);
}

/* Each block's first half is the next key: nothing that was handed out follows from the state. */
static void the_key_is_replaced(void)
{
    static const uint8_t bytes[16] = {3};

    still();
    add_time();
    hal_entropy_add(bytes, sizeof(bytes));
    stir(bytes, sizeof(bytes));
    expect_same(32);
    expect_same(32);
    expect_same(1);
    expect_same(33);
    expect_same(300);
}

static void seeds_go_in(void)
{
    uint8_t copy[50];

    for (unsigned i = 0; i < sizeof(copy); i++)
        copy[i] = (uint8_t)(i + 1);
    still();
    cpu_has = true;
    give_seed(50);
    add_time();
    uint64_t words[4] = {0x1111111111111111ull, 0x2222222222222222ull, 0x3333333333333333ull,
                         0x4444444444444444ull};
    stir(words, 32);
    stir(copy, 32);
    stir(copy + 32, 18);
    expect_same(64);
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
    CHECK_EQ(cpu_words, 4);           /* asked once */
    for (unsigned i = 0; i < 50; i++) /* wiped, and no more than was given */
        CHECK_EQ(board_seed[i], 0);
    CHECK_EQ(board_seed[50], 51);
}

static void devices_go_in(void)
{
    static const uint8_t bytes[40] = {1, 2, 3, [39] = 9};

    still();
    add_time();
    hal_entropy_add(bytes, sizeof(bytes));
    stir(bytes, 32);
    stir(bytes + 32, 8);
    expect_same(40);
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
    hal_entropy_add(bytes, 3);
    stir(bytes, 3);
    expect_same(7);
}

/* The clock is no entropy, and 15 bytes are too few: nothing is given, and the log says so once. */
static void too_little_gives_nothing(void)
{
    uint8_t buf[32] = {0}, zero[32] = {0};

    give_seed(15);
    CHECK(!entropy_fill(buf, sizeof(buf)));
    CHECK(!entropy_fill(buf, sizeof(buf)));
    CHECK(!memcmp(buf, zero, sizeof(buf)));
    CHECK_EQ(host_log_matches("no entropy"), 1);
    CHECK_EQ(host_log_lines(HAL_WARN), 1);
    hal_entropy_add("x", 1); /* a slow device */
    CHECK(entropy_fill(buf, sizeof(buf)) && memcmp(buf, zero, sizeof(buf)));
}

static void sixteen_bytes_are_enough(void)
{
    uint8_t buf[32];

    give_seed(15);
    hal_entropy_add("x", 1);
    CHECK(entropy_fill(buf, sizeof(buf)));
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
}

static const struct test_case cases[] = {
    {"the_model_is_right", the_model_is_right},
    {"the_key_is_replaced", the_key_is_replaced},
    {"seeds_go_in", seeds_go_in},
    {"devices_go_in", devices_go_in},
    {"too_little_gives_nothing", too_little_gives_nothing},
    {"sixteen_bytes_are_enough", sixteen_bytes_are_enough},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
