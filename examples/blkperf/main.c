/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkperf - measures a disk: puts the load on it that the boot arguments say, and ends.
 *
 * Exit status: 0 the load was carried, 1 it was not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <vireo.h>

#include "block/block.h"
#include "load.h"

static struct load load;
static const char *disk;

static uint64_t number(const char *option, uint64_t usual)
{
    return hal_option_u64("blkperf", option, usual, 0, UINT32_MAX);
}

/* Before main(), so that a misspelt argument is reported. */
static void read_options(void)
{
    load.name = hal_option("blkperf", "run");
    load.path = hal_option("blkperf", "path");
    disk = hal_option("blkperf", "disk");
    load.size = (uint32_t)number("size", 4096);
    load.depth = (unsigned)number("depth", 32);
    load.burst = number("burst", 0);
    load.operations = number("n", 0);
    load.time_ns = number("ms", 1000) * HAL_MS;
    if (!load.name)
        load.name = "randread";
    if (!disk)
        disk = "vblk0";
}
HAL_INIT(HAL_INIT_STACK, read_options);

void load_begin(struct load_result *r)
{
    r->ns = hal_now_ns();
    arch_mark_insn(2);
}

void load_end(struct load_result *r)
{
    arch_mark_insn(3);
    r->ns = hal_now_ns() - r->ns;
}

static const char *const of_files[] = {"append", "create", "files"};

/* The load of that name; NULL: there is none. */
static int (*load_named(const char *name))(const struct load *, struct load_result *)
{
    static const char *const queued[] = {"randread", "randwrite", "seqread", "seqwrite", "flush"};
    static const char *const cached[] = {"pread", "borrow", "miss", "open", "reopen"};

    for (unsigned i = 0; i < sizeof(queued) / sizeof(queued[0]); i++)
        if (strcmp(name, queued[i]) == 0)
            return load_queue;
    for (unsigned i = 0; i < sizeof(cached) / sizeof(cached[0]); i++)
        if (strcmp(name, cached[i]) == 0)
            return load_cached;
    for (unsigned i = 0; i < sizeof(of_files) / sizeof(of_files[0]); i++)
        if (strcmp(name, of_files[i]) == 0)
            return load_files;
    return NULL;
}

static bool wants_path(const char *name)
{
    return strcmp(name, "open") == 0 || strcmp(name, "reopen") == 0 ||
           load_named(name) == load_files;
}

int main(void)
{
    int (*run)(const struct load *, struct load_result *) = load_named(load.name);
    struct load_result result = {0};

    load.dev = block_find(disk);
    if (!load.dev) {
        printf("blkperf: there is no disk %s\n", disk);
        return 1;
    }
    if (!run || (wants_path(load.name) && !load.path)) {
        printf("blkperf: vireo.blkperf.run= is randread, randwrite, seqread, seqwrite, flush, "
               "pread, borrow, miss, or open, reopen, append, create, files with "
               "vireo.blkperf.path=\n");
        return 1;
    }
    if (run(&load, &result))
        return 1;
    printf("blkperf: %s operations=%" PRIu64 " bytes=%" PRIu64 " ns=%" PRIu64 "\n", load.name,
           result.operations, result.bytes, result.ns);
    return 0;
}
