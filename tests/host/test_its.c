/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_its.c - the GICv3 ITS (platform/virt/its*.c, lpi.c) against a model of one: what it is told,
 * where its tables lie, and what becomes of an ITS that does not do as it is told.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "model_its.h"

#define FIRST_ID 0x500u /* of the PCI host, at the ITS */

static struct virt_part *part(void)
{
    return &virt.msi[VIRT_MSI_ITS];
}

static int take(uint32_t function, struct hal_msi *msi)
{
    return msi_its.alloc(part(), FIRST_ID + function, msi);
}

static unsigned line_of(const struct hal_msi *msi)
{
    return VIRT_IRQ_ID(msi->irq);
}

static int unmask(const struct hal_msi *msi)
{
    return model_its_lines()->unmask(line_of(msi));
}

/* Runs fn(0) to fn(n - 1), each on a fresh machine. */
static void each_alone(void (*fn)(unsigned), unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            fn(i);
            exit(host_violations() > 0);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        if (status)
            check_fail(__FILE__, __LINE__, "case %u ends with status %d", i, status);
    }
}

/* ---- an ITS that works ----------------------------------------------------------------------- */

static void one_message(void)
{
    struct hal_msi msi;

    CHECK_EQ(take(9, &msi), 0);
    CHECK_EQ(msi.addr, MODEL_ITS_PHYS + 0x10040);
    CHECK(line_of(&msi) >= 8192);
    CHECK(model_its_lines() && line_of(&msi) < model_its_lines()->limit);
    CHECK_EQ(model_its_message(FIRST_ID + 9, msi.data), 0);
    CHECK_EQ(unmask(&msi), 0);
    CHECK_EQ(model_its_message(FIRST_ID + 9, msi.data), line_of(&msi));
    CHECK_EQ(model_its_message(FIRST_ID + 8, msi.data), 0);
    model_its_lines()->mask(line_of(&msi));
    CHECK_EQ(model_its_message(FIRST_ID + 9, msi.data), 0);
}

static void nothing_before_the_first(void)
{
    model_its_init();
    model_its_plug(FIRST_ID);
    CHECK_EQ(model_its.accesses, 0);
    CHECK_EQ(host_allocs(), 0);
    one_message();
}

static void messages_are_told_apart(void)
{
    struct hal_msi msi[3][4];

    model_its_init();
    model_its_plug(FIRST_ID);
    for (unsigned f = 0; f < 3; f++)
        for (unsigned i = 0; i < 4; i++) {
            CHECK_EQ(take(f * 300, &msi[f][i]), 0);
            CHECK_EQ(unmask(&msi[f][i]), 0);
        }
    for (unsigned f = 0; f < 3; f++)
        for (unsigned i = 0; i < 4; i++) {
            CHECK_EQ(model_its_message(FIRST_ID + f * 300, msi[f][i].data), line_of(&msi[f][i]));
            for (unsigned j = 0; j < i; j++)
                CHECK(msi[f][i].data != msi[f][j].data);
        }
    CHECK(line_of(&msi[0][0]) != line_of(&msi[1][0]));
}

static void what_is_given_back_is_used_again(void)
{
    struct hal_msi msi[2];

    model_its_init();
    model_its_plug(FIRST_ID);
    CHECK_EQ(take(1, &msi[0]), 0);
    int64_t before = host_live_blocks();
    CHECK_EQ(take(2, &msi[0]), 0);
    CHECK_EQ(take(2, &msi[1]), 0);
    CHECK_EQ(host_live_blocks(), before + 1);
    CHECK_EQ(unmask(&msi[1]), 0);
    CHECK(msi_its.free(&msi[1]));
    CHECK_EQ(model_its_message(FIRST_ID + 2, msi[1].data), 0);
    CHECK(msi_its.free(&msi[1])); /* twice is once */
    CHECK_EQ(host_live_blocks(), before + 1);
    CHECK(msi_its.free(&msi[0]));
    CHECK_EQ(host_live_blocks(), before);
    CHECK_EQ(unmask(&msi[0]), 0); /* nobody's line: nothing is asked of the ITS */
    CHECK_EQ(take(3, &msi[1]), 0);
    CHECK_EQ(line_of(&msi[1]), line_of(&msi[0]));
    CHECK_EQ(model_its_message(FIRST_ID + 3, msi[1].data), 0);
    CHECK(!msi_its.free(&(struct hal_msi){.irq = 80})); /* a GICv2m's */
}

