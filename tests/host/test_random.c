/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_random.c - devices that lie at random, by scripts of random entries, under random traffic:
 * on every bus and ring the invariants of rig.h hold after each step, every wait ends, and the
 * queue works again when the device behaves, or was given up in good order.
 *
 * A machine lives through several scripts. The seed of one that fails is told: VIREO_RANDOM=seed
 * runs that machine alone, and prints its scripts as they begin.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"
#include "script.h"
#include "virtio/ring/virtq_impl.h"

#define MACHINES 32 /* a variant */
#define SCRIPTS  12 /* a machine, at most */
#define STEPS    24

static struct script_entry entries[6];
static unsigned entry_count;

/* ---- a random script ------------------------------------------------------------------------- */

static uint32_t any_value(void)
{
    static const uint32_t values[] = {0,        1,          2,          RIG_SIZE - 1,
                                      RIG_SIZE, 0x7fff,     0x8000,     0xffff,
                                      0x10000,  0x7fffffff, 0x80000000, 0xffffffff};
    unsigned n = sizeof(values) / sizeof(values[0]);

    return random_below(3) ? values[random_below(n)] : random32();
}

static enum script_what one_of(const enum script_what *what, unsigned n)
{
    return what[random_below(n)];
}

/* A lie about a register, which it may tell for a while. */
static struct script_entry of_register(void)
{
    static const unsigned registers[] = {REG_STATUS,   REG_CAUSE,  REG_QUEUE_MAX,  REG_QUEUE_USE,
                                         REG_FEATURES, REG_VECTOR, REG_NOTIFY_OFF, REG_QUEUE_RESET};

    return (struct script_entry){.when = AT_READ,
                                 .at = registers[random_below(8)],
                                 .n = 1 + random_below(10),
                                 .times = 1 + random_below(4),
                                 .what = random_below(2) ? DO_ANSWER : DO_TOGGLE,
                                 .v = any_value()};
}

/*
 * A word that changes after the look. What the index becomes is more than can be out: of stale
 * entries that name buffers the model could not know that the device has let go.
 */
static struct script_entry of_word(void)
{
    static const unsigned words[] = {WORD_USED_ID, WORD_USED_LEN, WORD_SUPPRESS, WORD_USED_IDX};
    unsigned word = words[random_below(rig_is_packed() ? 3 : 4)];
    bool index = word == WORD_USED_IDX;

    return (struct script_entry){.when = AT_LOAD,
                                 .at = word,
                                 .n = 1 + random_below(20),
                                 .times = 1 + random_below(3),
                                 .what = DO_CHANGE,
                                 .add = index,
                                 .v = index ? 0x100 + random_below(0xfe00) : any_value()};
}

/* Toggled flags must not look like those of the next lap, which the model itself goes by. */
static struct script_entry of_entry(void)
{
    static const enum script_what what[] = {DO_USED_ID, DO_USED_LEN, DO_USED_FLAGS};
    static const uint32_t flags[] = {0x8000, 0x8080, 7, 0x8005};
    struct script_entry e = {.when = AT_USED,
                             .n = 1 + random_below(20),
                             .times = 1 + random_below(2),
                             .what = one_of(what, 3),
                             .add = random_below(2),
                             .v = any_value()};

    if (e.what == DO_USED_FLAGS)
        e.v = flags[random_below(4)];
    return e;
}

static struct script_entry of_device(void)
{
    static const enum script_what what[] = {
        DO_FORGE, DO_JUMP,  DO_SUPPRESS, DO_REWRITE,   DO_LATE,        DO_CONFIG,    DO_SILENCE,
        DO_DELAY, DO_DELAY, DO_MUTE,     DO_INTERRUPT, DO_NEEDS_RESET, DO_SLOW_RESET};
    static const enum script_when when[] = {AT_KICK, AT_ACCESS, AT_TIME, AT_USED, AT_LOAD};
    struct script_entry e = {.when = when[random_below(5)],
                             .n = 1 + random_below(20),
                             .times = 1 + random_below(2),
                             .what = one_of(what, sizeof(what) / sizeof(what[0])),
                             .v = any_value(),
                             .arg = any_value()};

