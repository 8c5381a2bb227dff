/*
 * entropy.c - random bytes: the ChaCha20 block function (RFC 8439, section 2.3) as a generator that
 * replaces its own key with each block, so that what was handed out cannot be computed afterwards.
 *
 * The key is made of the device tree's rng-seed, of the CPU's generator, and of the time that
 * things took. Only the first two count as entropy.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "board.h"
#include "hal.h"
#include "runtime.h"

#define KEY_WORDS 8

static uint32_t key[KEY_WORDS];
static uint64_t blocks;
static bool seeded;

static uint32_t rotate(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b, *d = rotate(*d ^ *a, 16);
    *c += *d, *b = rotate(*b ^ *c, 12);
    *a += *b, *d = rotate(*d ^ *a, 8);
    *c += *d, *b = rotate(*b ^ *c, 7);
}

/* One block of the key stream; the counter is 64 bits wide, the nonce 0. */
static void chacha_block(uint32_t out[16])
{
    uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    memcpy(in + 4, key, sizeof key);
    in[12] = (uint32_t)blocks;
    in[13] = (uint32_t)(blocks >> 32);
    blocks++;
    memcpy(out, in, sizeof in);
    for (int round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 4; i++)
            quarter(&out[i], &out[4 + i], &out[8 + i], &out[12 + i]);
        for (unsigned i = 0; i < 4; i++)
            quarter(&out[i], &out[4 + (i + 1) % 4], &out[8 + (i + 2) % 4], &out[12 + (i + 3) % 4]);
    }
    for (unsigned i = 0; i < 16; i++)
        out[i] += in[i];
}

/* Mixes 32 bytes into the key, and makes a new key of the whole. */
static void stir(const uint32_t with[KEY_WORDS])
{
    uint32_t block[16];

    for (unsigned i = 0; i < KEY_WORDS; i++)
        key[i] ^= with[i];
    chacha_block(block);
    memcpy(key, block, sizeof key);
}

/* What the clock says before and after the work of the block function, several times. */
static void stir_timing(void)
{
    union {
        uint64_t time[4];
        uint32_t word[KEY_WORDS];
    } t;

    for (unsigned i = 0; i < 4; i++)
        t.time[i] = hal_now_ns();
    stir(t.word);
}

static bool stir_seed(void)
{
    const struct board_info *info = board_info();
    uint32_t word[KEY_WORDS];
    unsigned done = 0;

    while (done < info->seed_len && done < sizeof info->seed) {
        unsigned n = info->seed_len - done;
        if (n > sizeof word)
            n = sizeof word;
        memset(word, 0, sizeof word);
        memcpy(word, info->seed + done, n);
        stir(word);
        done += n;
    }
    return done >= 16;
}

static bool stir_cpu(void)
{
    union {
        uint64_t random[4];
        uint32_t word[KEY_WORDS];
    } r;

    for (unsigned i = 0; i < 4; i++)
        if (!arch_random(&r.random[i]))
            return false;
    stir(r.word);
    return true;
}

static void seed(void)
{
    seeded = true;
    stir_timing();
    bool from_board = stir_seed();
    bool from_cpu = stir_cpu();
    if (!from_board && !from_cpu)
        hal_log(HAL_WARN, "vireo",
                "no entropy: neither rng-seed in the device tree nor a generator in the CPU; "
                "random numbers can be guessed");
}

void entropy_fill(void *buf, size_t len)
{
    uint8_t *out = buf;
    uint32_t block[16];

    if (!seeded)
        seed();
    while (len) {
        size_t n = len < sizeof block - sizeof key ? len : sizeof block - sizeof key;
        chacha_block(block);
        memcpy(key, block, sizeof key);
        memcpy(out, block + KEY_WORDS, n);
        out += n;
        len -= n;
    }
    memset(block, 0, sizeof block);
}