static void used_up(void)
{
    struct hal_msi msi;

    model_its_init();
    model_its_plug(FIRST_ID);
    for (unsigned i = 0; i < 64; i++)
        CHECK_EQ(take(0, &msi), 0);
    CHECK_EQ(take(0, &msi), -ENOSPC);
    for (unsigned f = 1; f < 64; f++)
        CHECK_EQ(take(f, &msi), 0);
    CHECK_EQ(take(64, &msi), -ENOSPC);
    CHECK_EQ(take(1, &msi), 0);
}

static void the_queue_goes_round(void)
{
    struct hal_msi msi;

    model_its_init();
    model_its_plug(FIRST_ID);
    CHECK_EQ(take(0, &msi), 0);
    for (unsigned i = 0; i < 300; i++) {
        CHECK_EQ(unmask(&msi), 0);
        CHECK_EQ(model_its_message(FIRST_ID, msi.data), line_of(&msi));
        model_its_lines()->mask(line_of(&msi));
        CHECK_EQ(model_its_message(FIRST_ID, msi.data), 0);
    }
    CHECK(model_its.commands > 1200);
}

/* ---- sizes of all kinds ---------------------------------------------------------------------- */

static const struct shape {
    unsigned pages, entry, itt, event_bits;
    bool two_levels, shareable, address;
} shapes[] = {
    {1, 8, 12, 16, true, true, false},   {1, 32, 16, 16, true, true, true},
    {2, 8, 8, 5, true, true, false},     {4, 8, 12, 16, true, true, false},
    {4, 16, 12, 16, false, true, false}, {7, 8, 12, 16, false, true, false},
    {7, 8, 1, 2, true, false, false},    {4, 8, 12, 16, false, false, true},
    {2, 8, 12, 1, true, false, false},
};

static void of_shape(unsigned n)
{
    const struct shape *s = &shapes[n];

    model_its_init();
    model_its.page_sizes = s->pages;
    model_its.table[0].entry = s->entry;
    model_its.table[2].type = 2; /* what a GICv4 has */
    model_its.table[2].entry = 8;
    model_its.itt_entry = s->itt;
    model_its.event_bits = s->event_bits;
    model_its.two_levels = s->two_levels;
    model_its.shareable = s->shareable;
    model_its.target_address = s->address;
    model_its_plug(FIRST_ID);
    one_message();
    struct hal_msi msi;
    CHECK_EQ(take(0xfa00, &msi), 0);
    CHECK_EQ(unmask(&msi), 0);
    CHECK_EQ(model_its_message(FIRST_ID + 0xfa00, msi.data), line_of(&msi));
    for (unsigned i = 1; i < 64 && i < 1u << s->event_bits; i++)
        CHECK_EQ(take(9, &msi), 0);
    CHECK_EQ(take(9, &msi), -ENOSPC);
}

static void every_shape(void)
{
    each_alone(of_shape, sizeof(shapes) / sizeof(shapes[0]));
}

/* An id that its bits, or its table, have no place for. */
static void ids_beyond(unsigned n)
{
    struct hal_msi msi;

    model_its_init();
    model_its.page_sizes = 1;
    model_its.two_levels = n == 0;
    model_its.device_bits = n == 0 ? 11 : 20;
    model_its.table[0].entry = n == 0 ? 8 : 32;
    model_its_plug(FIRST_ID);
    /* 11 bits: ids to 0x7ff. 256 pages of 128 entries: ids to 0x7fff. */
    uint32_t last = (n == 0 ? 0x7ff : 0x7fff) - FIRST_ID;
    CHECK_EQ(take(last, &msi), 0);
    CHECK_EQ(take(last + 1, &msi), -ENOSPC);
}

