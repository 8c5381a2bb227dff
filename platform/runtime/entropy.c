/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entropy.c - random bytes: the ChaCha20 block function (RFC 8439, section 2.3) as a generator.
 * Half of each block becomes the next key, so that bytes which were handed out cannot be computed
 * from the generator's later state.
 *
 * The key is made of the board's seed (runtime_seed), of the CPU's generator, of what entropy
 * devices give (hal_entropy_add), and of the clock. All but the clock count as entropy. What went
 * into the key and what came out of it is wiped: memory holds the key alone.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "board.h"
#include "hal.h"
#include "runtime.h"

#define KEY_WORDS 8

static uint32_t key[KEY_WORDS];
static uint64_t blocks; /* computed so far: the block counter */
static bool seeded;     /* clock and CPU were stirred into the key */
static size_t known;    /* bytes of entropy in the key, at most ENOUGH */

#define ENOUGH 16 /* bytes of entropy: with fewer the generator gives nothing */

static uint32_t chacha_rotate(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static void chacha_quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b, *d = chacha_rotate(*d ^ *a, 16);
    *c += *d, *b = chacha_rotate(*b ^ *c, 12);
    *a += *b, *d = chacha_rotate(*d ^ *a, 8);
    *c += *d, *b = chacha_rotate(*b ^ *c, 7);
}

/* One block of the key stream; the counter is 64 bits wide, the nonce 0. */
static void chacha_block(uint32_t out[16])
{
    uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    memcpy(in + 4, key, sizeof(key));
    in[12] = (uint32_t)blocks;
    in[13] = (uint32_t)(blocks >> 32);
    blocks++;
    memcpy(out, in, sizeof(in));
    for (int round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 4; i++)
            chacha_quarter(&out[i], &out[4 + i], &out[8 + i], &out[12 + i]);
        for (unsigned i = 0; i < 4; i++)
            chacha_quarter(&out[i], &out[4 + (i + 1) % 4], &out[8 + (i + 2) % 4],
                           &out[12 + (i + 3) % 4]);
    }
    for (unsigned i = 0; i < 16; i++)
        out[i] += in[i];
    board_wipe(in, sizeof(in));
}

/* Adds 32 bytes to the key (exclusive or), and makes the next key of a block under that. */
static void entropy_stir(const uint32_t with[KEY_WORDS])
{
    uint32_t block[16];

    for (unsigned i = 0; i < KEY_WORDS; i++)
        key[i] ^= with[i];
    chacha_block(block);
    memcpy(key, block, sizeof(key));
    board_wipe(block, sizeof(block));
}

/* Four readings of the clock go into the key as they are: the next block mixes them. */
static void entropy_add_timing(void)
{
    for (unsigned i = 0; i < KEY_WORDS; i += 2) {
        uint64_t now = hal_now_ns();
        key[i] ^= (uint32_t)now;
        key[i + 1] ^= (uint32_t)(now >> 32);
    }
}

static void entropy_stir_bytes(const uint8_t *p, size_t len)
{
    uint32_t word[KEY_WORDS];

    while (len) {
        size_t n = len < sizeof(word) ? len : sizeof(word);

        memset(word, 0, sizeof(word));
        memcpy(word, p, n);
        entropy_stir(word);
        p += n;
        len -= n;
    }
    board_wipe(word, sizeof(word));
}

static void entropy_count(size_t bytes)
{
    known = bytes < ENOUGH - known ? known + bytes : ENOUGH;
}

static void entropy_stir_cpu(void)
{
    union {
        uint64_t random[4];
        uint32_t word[KEY_WORDS];
    } r;

    for (unsigned i = 0; i < 4; i++)
        if (!arch_random(&r.random[i]))
            return;
    entropy_stir(r.word);
    entropy_count(sizeof(r));
    board_wipe(&r, sizeof(r));
}

static void entropy_seed(void)
{
    if (seeded)
        return;
    seeded = true;
    entropy_add_timing();
    entropy_stir_cpu();
}

void hal_entropy_add(const void *buf, size_t len)
{
    entropy_seed();
    entropy_stir_bytes(buf, len);
    entropy_count(len);
}

void runtime_seed(void *seed, size_t len)
{
    hal_entropy_add(seed, len);
    board_wipe(seed, len);
}

static void entropy_warn(void)
{
    static bool warned;

    if (!warned)
        hal_log(HAL_WARN, "vireo",
                "no entropy: neither a virtio-rng device nor rng-seed in the device tree nor a "
                "generator in the CPU; getentropy() fails");
    warned = true;
}

bool entropy_fill(void *buf, size_t len)
{
    uint8_t *out = buf;
    uint32_t block[16];

    entropy_seed();
    if (known < ENOUGH) {
        entropy_warn();
        return false;
    }
    while (len) {
        size_t n = len < sizeof(block) - sizeof(key) ? len : sizeof(block) - sizeof(key);
        chacha_block(block);
        memcpy(key, block, sizeof(key));
        memcpy(out, block + KEY_WORDS, n);
        out += n;
        len -= n;
    }
    board_wipe(block, sizeof(block));
    return true;
}
