/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_class_ring.c - classes of bugs that drivers have had with what a device writes into a ring:
 * ids, lengths, indexes, descriptors, words that change between two looks. Each on every bus and
 * both rings: nothing is touched that is not ours, the cause is told once, no buffer is lost or
 * comes twice, and the queue works again afterwards. A class keeps its number in the threat model.
 */
#include "rig.h"
#include "script.h"
#include "virtio/ring/virtq_impl.h"

#define OUT 5

static struct model_chain chain[RIG_SIZE];

static void boot(void)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC};

    rig_make(bits, random_below(3));
    rig_boot();
    CHECK(rig.dev != NULL);
}

static void begin(const struct script_entry *lie)
{
    script_begin(rig.m, lie, 1);
}

/* OUT buffers are with the device; it answers those from `first` on. */
static void boot_and_hand_out(void)
{
    boot();
    rig_hand_out(OUT, chain);
}

static void answer(unsigned first)
{
    for (unsigned i = first; i < OUT; i++)
        model_push(rig.m, rig.mq, &chain[i], chain[i].write_bytes);
    model_publish(rig.m, rig.mq);
}

/* The second of OUT answers tells this id: one buffer came back, the others are cancelled. */
static void bad_id(const struct script_entry *lie, const char *cause)
{
    boot_and_hand_out();
    begin(lie);
    answer(0);
    rig_check_broken(cause);
    CHECK_EQ(script_done(), 1);
    CHECK_EQ(rig_cancelled(), OUT - 1);
}

static void class_01_used_id_out_of_range(void)
{
    static const struct script_entry lie[] = {
        {.when = AT_USED, .n = 2, .what = DO_USED_ID, .v = RIG_SIZE}};

    bad_id(lie, "used id out of range");
}

static void class_01_used_id_wild(void)
{
    static const struct script_entry lie[] = {
        {.when = AT_USED, .n = 2, .what = DO_USED_ID, .v = UINT32_MAX}};

    bad_id(lie, "used id out of range");
}

static void class_02_id_not_outstanding(void)
{
    static const struct script_entry lie[] = {
        {.when = AT_USED, .n = 2, .what = DO_USED_ID, .v = RIG_SIZE - 1}};

    bad_id(lie, "used id is not outstanding");
}

/* The same buffer comes back again, in a batch of its own. */
static void class_02_id_completed_twice(void)
{
    boot_and_hand_out();
    model_complete(rig.m, rig.mq, &chain[2], RIG_WRITABLE);
    host_run_services();
    CHECK_EQ(rig_completed(), 1);
    const struct script_entry lie[] = {{.what = DO_FORGE, .v = chain[2].head, .arg = 4}};
    begin(lie);
    model_raise(rig.m, 1, rig.mq);
    rig_check_broken("used id is not outstanding");
    CHECK_EQ(rig_cancelled(), OUT - 1);
}

/* An id that is the right one in its low bits: 32 of them count (split), or 16 (packed). */
static void class_03_id_truncated(void)
{
    const struct script_entry lie[] = {{.when = AT_USED,
                                        .n = 2,
                                        .what = DO_USED_ID,
                                        .add = true,
                                        .v = rig_is_packed() ? 0x8000 : 0x10000}};

    bad_id(lie, "used id out of range");
}

static void check_length(uint32_t told, uint32_t want)
{
    const struct script_entry lie[] = {
        {.when = AT_USED, .times = FOR_EVER, .what = DO_USED_LEN, .v = told}};

    boot_and_hand_out();
    begin(lie);
    answer(0);
    rig_run(0);
    CHECK_EQ(rig_completed(), OUT);
    for (unsigned i = 0; i < RIG_BUFFERS; i++)
        CHECK_EQ(rig.buffer[i].len, rig.buffer[i].completed ? want : 0);
    script_end();
    CHECK_EQ(rig_settle(), RIG_UNHARMED);
    rig_check_works();
}

static void class_04_len_beyond_buffer(void)
{
    check_length(RIG_WRITABLE + 1, RIG_WRITABLE);
}

static void class_04_len_wild(void)
{
    check_length(UINT32_MAX, RIG_WRITABLE);
}