static void ids_beyond_the_table(void)
{
    each_alone(ids_beyond, 2);
}

static void few_lpis(void)
{
    struct hal_msi msi;

    model_its_init();
    model_its.lpi_bits = 7; /* 128: two functions of 64 */
    model_its_plug(FIRST_ID);
    CHECK_EQ(take(0, &msi), 0);
    CHECK_EQ(take(1, &msi), 0);
    CHECK_EQ(take(2, &msi), -ENOSPC);
}

static void left_on_by_firmware(void)
{
    model_its_init();
    model_its.ctlr = 1;
    model_its.lpi_ctlr = 1;
    model_its_plug(FIRST_ID);
    one_message();
}

/* ---- an ITS that does not work --------------------------------------------------------------- */

/* A bad ITS is tried once: later calls access no register and log nothing. */
static void refused(int with)
{
    struct hal_msi msi;
    char said[40];

    CHECK_EQ(take(0, &msi), -ENODEV);
    uint64_t accesses = model_its.accesses;
    CHECK_EQ(take(0, &msi), -ENODEV);
    CHECK_EQ(take(1, &msi), -ENODEV);
    CHECK_EQ(model_its.accesses, accesses);
    snprintf(said, sizeof(said), "cannot be used (error %d)", -with);
    CHECK_EQ(host_log_matches(said), 1);
}

/* One fault of the machine; why it is refused. */
static int spoil(unsigned n)
{
    struct model_its *m = &model_its;

    switch (n) {
    case 0:
        m->stall_after = 0;
        return -EIO;
    case 1:
        m->dead_after = 0;
        return -EIO;
    case 2:
        m->never_quiescent = true;
        m->ctlr = 1;
        return -EIO;
    case 3:
        m->lpis_stuck_on = true;
        m->lpi_ctlr = 1;
        return -ENODEV;
    case 4:
        m->lpis_stuck_off = true;
        return -EIO;
    case 5:
        m->no_lpis = true;
        return -ENODEV;
    case 6:
        m->id_bits = 13;
        return -ENODEV;
    case 7:
        arch_secure = true;
        return -ENODEV;
    case 8:
        virt.gic.version = 2;
        return -ENODEV;
    case 9:
        part()->reg.len = 0x10000;
        return -ENODEV;
    case 10:
        m->forgets_tables = true;
        return -EIO;
    case 11:
        m->dead = true;
        return -EIO;
    case 12:
        m->lpi_bits = 5; /* not enough for one function */
        return -ENOSPC;
    default:
        m->baser[0] = 0; /* no device table */
        m->table[0].type = 0;
        return -ENODEV;
    }
}

static void unusable(unsigned n)
{
    model_its_init();
    model_its_plug(FIRST_ID);
    int with = spoil(n);
    refused(with);
    CHECK_EQ(model_its.ctlr & 1, 0); /* it is not left on */
}

static void unusable_in_every_way(void)
{
    each_alone(unusable, 14);
}

/* The first command that fails: MAPD, MAPTI, and the SYNC behind each. */
static void breaks_after(unsigned n)
{
    struct hal_msi msi;

    model_its_init();
    *(n & 1 ? &model_its.stall_after : &model_its.dead_after) = 2 + n / 2;
    model_its_plug(FIRST_ID);
    CHECK_EQ(take(0, &msi), -EIO);
    uint64_t accesses = model_its.accesses;
    CHECK_EQ(take(1, &msi), -ENODEV);
    CHECK_EQ(model_its.accesses, accesses);
    CHECK_EQ(host_log_matches("no further messages"), 1);
    CHECK_EQ(host_log_matches("stalled"), n & 1);
}

static void breaks_while_it_maps(void)
{
    each_alone(breaks_after, 8);
}

