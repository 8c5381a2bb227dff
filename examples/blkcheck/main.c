/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkcheck - writes a pattern over a raw disk, syncs it, reads it back and compares. It writes as
 * any program does, through /dev and the cache; it reads past the cache, from the disk itself. Or
 * it writes rounds that a power cut may tear (rounds.h), after it has checked those of before.
 *
 * Every 8 bytes hold a number made of the seed and of their own place on the disk. So a block that
 * was written to a wrong place is found as well as a damaged block, and the report says where it
 * belongs.
 *
 * Exit status: 0 the disk holds the pattern, 1 it does not (or a transfer failed), 2 there was
 * nothing to check or it was refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vireo.h>

#include "block/block.h"
#include "pattern.h"
#include "reader.h"
#include "rounds.h"

#define CHUNK      (1024u * 1024u)
#define CHUNK_MIN  (64u * 1024u)
#define REPORT_MAX 8u /* wrong places that are printed; all are counted */

static struct {
    const char *disk; /* "vblk0" */
    const char *mode;
    uint64_t bytes; /* 0: the whole disk */
    uint64_t seed;
    bool force;
    uint64_t rounds;       /* how many more are written */
    uint64_t acknowledged; /* rounds that must be there */
} options;

/* Before main(), so that a misspelt argument is reported. */
static void read_options(void)
{
    options.disk = hal_option("blkcheck", "disk");
    options.mode = hal_option("blkcheck", "mode");
    options.bytes = hal_option_u64("blkcheck", "bytes", 0, 8, INT64_MAX);
    options.seed = hal_option_u64("blkcheck", "seed", 1, 0, UINT64_MAX);
    options.rounds = hal_option_u64("blkcheck", "rounds", 100, 0, INT32_MAX);
    options.acknowledged = hal_option_u64("blkcheck", "acknowledged", 0, 0, INT32_MAX);
    options.force = hal_option_u64("blkcheck", "force", 0, 0, 1);
    if (!options.disk)
        options.disk = "vblk0";
    if (!options.mode)
        options.mode = "both";
}
HAL_INIT(HAL_INIT_STACK, read_options);

/* An open disk, the bytes of it that are checked, and the buffer for them. */
struct job {
    int fd;
    struct block_device *dev;
    uint64_t bytes;
    char *buf;
    size_t chunk;
};

/* ---- the passes ------------------------------------------------------------------------------ */

static double mib_per_second(uint64_t bytes, uint64_t ns)
{
    return ns ? (double)bytes / (1024.0 * 1024.0) / ((double)ns / 1e9) : 0;
}

static size_t piece_at(const struct job *j, uint64_t at)
{
    return j->bytes - at < j->chunk ? (size_t)(j->bytes - at) : j->chunk;
}

/* How many of n bytes that were transferred count: whole words of the pattern only. */
static uint64_t whole_words(const struct job *j, uint64_t at, ssize_t n)
{
    return n > 0 && at + (uint64_t)n < j->bytes ? (uint64_t)n & ~7ull : (uint64_t)(n > 0 ? n : 0);
}

/* Writes the pattern and syncs. -1 after a message. Making the pattern does not count in the time.
 */
static int write_pass(const struct job *j)
{
    uint64_t start = hal_now_ns(), spent = 0;

    for (uint64_t at = 0; at < j->bytes;) {
        size_t len = piece_at(j, at);
        uint64_t before = hal_now_ns();
        pattern_fill(j->buf, len, at, options.seed);
        spent += hal_now_ns() - before;
        ssize_t n = pwrite(j->fd, j->buf, len, (off_t)at);
        uint64_t step = whole_words(j, at, n);
        if (step == 0) {
            printf("blkcheck: write at byte %llu: %s\n", (unsigned long long)at,
                   n < 0 ? strerror(errno) : "nothing was taken");
            return -1;
        }
        at += step;
    }
    uint64_t written = hal_now_ns();
    if (fsync(j->fd) != 0) {
        printf("blkcheck: fsync: %s\n", strerror(errno));
        return -1;
    }
    uint64_t end = hal_now_ns();
    printf("blkcheck: wrote %llu bytes: %.1f MiB/s with fsync, which took %.1f ms\n",
           (unsigned long long)j->bytes, mib_per_second(j->bytes, end - start - spent),
           (double)(end - written) / 1e6);
    return 0;
}