/* The device overwrites descriptors that it holds: neither addresses nor lists are read back. */
static void class_09_descriptors_rewritten(void)
{
    static const struct script_entry lie[] = {{.what = DO_REWRITE, .v = 0xffffffff}};

    boot_and_hand_out();
    begin(lie);
    for (unsigned i = OUT; i-- > 0;)
        model_push(rig.m, rig.mq, &chain[i], RIG_WRITABLE);
    model_publish(rig.m, rig.mq);
    rig_run(0);
    CHECK_EQ(rig_completed(), OUT);
    CHECK_EQ(rig_settle(), RIG_UNHARMED);
    rig_check_works();
}

/* Each id and length is another as soon as it was looked at: nobody looks again. */
static void class_10_double_fetch(void)
{
    static const struct script_entry lies[] = {
        {.when = AT_LOAD, .at = WORD_USED_ID, .times = FOR_EVER, .what = DO_CHANGE, .v = 0x7777},
        {.when = AT_LOAD, .at = WORD_USED_LEN, .times = FOR_EVER, .what = DO_CHANGE, .v = 0x7777},
    };

    boot_and_hand_out();
    script_begin(rig.m, lies, 2);
    answer(0);
    rig_run(0);
    CHECK_EQ(script_done(), 2 * OUT);
    CHECK_EQ(rig_completed(), OUT);
    CHECK_EQ(rig_settle(), RIG_UNHARMED);
    script_end();
    rig_check_works();
}

/* The word that tells of completions: what it becomes after the look counts for the next one only.
 */
static void class_10_double_fetch_of_index(void)
{
    static const struct script_entry lie[] = {
        {.when = AT_LOAD, .at = WORD_USED_IDX, .what = DO_CHANGE, .v = 0x3333}};
    struct virtq_done done[RIG_SIZE];

    boot_and_hand_out();
    rig.no_reap = true;
    for (unsigned i = 0; i < OUT; i++)
        model_push(rig.m, rig.mq, &chain[i], RIG_WRITABLE);
    model_show(rig.m, rig.mq);
    begin(lie);
    CHECK_EQ(virtq_reap(rig.q, done, RIG_SIZE), OUT);
    CHECK_EQ(script_done(), 1);
    CHECK_EQ(virtq_in_flight(rig.q), 0);
}

/* Nothing that the index runs ahead of is taken for done. */
static void jumps(uint32_t by)
{
    const struct script_entry lie[] = {{.what = DO_JUMP, .v = by}};

    boot_and_hand_out();
    begin(lie);
    model_raise(rig.m, 1, rig.mq);
    rig_check_broken("used index ahead of what was made available");
    CHECK_EQ(rig_cancelled(), OUT);
}

static void class_11_used_index_jumps(void)
{
    jumps(0x4000);
}

static void class_11_used_index_one_too_far(void)
{
    jumps(OUT + 1);
}

static void class_11_used_index_goes_back(void)
{
    jumps(0xffff);
}

/* The packed ring has no index: descriptors show up as used beyond what is out. */
static void class_11_used_flags_run_ahead(void)
{
    static const struct script_entry lie[] = {{.what = DO_JUMP, .v = OUT + 1}};

    boot_and_hand_out();
    begin(lie);
    model_raise(rig.m, 1, rig.mq);
    rig_check_broken("used id");
    CHECK_EQ(rig_cancelled(), 0);
}

/* No look at the ring, no word, no progress: a broken queue is left alone until it is reset. */
static void class_12_broken_is_sticky(void)
{
    struct virtq_done done[4];

    boot_and_hand_out();
    rig.no_reap = true;
    model_forge(rig.m, rig.mq, RIG_SIZE + 1, 0);
    model_show(rig.m, rig.mq);
    CHECK_EQ(virtq_reap(rig.q, done, 4), -EIO);
    host_log_events(true);
    for (unsigned i = 0; i < 100; i++) {
        CHECK_EQ(virtq_reap(rig.q, done, 4), -EIO);
        CHECK_EQ(rig_submit(), -EIO);
        CHECK(!virtq_arm(rig.q));
        rig_check();
    }
    CHECK_EQ(host_event_count(), 0);
    host_log_events(false);
    CHECK_EQ(virtq_state(rig.q), VIRTQ_BROKEN);
    rig.no_reap = false;
    rig_check_broken("used id out of range");
}

/* ---- packed ---------------------------------------------------------------------------------- */

