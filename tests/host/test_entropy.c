/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_entropy.c - the generator of platform/runtime/entropy.c, unchanged: what is mixed in decides
 * what comes out, and how much of it silences the warning.
 */
#include "../../platform/runtime/entropy.c"

#include "check.h"
#include "host.h"

static bool has_cpu;
static uint8_t board_seed[64];

bool arch_random(uint64_t *out)
{
    *out = 0x1234;
    return has_cpu;
}

static bool warns(void)
{
    uint8_t out[8];

    bool given = entropy_fill(out, sizeof(out));
    CHECK(given == !host_logged("no entropy"));
    return !given;
}

/* RFC 8439, section 2.3.2 has a nonce; this is the key stream of key and nonce 0, its appendix A.1,
 * vector 1. */
static void known_block(void)
{
    static const uint8_t expected[] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                       0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    uint32_t block[16];

    chacha_block(block);
    CHECK(memcmp(block, expected, sizeof(expected)) == 0);
}

static void nothing_but_time(void)
{
    CHECK(warns());
    warns();
    CHECK_EQ(host_log_matches("no entropy"), 1);
}

static void board_counts(void)
{
    runtime_seed(board_seed, 16);
    CHECK(!warns());
}

static void short_board_seed_does_not(void)
{
    runtime_seed(board_seed, 15);
    CHECK(warns());
}

static void cpu_counts(void)
{
    has_cpu = true;
    CHECK(!warns());
}

static void device_counts(void)
{
    for (unsigned i = 0; i < 16; i++)
        hal_entropy_add("x", 1);
    CHECK(!warns());
}

static void short_device_does_not(void)
{
    for (unsigned i = 0; i < 15; i++)
        hal_entropy_add("x", 1);
    CHECK(warns());
}

/* Time goes the same way in each run of this process, so equal input gives equal output. */
static void generate(const char *added, size_t len, uint8_t out[64])
{
    seeded = false;
    known = ENOUGH;
    blocks = 0;
    memset(key, 0, sizeof(key));
    host_time_step(0);
    hal_entropy_add(added, len);
    entropy_fill(out, 64);
}

static void input_decides_output(void)
{
    char text[100];
    uint8_t first[64], other[64];

    memset(text, 'a', sizeof(text));
    generate(text, sizeof(text), first);
    generate(text, sizeof(text), other);
    CHECK(memcmp(first, other, 64) == 0);
    for (size_t i = 0; i < sizeof(text); i++) { /* each byte matters, the last few too */
        text[i]++;
        generate(text, sizeof(text), other);
        text[i]--;
        CHECK(memcmp(first, other, 64) != 0);
    }
}

/* Bytes that were handed out do not come again, and are not in the generator's state. */
static void never_twice(void)
{
    uint8_t a[96], b[96];

    runtime_seed(board_seed, 64);
    entropy_fill(a, sizeof(a));
    CHECK(memcmp(a, a + 32, 32) != 0 && memcmp(a + 32, a + 64, 32) != 0);
    CHECK(memcmp(key, a + 64, 32) != 0);
    entropy_fill(b, sizeof(b));
    CHECK(memcmp(a, b, sizeof(a)) != 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"known_block", known_block, ""},
        {"nothing_but_time", nothing_but_time, ""},
        {"board_counts", board_counts, ""},
        {"short_board_seed_does_not", short_board_seed_does_not, ""},
        {"cpu_counts", cpu_counts, ""},
        {"device_counts", device_counts, ""},
        {"short_device_does_not", short_device_does_not, ""},
        {"input_decides_output", input_decides_output, ""},
        {"never_twice", never_twice, ""},
    };
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