/* Attaching to a line fails; lines that worked before go on; masking does not hang. */
static void breaks_at_a_line(void)
{
    struct hal_msi msi[2];

    model_its_init();
    model_its_plug(FIRST_ID);
    CHECK_EQ(take(0, &msi[0]), 0);
    CHECK_EQ(take(0, &msi[1]), 0);
    CHECK_EQ(unmask(&msi[0]), 0);
    model_its.stall_after = model_its.commands;
    CHECK_EQ(unmask(&msi[1]), -EIO);
    CHECK_EQ(model_its_message(FIRST_ID, msi[0].data), line_of(&msi[0]));
    model_its_lines()->mask(line_of(&msi[1]));
    int64_t before = host_live_blocks();
    CHECK(msi_its.free(&msi[1]));
    CHECK(msi_its.free(&msi[0]));
    CHECK_EQ(host_live_blocks(), before); /* the table may still be read: it stays */
    CHECK_EQ(take(1, &msi[0]), -ENODEV);
    CHECK_EQ(host_log_matches("no further messages"), 1);
}

static void no_memory_for(unsigned n)
{
    struct hal_msi msi;

    model_its_init();
    model_its_plug(FIRST_ID);
    host_fail_alloc_after(n);
    CHECK_EQ(take(0, &msi), n < 6 ? -ENODEV : -ENOMEM);
    CHECK_EQ(host_log_matches("cannot be used (error 12)"), n < 6);
    host_fail_alloc_after(-1);
    /* Set-up is not tried again; a function's own tables are. */
    CHECK_EQ(take(0, &msi), n < 6 ? -ENODEV : 0);
}

/* Configuration, pending, slots, devices, collections, queue; second level, translations. */
static void no_memory(void)
{
    each_alone(no_memory_for, 8);
}

/* ---- ids (map.c) ----------------------------------------------------------------------------- */

static void maps_of_ids(void)
{
    const struct virt_map map = {
        .mask = 0xffff,
        .count = 3,
        .entry = {{0x0000, 0x100, 1, 0x10000}, {0x0100, 1, 2, 0}, {0x0200, 0xfe00, 1, 0x30}},
    };
    static const struct {
        uint32_t requester, phandle, id; /* phandle 0: none */
    } want[] = {
        {0x0000, 1, 0x10000}, {0x00ff, 1, 0x100ff}, {0x0100, 2, 0},      {0x0101, 0, 0},
        {0x01ff, 0, 0},       {0x0200, 1, 0x30},    {0xffff, 1, 0xfe2f}, {0x70100, 2, 0},
    };

    for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        uint32_t id = 0;
        const struct virt_map_entry *e = virt_map_find(&map, want[i].requester, &id);
        CHECK_EQ(e ? e->phandle : 0, want[i].phandle);
        CHECK_EQ(id, want[i].id);
    }
    const struct virt_map by_bus = {.mask = 0xff00, .count = 1, .entry = {{0x300, 1, 5, 0x42}}};
    uint32_t id = 0;
    CHECK(virt_map_find(&by_bus, 0x3f8, &id) && id == 0x42);
    CHECK(!virt_map_find(&by_bus, 0x400, &id));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"nothing_before_the_first", nothing_before_the_first},
        {"messages_are_told_apart", messages_are_told_apart},
        {"what_is_given_back_is_used_again", what_is_given_back_is_used_again},
        {"used_up", used_up},
        {"the_queue_goes_round", the_queue_goes_round},
        {"every_shape", every_shape},
        {"ids_beyond_the_table", ids_beyond_the_table},
        {"few_lpis", few_lpis},
        {"left_on_by_firmware", left_on_by_firmware},
        {"unusable_in_every_way", unusable_in_every_way},
        {"breaks_while_it_maps", breaks_while_it_maps},
        {"breaks_at_a_line", breaks_at_a_line},
        {"no_memory", no_memory},
        {"maps_of_ids", maps_of_ids},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
