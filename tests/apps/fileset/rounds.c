/* SPDX-License-Identifier: BSD-2-Clause */
/* rounds.c - what the rounds of rounds.h leave, and whether it is there. */
#include "rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void round_fill(char *out, size_t len, unsigned round)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(round * 31 + i * 7 + (i >> 8) * 3);
}

void round_entry(unsigned round, char out[ROUND_ENTRY])
{
    round_fill(out, ROUND_ENTRY, round);
    snprintf(out, ROUND_ENTRY, "record %u", round);
    out[ROUND_ENTRY - 1] = '\n';
}

size_t round_file(unsigned round, char *out)
{
    size_t len = round * 977u % 9000;

    round_fill(out, len, round);
    return len;
}

size_t round_state(unsigned round, char *out)
{
    size_t len = 16 + round * 131u % 2500;

    round_fill(out, len, round);
    memset(out, 0, 16);
    snprintf(out, 16, "%u", round);
    return len;
}

const char *round_name(unsigned round)
{
    static char names[4][8];
    static unsigned next;
    char *name = names[next++ % 4];

    snprintf(name, 8, "f%u", round % (2 * ROUND_FILES));
    return name;
}

static char have[ROUND_MAX], want[ROUND_MAX];

static int wrong(const char *name, unsigned round)
{
    printf("BAD: %s is not as round %u left it\n", name, round);
    return -1;
}

/* The file of a round; `may`: it may be missing, or empty. */
static int check_file(round_read read, void *ctx, unsigned round, int may)
{
    const char *name = round_name(round);
    long n = read(ctx, name, have, sizeof(have));
    size_t len = round_file(round, want);

    if (may && n <= 0)
        return 0;
    return n == (long)len && !memcmp(have, want, len) ? 0 : wrong(name, round);
}

/* A log that begins with round `first` and has all records to `last`, perhaps one more. */
static int check_log(round_read read, void *ctx, const char *name, unsigned first, unsigned last)
{
    long n = read(ctx, name, have, sizeof(have)), least = (long)(last - first + 1) * ROUND_ENTRY;
    char entry[ROUND_ENTRY];

    if (n != least && n != least + (long)ROUND_ENTRY)
        return wrong(name, last);
    for (unsigned i = 0; i < (unsigned)n / ROUND_ENTRY; i++) {
        round_entry(first + i, entry);
        if (memcmp(have + i * ROUND_ENTRY, entry, ROUND_ENTRY))
            return wrong(name, first + i);
    }
    return 0;
}

/* The log, which the next round may have renamed. */
static int check_logs(round_read read, void *ctx, unsigned round)
{
    unsigned first = round / ROUND_LOG * ROUND_LOG;
    long n = read(ctx, "log", have, sizeof(have));

    first += !first; /* there is no round 0 */
    if ((round + 1) % ROUND_LOG || n > (long)ROUND_ENTRY)
        return check_log(read, ctx, "log", first, round);
    return check_log(read, ctx, "log.old", first, round);
}

long rounds_check(round_read read, void *ctx, unsigned acknowledged)
{
    long n = read(ctx, "state", have, sizeof(have) - 1);
    unsigned round = 0;
    size_t len;

    if (n > 0) {
        have[n] = '\0';
        round = (unsigned)strtoul(have, NULL, 10);
    }
    if (round < acknowledged) {
        printf("BAD: round %u is the last, and %u was acknowledged\n", round, acknowledged);
        return -1;
    }
    len = round ? round_state(round, want) : 0;
    if (round && (n != (long)len || memcmp(have, want, len)))
        return wrong("state", round);
    if (round && check_logs(read, ctx, round))
        return -1;
    for (unsigned i = round; i > 0 && i + ROUND_FILES > round; i--)
        if (check_file(read, ctx, i, i + ROUND_FILES - 1 == round))
            return -1;
    return check_file(read, ctx, round + 1, 1) ? -1 : (long)round;
}
