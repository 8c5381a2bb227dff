/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_smmu.c - an SMMUv3 is made to pass everything through (platform/virt/smmu.c), against a
 * model of its registers (Arm IHI 0070, 6.3.9, 6.3.14).
 */
#include "check.h"
#include "host.h"
#include "virt.h"

#define PHYS   0x09050000ull
#define ABORT  (1u << 20)
#define UPDATE (1u << 31)
#define NEVER  1000000000u

static struct {
    uint32_t cr0, ack, gbpa, kept;
    unsigned ack_reads, update_reads; /* reads until a change is done */
    bool dead, abort_fixed;           /* answers nothing; GBPA.ABORT cannot be changed */
    unsigned ack_left, update_left, gbpa_writes, cr0_writes;
    bool aborted; /* switched off while GBPA said abort */
} smmu;

static uint32_t read_smmu(void *ctx, uint64_t off, unsigned width, bool sync)
{
    (void)ctx;
    (void)sync;
    if (width != 4)
        host_violation("read of %u bytes", width);
    if (smmu.dead)
        return UINT32_MAX;
    switch (off) {
    case 0x20:
        return smmu.cr0;
    case 0x24:
        if (smmu.ack_left && !--smmu.ack_left)
            smmu.ack = smmu.cr0;
        return smmu.ack;
    case 0x44:
        if (smmu.update_left && !--smmu.update_left)
            smmu.gbpa = smmu.abort_fixed ? smmu.gbpa & ~UPDATE : smmu.kept & ~UPDATE;
        return smmu.gbpa;
    default:
        host_violation("read at %#llx", (unsigned long long)off);
        return 0;
    }
}

static void write_smmu(void *ctx, uint64_t off, unsigned width, uint32_t v, bool sync)
{
    (void)ctx;
    (void)sync;
    if (width != 4)
        host_violation("write of %u bytes", width);
    if (off == 0x20) {
        smmu.cr0_writes++;
        smmu.cr0 = v;
        smmu.ack_left = smmu.ack_reads;
        smmu.aborted |= !(v & 1) && smmu.gbpa & ABORT;
    } else if (off == 0x44) {
        smmu.gbpa_writes++;
        if (!(v & UPDATE) || smmu.gbpa & UPDATE)
            host_violation("GBPA is written %#x while it is %#x", v, smmu.gbpa);
        smmu.kept = v;
        smmu.gbpa |= UPDATE;
        smmu.update_left = smmu.update_reads;
    } else {
        host_violation("write at %#llx", (unsigned long long)off);
    }
}

static int bypass(void)
{
    static const struct host_bus bus = {read_smmu, write_smmu};

    host_bus_add(PHYS, 0x20000, &bus, NULL);
    return smmu_bypass(&(struct virt_part){{PHYS, 0x20000}, 1});
}

static void fresh(uint32_t cr0, uint32_t gbpa)
{
    smmu.cr0 = smmu.ack = cr0;
    smmu.gbpa = gbpa;
    smmu.ack_reads = smmu.update_reads = 3;
}

static void passes(void)
{
    CHECK_EQ(bypass(), 0);
    CHECK_EQ(smmu.cr0 | smmu.ack, 0);
    CHECK(!(smmu.gbpa & (ABORT | UPDATE)));
    CHECK(!smmu.aborted);
    CHECK_EQ(host_log_matches("pass through"), 1);
}

static void refused(const char *why)
{
    CHECK_EQ(bypass(), -EIO);
    CHECK_EQ(host_log_matches(why), 1);
    CHECK_EQ(host_log_matches("cannot reach memory"), 1);
}

static void off_and_bypass(void)
{
    fresh(0, 0x1000);
    passes();
    CHECK_EQ(smmu.gbpa_writes + smmu.cr0_writes, 0);
}

static void off_and_abort(void)
{
    fresh(0, ABORT | 0x1234);
    passes();
    CHECK_EQ(smmu.gbpa, 0x1234);
    CHECK_EQ(smmu.gbpa_writes, 1);
    CHECK_EQ(smmu.cr0_writes, 0);
}

/* Queues on as well: they lie in memory that is ours now. */
static void left_on(void)
{
    fresh(0x0d, 0);
    passes();
    CHECK_EQ(smmu.cr0_writes, 1);
}

static void left_on_and_abort(void)
{
    fresh(1, ABORT);
    passes();
}

static void an_update_under_way(void)
{
    fresh(0, ABORT | UPDATE);
    smmu.kept = ABORT;
    smmu.update_left = 5;
    passes();
}

static void update_never_ends(void)
{
    fresh(0, ABORT);
    smmu.update_reads = NEVER;
    refused("GBPA does not end");
}

/* The SMMU is not switched off: that would abort every access. */
static void update_never_ends_while_on(void)
{
    fresh(1, ABORT);
    smmu.update_reads = NEVER;
    refused("GBPA does not end");
    CHECK_EQ(smmu.cr0_writes, 0);
}

static void abort_cannot_be_cleared(void)
{
    fresh(0, ABORT);
    smmu.abort_fixed = true;
    refused("GBPA.ABORT");
}

static void never_off(void)
{
    fresh(1, 0);
    smmu.ack_reads = NEVER;
    refused("CR0ACK");
}

static void silent(void)
{
    smmu.dead = true;
    refused("does not answer");
    CHECK_EQ(smmu.cr0_writes + smmu.gbpa_writes, 0);
}

static void not_there(void)
{
    CHECK_EQ(smmu_bypass(&(struct virt_part){{0x1000, 0x20000}, 1}), -EIO);
    CHECK_EQ(host_log_matches("cannot be mapped"), 1);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"off_and_bypass", off_and_bypass, "FEAT-15"},
        {"off_and_abort", off_and_abort, "FEAT-15"},
        {"left_on", left_on, "FEAT-15"},
        {"left_on_and_abort", left_on_and_abort, "FEAT-15"},
        {"an_update_under_way", an_update_under_way, "FEAT-15"},
        {"update_never_ends", update_never_ends, NULL},
        {"update_never_ends_while_on", update_never_ends_while_on, NULL},
        {"abort_cannot_be_cleared", abort_cannot_be_cleared, NULL},
        {"never_off", never_off, NULL},
        {"silent", silent, NULL},
        {"not_there", not_there, NULL},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