/* Compares len bytes that were read at `at` with the pattern. Returns how many words differ. */
static uint64_t compare(const char *data, size_t len, uint64_t at, uint64_t wrong_before)
{
    uint64_t wrong = 0;

    for (size_t i = 0; i < len;) {
        size_t bad = pattern_check(data + i, len - i, at + i, options.seed);
        if (bad == len - i)
            break;
        i += bad;
        if (wrong_before + wrong++ < REPORT_MAX)
            pattern_explain(data + i, len - i, at + i, options.seed);
        i += 8;
    }
    return wrong;
}

/* Reads and compares everything that `r` gives. False after a failed read. */
static bool verify_all(const struct job *j, struct reader *r, uint64_t *wrong, uint64_t *spent)
{
    const char *data;
    ssize_t n;

    for (uint64_t at = 0; (n = reader_next(r, &data)) > 0; at += (uint64_t)n) {
        uint64_t before = hal_now_ns();
        size_t len = j->bytes - at < (uint64_t)n ? (size_t)(j->bytes - at) : (size_t)n;
        *wrong += compare(data, len, at, *wrong);
        *spent += hal_now_ns() - before;
    }
    if (n < 0)
        printf("blkcheck: read: %s\n", strerror((int)-n));
    return n == 0;
}

/* Reads everything back, past the cache. Returns the number of wrong words; -1 after a message. */
static int64_t verify_pass(const struct job *j)
{
    struct reader r;
    uint64_t start = hal_now_ns(), spent = 0, wrong = 0;

    reader_start(&r, j->dev, j->bytes, j->buf, j->chunk);
    bool good = verify_all(j, &r, &wrong, &spent);
    reader_stop(&r);
    if (!good)
        return -1;
    printf("blkcheck: read %llu bytes: %.1f MiB/s, %u requests at a time\n",
           (unsigned long long)j->bytes, mib_per_second(j->bytes, hal_now_ns() - start - spent),
           READER_DEPTH);
    return (int64_t)wrong;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static ssize_t read_disk(void *ctx, void *buf, size_t len, uint64_t at)
{
    const struct job *j = ctx;

    return pread(j->fd, buf, len, (off_t)at);
}

static bool write_round(const struct job *j, const struct rounds *r, uint64_t round)
{
    for (unsigned n = 0; n < ROUND_PIECES; n++) {
        struct round_piece p = rounds_piece(r, round, n);
        size_t len = p.sectors * ROUND_SECTOR;

        rounds_fill(r, round, &p, j->buf);
        if (pwrite(j->fd, j->buf, len, (off_t)(p.sector * ROUND_SECTOR)) != (ssize_t)len) {
            printf("blkcheck: write in round %llu: %s\n", (unsigned long long)round,
                   strerror(errno));
            return false;
        }
    }
    if (fsync(j->fd) == 0)
        return true;
    printf("blkcheck: fsync of round %llu: %s\n", (unsigned long long)round, strerror(errno));
    return false;
}

/* Checks the rounds that are there, and writes more. Returns the exit status. */
static int run_rounds(struct job *j)
{
    struct rounds r = {j->bytes / ROUND_SECTOR, options.seed, read_disk, j};
    uint64_t found, whole;
    int64_t wrong;

    if (r.sectors <= ROUND_SECTORS_MAX) {
        printf("blkcheck: %llu bytes are too few for rounds\n", (unsigned long long)j->bytes);
        return 2;
    }
    wrong = rounds_check(&r, options.acknowledged, &found, &whole);
    if (wrong < 0)
        return 1;
    printf("blkcheck: %s: %s, %llu rounds, %lld sectors are wrong\n", options.disk,
           wrong ? "BAD" : "good", (unsigned long long)whole, (long long)wrong);
    for (uint64_t i = 1; i <= options.rounds && !wrong; i++) {
        if (!write_round(j, &r, whole + i))
            return 1;
        printf("blkcheck: acknowledged %llu\n", (unsigned long long)(whole + i));
    }
    return wrong != 0;
}

/* ---- what to check --------------------------------------------------------------------------- */

static int list_disks(void)
{
    struct block_device *dev = block_get(0);

    printf("blkcheck: there is no disk %s; ", options.disk);
    if (!dev)
        printf("none was found at all: give the machine one, such as\nblkcheck:   "
               "-drive if=none,id=d,format=raw,file=scratch.img "
               "-device virtio-blk-device,drive=d\n");
    else
        printf("found:");
    for (unsigned n = 0; (dev = block_get(n)) != NULL; n++)
        printf(" %s (%llu bytes%s)", block_name(dev), (unsigned long long)block_capacity(dev),
               block_read_only(dev) ? ", read-only" : "");
    if (block_get(0))
        printf("; choose one with vireo.blkcheck.disk=NAME\n");
    return 2;
}

/* Does the disk begin with a tar archive, as a file tree does? */
static bool holds_tree(int fd)
{
    char header[512];
    return pread(fd, header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
           memcmp(header + 257, "ustar", 5) == 0;
}

static bool wants_rounds(void)
{
    return strcmp(options.mode, "rounds") == 0;
}

static bool wants(const char *pass)
{
    return strcmp(options.mode, "both") == 0 || strcmp(options.mode, pass) == 0;
}

/* Opens the disk for what the mode does. 0, or the exit status after a message. */
static int open_disk(struct job *j)
{
    char path[64];
    bool writing = wants("write") || (wants_rounds() && options.rounds);

    if (!writing && !wants("verify") && !wants_rounds()) {
        printf("blkcheck: vireo.blkcheck.mode=%s: say write, verify, both or rounds\n",
               options.mode);
        return 2;
    }
    if (writing && block_read_only(j->dev)) {
        printf("blkcheck: %s is read-only: %s\n", options.disk,
               wants("verify") ? "checking what an earlier run wrote"
                               : "vireo.blkcheck.mode=verify checks what an earlier run wrote");
        if (!wants("verify"))
            return 2;
        options.mode = "verify";
        writing = false;
    }
    snprintf(path, sizeof(path), "/dev/%s", options.disk);
    j->fd = open(path, writing ? O_RDWR : O_RDONLY);
    if (j->fd < 0) {
        printf("blkcheck: %s: %s\n", path, strerror(errno));
        return 2;
    }
    if (writing && !options.force && holds_tree(j->fd)) {
        printf("blkcheck: %s holds a file tree (tar), which this would destroy; "
               "vireo.blkcheck.force=1 does it all the same\n",
               options.disk);
        return 2;
    }
    return 0;
}

/* Finds out how many bytes to check, and allocates a buffer. 0, or the exit status after a message.
 */
static int prepare(struct job *j)
{
    uint64_t capacity = block_capacity(j->dev);

    if (options.bytes > capacity) {
        printf("blkcheck: vireo.blkcheck.bytes=%llu: %s has %llu\n",
               (unsigned long long)options.bytes, options.disk, (unsigned long long)capacity);
        return 2;
    }
    j->bytes = options.bytes ? options.bytes : capacity;
    if (j->bytes == 0) {
        printf("blkcheck: %s has no bytes: there is nothing to check\n", options.disk);
        return 2;
    }
    if ((off_t)j->bytes < 0 || (uint64_t)(off_t)j->bytes != j->bytes) {
        printf("blkcheck: %llu bytes are more than an off_t can tell: give "
               "vireo.blkcheck.bytes=2147483647 or less\n",
               (unsigned long long)j->bytes);
        return 2;
    }
    for (j->chunk = CHUNK; j->chunk >= CHUNK_MIN; j->chunk /= 2)
        if ((j->buf = malloc(j->chunk)) != NULL)
            return 0;
    printf("blkcheck: no memory for a buffer of %u KiB\n", CHUNK_MIN / 1024);
    return 2;
}

static int run(const struct job *j)
{
    if (wants("write") && write_pass(j) != 0)
        return 1;
    if (!wants("verify"))
        return 0;
    int64_t wrong = verify_pass(j);
    if (wrong == 0)
        printf("blkcheck: %s: good\n", options.disk);
    else if (wrong > 0)
        printf("blkcheck: %s: BAD, %lld words of 8 bytes are wrong\n", options.disk,
               (long long)wrong);
    return wrong != 0;
}

int main(void)
{
    struct job j = {.fd = -1, .dev = block_find(options.disk)};

    if (!j.dev)
        return list_disks();
    int rc = open_disk(&j);
    if (rc == 0)
        rc = prepare(&j);
    if (rc == 0) {
        vireo_ready();
        rc = wants_rounds() ? run_rounds(&j) : run(&j);
    }
    if (j.fd >= 0 && close(j.fd) != 0 && rc == 0) {
        printf("blkcheck: close: %s\n", strerror(errno));
        rc = 1;
    }
    return rc;
}