    if (e.what == DO_JUMP || e.what == DO_SLOW_RESET)
        e.v %= 40;
    if (e.what == DO_SILENCE || e.what == DO_DELAY)
        e.v = random_below(3000000);
    if (e.what == DO_CONFIG)
        e.arg %= 8;
    if (e.when == AT_TIME)
        e.n *= random_below(2000);
    if (random_below(40) == 0)
        e.what = random_below(2) ? DO_VANISH : DO_NO_RESET;
    return e;
}

static void make_script(void)
{
    entry_count = 1 + random_below(6);
    for (unsigned i = 0; i < entry_count; i++) {
        unsigned kind = random_below(8);

        entries[i] = kind == 0  ? of_register()
                     : kind < 3 ? of_word()
                     : kind < 5 ? of_entry()
                                : of_device();
    }
}

/* ---- a machine ------------------------------------------------------------------------------- */

/* The device completes some of the available buffers, in any order. */
static void answer_some(struct model *m, struct model_queue *q)
{
    static struct model_chain c[RIG_SIZE];
    unsigned n = 0;

    while (n < RIG_SIZE && q->ready && model_pop(m, q, &c[n]))
        n++;
    while (n > 0 && q->ready) {
        unsigned at = random_below(n);

        model_scatter(&c[at], 0, "an answer", 9);
        model_push(m, q, &c[at], random_below(RIG_WRITABLE + 1));
        c[at] = c[--n];
        if (random_below(3) == 0)
            model_publish(m, q);
    }
    if (q->ready) {
        model_want_kick(m, q, true);
        model_publish(m, q);
    }
}

static void step(void)
{
    unsigned n = random_below(5);

    while (n-- > 0 && !rig.dead)
        if (rig_submit() < 0)
            break;
    rig_check();
    if (random_below(3))
        host_run_services();
    rig_check();
    host_run_for(random_below(4) ? HAL_MS : random_below(200) * HAL_MS);
    rig_check();
    CHECK_EQ(host_violations(), 0);
}

/* Traffic under one script, and what came of it. False: the machine is over. */
static bool live(void)
{
    make_script();
    for (unsigned i = 0; i < entry_count && getenv("VIREO_RANDOM"); i++)
        script_print(&entries[i]);
    script_begin(rig.m, entries, entry_count);
    for (unsigned i = 0; i < STEPS; i++)
        step();
    script_end();
    if (rig_settle() == RIG_GIVEN_UP)
        return false;
    /* the driver's copies of registers are from a device that lied */
    virtio_fail(rig.dev, "a new start");
    if (rig_settle() == RIG_GIVEN_UP)
        return false;
    host_excuse(NULL);
    rig_check_works();
    CHECK_EQ(host_violations(), 0);
    host_run_for(60 * HAL_SEC);
    return true;
}

static void machine(unsigned seed)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_RESET,
                                    VIRTIO_F_NOTIFICATION_DATA};
    unsigned some[4], n = 0;

    random_seed(seed * 0x9e3779b97f4a7c15ull + case_variant);
    for (unsigned i = 0;
         i < (model_is_legacy(&(struct model){.transport = rig_transport()}) ? 2 : 4); i++)
        if (random_below(2))
            some[n++] = bits[i];
    rig_make(some, n);
    rig.m->on.kick = answer_some;
    rig_boot();
    CHECK(rig.dev != NULL);
    for (unsigned i = 0; i < SCRIPTS && live(); i++)
        continue;
    CHECK_EQ(host_violations(), 0);
}

/* ---- many of them ---------------------------------------------------------------------------- */

static void run_machine(unsigned seed)
{
    pid_t pid = fork();
    int status;

    CHECK(pid >= 0);
    if (pid == 0) {
        machine(seed);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    if (status)
        check_fail(__FILE__, __LINE__, " (VIREO_RANDOM=%u)", seed);
}

static void random_scripts(void)
{
    const char *one = getenv("VIREO_RANDOM");
    unsigned first = random32() % 1000000;

    if (one) {
        machine((unsigned)atoi(one));
        return;
    }
    for (unsigned i = 0; i < MACHINES; i++)
        run_machine(first + i);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"random_scripts", random_scripts, NULL, 0, rig_all},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