#define SIZE_ON(bus, name, size)                                                                   \
    {                                                                                              \
        name "-packed size " #size, RIG(bus, 1) | (size) << 8                                      \
    }
#define SIZES_ON(bus, name)                                                                        \
    SIZE_ON(bus, name, 2), SIZE_ON(bus, name, 3), SIZE_ON(bus, name, 5), SIZE_ON(bus, name, 7),    \
        SIZE_ON(bus, name, 8), SIZE_ON(bus, name, 13), SIZE_ON(bus, name, 16)

static const struct test_variant sizes[] = {SIZES_ON(RIG_MMIO, "mmio"),
                                            SIZES_ON(RIG_PCI, "pci"),
                                            SIZES_ON(RIG_WINDOW, "window"),
                                            {NULL, 0}};

/* Chains of two that fill the ring, or straddle its end, lap after lap; answered in any order. */
static void class_30_packed_wrap(void)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX};
    unsigned size = case_variant >> 8, n = 0;

    rig_make(bits, random_below(2));
    rig.mq->max = size;
    rig_boot();
    CHECK_EQ(virtq_size(rig.q), size);
    rig.serve = false;
    for (unsigned round = 0; round < 40 * size; round++) {
        while (rig_submit() >= 0)
            CHECK(model_pop(rig.m, rig.mq, &chain[n++]));
        CHECK_EQ(n, size / 2);
        for (unsigned left = 1 + random_below(n); left > 0; left--) {
            unsigned at = random_below(n);

            model_complete(rig.m, rig.mq, &chain[at], RIG_WRITABLE);
            chain[at] = chain[--n];
        }
        host_run_services();
        rig_check();
        CHECK_EQ(rig_out(), n);
    }
    CHECK_EQ(virtq_stats(rig.q)->late, 0);
}

static void class_31_packed_id_of_a_free_buffer(void)
{
    static const struct script_entry lie[] = {{.what = DO_FORGE, .v = RIG_SIZE - 1, .arg = 4}};

    boot_and_hand_out();
    begin(lie);
    model_raise(rig.m, 1, rig.mq);
    rig_check_broken("used id is not outstanding");
    CHECK_EQ(rig_cancelled(), OUT);
}

/* Flags that tell of another lap hide a descriptor: nothing comes, until the deadline ends it. */
static void class_31_packed_flags_flap(void)
{
    static const struct script_entry lies[] = {
        {.when = AT_USED, .n = 2, .what = DO_USED_FLAGS, .v = 0x8000},
        {.when = AT_USED, .n = 3, .what = DO_USED_FLAGS, .v = 0x8080},
        {.when = AT_USED, .n = 4, .what = DO_USED_FLAGS, .v = 7},
    };

    boot_and_hand_out();
    script_begin(rig.m, lies, 3);
    answer(0);
    rig_run(0);
    CHECK_EQ(rig_completed(), 1);
    CHECK_EQ(virtq_state(rig.q), VIRTQ_OK);
    rig_check_broken("not used in time");
    CHECK_EQ(rig_cancelled(), OUT - 1);
}

int main(int argc, char **argv)
{
#define CLASS(f, variants)                                                                         \
    {                                                                                              \
#f, f, NULL, 0, variants                                                                   \
    }
    static const struct test_case cases[] = {
        CLASS(class_01_used_id_out_of_range, rig_all),
        CLASS(class_01_used_id_wild, rig_all),
        CLASS(class_02_id_not_outstanding, rig_all),
        CLASS(class_02_id_completed_twice, rig_all),
        CLASS(class_03_id_truncated, rig_all),
        CLASS(class_04_len_beyond_buffer, rig_all),
        CLASS(class_04_len_wild, rig_all),
        CLASS(class_09_descriptors_rewritten, rig_all),
        CLASS(class_10_double_fetch, rig_all),
        CLASS(class_10_double_fetch_of_index, rig_all),
        CLASS(class_11_used_index_jumps, rig_split),
        CLASS(class_11_used_index_one_too_far, rig_split),
        CLASS(class_11_used_index_goes_back, rig_split),
        CLASS(class_11_used_flags_run_ahead, rig_packed),
        CLASS(class_12_broken_is_sticky, rig_all),
        CLASS(class_30_packed_wrap, sizes),
        CLASS(class_31_packed_id_of_a_free_buffer, rig_packed),
        CLASS(class_31_packed_flags_flap, rig_packed),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
