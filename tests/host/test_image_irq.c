/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_irq.c - interrupts of an image (platform/virt/irq.c) above both versions of the GIC
 * (gicv2.c, gicv3.c), against a model of their registers (Arm IHI 0048B 4.3, IHI 0069 12.9): which
 * lines reach this core, with which priority, trigger and target; handlers that share a line; lines
 * without one; and the GICv2m frame (v2m.c).
 */
#include <string.h>

#include "arch.h"
#include "check.h"
#include "cpu.h"
#include "host.h"
#include "virt.h"

#define DIST     0x08000000ull
#define CPU      0x08010000ull
#define REDIST   0x080a0000ull
#define V2M      0x08020000ull
#define LINES    288u
#define CORES    3u /* redistributors */
#define OWN_CORE 1u
#define FRAME    0x20000u
#define GROUP1   (arch_secure ? 1u << 2 : 3u)

struct virt_machine virt; /* board.c's */

/* ---- the model ------------------------------------------------------------------------------- */

/* A line, as the registers left it. */
static struct line {
    uint8_t priority, target;
    bool enabled, edge, group, modifier;
    uint64_t route;
    unsigned touched; /* times that trigger, target or priority were set while it was enabled */
} lines[LINES], private[CORES][32];

static struct {
    uint32_t ctlr, cpu_ctlr, pmr, pending, ended, waker[CORES];
    unsigned acks, rwp_reads; /* reads of CTLR until RWP is clear */
    bool rwp_stuck, asleep_for_ever, wide_frames, last_at_first;
} gic;

/* One access of the registers that a line's state is in; `of` is where line 0 would be. */
static bool line_register(struct line *of, unsigned first, unsigned count, uint64_t off,
                          unsigned width, uint32_t *v, bool write)
{
    static const struct {
        uint64_t at;
        unsigned bits;
    } regs[] = {{0x080, 1}, {0x100, 1}, {0x180, 1}, {0x400, 8}, {0x800, 8}, {0xc00, 2}, {0xd00, 1}};

    for (unsigned r = 0; r < 7; r++) {
        if (off < regs[r].at || off >= regs[r].at + LINES * regs[r].bits / 8)
            continue;
        unsigned per = width * 8 / regs[r].bits;
        unsigned id = (unsigned)((off - regs[r].at) * 8 / regs[r].bits);
        for (unsigned i = 0; i < per; i++, id++) {
            uint32_t bits = *v >> i * regs[r].bits & ((1u << regs[r].bits) - 1);
            if (id < first || id >= first + count)
                continue;
            struct line *l = &of[id - first];
            if (!write) {
                if (r == 5)
                    *v |= (uint32_t)l->edge << (i * 2 + 1);
                continue;
            }
            if (r == 0)
                l->group = bits;
            else if (r == 1)
                l->enabled |= bits;
            else if (r == 2)
                l->enabled &= !bits;
            else if (r == 3)
                l->touched += l->enabled, l->priority = (uint8_t)bits;
            else if (r == 4)
                l->touched += l->enabled, l->target = (uint8_t)bits;
            else if (r == 5)
                l->edge = bits & 2;
            else
                l->modifier = bits;
        }
        return true;
    }
    return false;
}

static uint32_t read_dist(void *ctx, uint64_t off, unsigned width, bool sync)
{
    uint32_t v = 0;

    (void)ctx;
    (void)sync;
    if (off == 0x0)
        return gic.ctlr | (gic.rwp_stuck || gic.rwp_reads-- > 1 ? 1u << 31 : 0);
    if (off == 0x4)
        return LINES / 32 - 1;
    if (!line_register(lines, 0, LINES, off, width, &v, false))
        host_violation("read of the distributor at %#llx", (unsigned long long)off);
    return v;
}

static void write_dist(void *ctx, uint64_t off, unsigned width, uint32_t v, bool sync)
{
    bool v3 = virt.gic.version == 3;

    (void)ctx;
    (void)sync;
    if (off == 0x0) {
        gic.ctlr = v;
        gic.rwp_reads = 3;
    } else if (v3 && off >= 0x6000 && off < 0x6000 + 8 * LINES) {
        unsigned id = (unsigned)(off - 0x6000) / 8;
        uint64_t shift = off % 8 * 8;
        lines[id].route = (lines[id].route & ~(0xffffffffull << shift)) | (uint64_t)v << shift;
    } else if (!line_register(lines, 0, LINES, off, width, &v, true)) {
        host_violation("write of the distributor at %#llx", (unsigned long long)off);
    }
}

static uint32_t read_cpu(void *ctx, uint64_t off, unsigned width, bool sync)
{
    (void)ctx;
    (void)width;
    (void)sync;
    if (off != 0xc)
        host_violation("read of the CPU interface at %#llx", (unsigned long long)off);
    gic.acks++;
    return gic.pending;
}

static void write_cpu(void *ctx, uint64_t off, unsigned width, uint32_t v, bool sync)
{
    (void)ctx;
    (void)width;
    (void)sync;
    if (off == 0x0)
        gic.cpu_ctlr = v;
    else if (off == 0x4)
        gic.pmr = v;
    else if (off == 0x10)
        gic.ended = v;
    else
        host_violation("write of the CPU interface at %#llx", (unsigned long long)off);
}

/* Redistributors lie one behind the other; with `wide_frames` the first has four frames. */
static unsigned core_of(uint64_t *off)
{
    unsigned core = 0;

    for (; core < CORES; core++) {
        uint64_t len = gic.wide_frames && !core ? 2 * FRAME : FRAME;
        if (*off < len)
            break;
        *off -= len;
    }
    return core;
}

static uint32_t read_redist(void *ctx, uint64_t off, unsigned width, bool sync)
{
    unsigned core = core_of(&off);
    uint32_t v = 0;

    (void)ctx;
    (void)sync;
    if (off == 0x8)
        return core << 8 | (gic.wide_frames && !core ? 2 : 0) |
               (core == CORES - 1 || gic.last_at_first ? 1 << 4 : 0);
    if (off == 0xc)
        return core; /* affinity 0.0.0.core */
    if (core != OWN_CORE)
        host_violation("read of redistributor %u at %#llx", core, (unsigned long long)off);
    if (off == 0x14) {
        v = gic.waker[core];
        if (!(v & 2) && !gic.asleep_for_ever)
            gic.waker[core] &= ~4u; /* awake after one look */
        return v;
    }
    if (off < 0x10000 || !line_register(private[core], 0, 32, off - 0x10000, width, &v, false))
        host_violation("read of the redistributor at %#llx", (unsigned long long)off);
    return v;
}

static void write_redist(void *ctx, uint64_t off, unsigned width, uint32_t v, bool sync)
{
    unsigned core = core_of(&off);

    (void)ctx;
    (void)sync;
    if (core != OWN_CORE)
        host_violation("write of redistributor %u at %#llx", core, (unsigned long long)off);
    else if (off == 0x14)
        gic.waker[core] = (v & 2) | (gic.waker[core] & 4);
    else if (off < 0x10000 || !line_register(private[core], 0, 32, off - 0x10000, width, &v, true))
        host_violation("write of the redistributor at %#llx", (unsigned long long)off);
}

static const struct host_bus dist_bus = {read_dist, write_dist}, cpu_bus = {read_cpu, write_cpu},
                             redist_bus = {read_redist, write_redist};

static void plug(unsigned version)
{
    for (unsigned i = 0; i < LINES; i++)
        lines[i].enabled = true; /* as a boot loader may have left them */
    for (unsigned i = 0; i < 32; i++)
    private[OWN_CORE][i].enabled = true;
    gic.ctlr = 3;
    gic.waker[OWN_CORE] = 6;
    fakecpu.affinity = OWN_CORE;
    virt.gic = (struct virt_gic){.version = version,
                                 .dist = {DIST, 0x10000},
                                 .cpu = version == 2 ? (struct board_range){CPU, 0x2000}
                                                     : (struct board_range){REDIST, 4 * FRAME}};
    host_bus_add(DIST, 0x10000, &dist_bus, NULL);
    host_bus_add(CPU, 0x2000, &cpu_bus, NULL);
    host_bus_add(REDIST, 4 * FRAME, &redist_bus, NULL);
}

static void start(unsigned version)
{
    plug(version);
    const char *wrong = gic_init();
    if (wrong)
        check_fail(__FILE__, __LINE__, "%s", wrong);
}

/* The line as the version that runs keeps it. */
static struct line *line(unsigned id)
{
    return virt.gic.version == 3 && id < 32 ? &private[OWN_CORE][id] : &lines[id];
}

/* The line interrupts. */
static void raise_line(uint32_t id)
{
    gic.pending = fakecpu.pending = id;
    gic.ended = fakecpu.ended = UINT32_MAX;
    board_irq();
}

static uint32_t ended(void)
{
    return virt.gic.version == 2 ? gic.ended : fakecpu.ended;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static void all_lines_are_off(void)
{
    arch_secure = case_variant == 4;
    start(case_variant == 2 ? 2 : 3);
    for (unsigned i = case_variant == 2 ? 0 : 32; i < LINES; i++)
        CHECK(!lines[i].enabled);
    if (case_variant == 2) {
        CHECK(gic.ctlr == 1 && gic.cpu_ctlr == 1);
        CHECK_EQ(gic.pmr, 0xff); /* every priority passes */
        return;
    }
    CHECK_EQ(gic.ctlr, 1u << 4 | GROUP1);
    CHECK(fakecpu.gic_on && fakecpu.gic_mask == 0xff);
    CHECK_EQ(gic.waker[OWN_CORE], 0);
    for (unsigned i = 0; i < LINES; i++) {
        const struct line *l = line(i);
        CHECK(!l->enabled && l->group != arch_secure && l->modifier == arch_secure);
    }
    CHECK(gic_v3_frames().redist_phys == REDIST + FRAME);
}

static const struct test_variant versions[] = {{"v2", 2}, {"v3", 3}, {"v3_secure", 4}, {NULL, 0}};

static void a_redistributor_is_found_by_affinity(void)
{
    plug(3);
    gic.wide_frames = case_variant == 1; /* GICv4: two more frames each */
    gic.last_at_first = case_variant == 2;
    if (case_variant == 3)
        fakecpu.affinity = 7;
    if (case_variant == 4)
        virt.gic.cpu.len = FRAME; /* the tree has room for one */
    const char *wrong = gic_init();
    if (case_variant < 2) {
        CHECK(!wrong);
        CHECK(gic_v3_frames().redist_phys == REDIST + (case_variant ? 2 : 1) * FRAME);
    } else {
        CHECK(wrong && strstr(wrong, "no redistributor"));
    }
}

static const struct test_variant redists[] = {{"plain", 0}, {"v4", 1},    {"last", 2},
                                              {"none", 3},  {"short", 4}, {NULL, 0}};

static void what_does_not_answer_is_refused(void)
{
    static const char *const why[] = {
        "distributor does not answer", "does not wake up", "cannot be mapped", "cannot be mapped",
        "no GICv2 or GICv3",           "cannot be mapped",
    };

    plug(case_variant < 3 ? 3 : 2);
    gic.rwp_stuck = case_variant == 0;
    gic.asleep_for_ever = case_variant == 1;
    if (case_variant == 2)
        virt.gic.dist.len = 0x8000;
    if (case_variant == 3)
        virt.gic.cpu.base = 0x1000; /* nothing is there */
    if (case_variant == 4)
        virt.gic.version = 0;
    if (case_variant == 5)
        virt.gic.cpu.len = 0x800;
    uint64_t before = hal_now_ns();
    const char *wrong = gic_init();
    CHECK(wrong && strstr(wrong, why[case_variant]));
    CHECK(hal_now_ns() - before < HAL_SEC);
}

static const struct test_variant refusals[] = {{"rwp", 0},      {"asleep", 1},  {"short_dist", 2},
                                               {"unmapped", 3}, {"version", 4}, {"short_cpu", 5},
                                               {NULL, 0}};

/* ---- lines ----------------------------------------------------------------------------------- */

static char trace[64];

static void note(void *ctx)
{
    size_t n = strlen(trace);

    CHECK(n + 1 < sizeof(trace));
    trace[n] = *(const char *)ctx;
}

static void expect(const char *what)
{
    if (strcmp(trace, what))
        check_fail(__FILE__, __LINE__, "\"%s\", not \"%s\"", trace, what);
    memset(trace, 0, sizeof(trace));
}

static void attaching_sets_a_line_up(void)
{
    start(case_variant);
    CHECK_EQ(hal_irq_attach(40, note, "a"), 0);
    CHECK_EQ(hal_irq_attach(41 | VIRT_IRQ_EDGE, note, "b"), 0);
    CHECK_EQ(hal_irq_attach(27, note, "c"), 0);
    CHECK(line(40)->enabled && !line(40)->edge && line(40)->priority == 0xa0);
    CHECK(line(41)->enabled && line(41)->edge && line(27)->enabled && line(27)->priority == 0xa0);
    CHECK(!line(39)->enabled && !line(42)->enabled && !line(26)->enabled);
    if (case_variant == 2)
        CHECK(lines[40].target == 1 && lines[41].target == 1 && lines[27].target == 0);
    else
        CHECK(lines[40].route == OWN_CORE && lines[39].route == 0);
    CHECK(!line(40)->touched && !line(41)->touched && !line(27)->touched);
    raise_line(40);
    expect("a");
    CHECK_EQ(ended(), 40);
    raise_line(27);
    expect("c");
    hal_irq_attach(41, note, "d"); /* the first says how it triggers */
    CHECK(line(41)->edge);
    CHECK_EQ(fakecpu.masked, 0);
}

/* Affinity 3 lies in the other half of GICD_IROUTER. */
static void routing_to_a_high_affinity(void)
{
    plug(3);
    CHECK(!gic_init());
    fakecpu.affinity = 0x04030201;
    hal_irq_attach(50, note, "a");
    CHECK(lines[50].route == 0x0400030201ull);
}

static const struct test_variant both[] = {{"v2", 2}, {"v3", 3}, {NULL, 0}};

static void handlers_share_a_line(void)
{
    start(case_variant);
    hal_irq_attach(40, note, "a");
    hal_irq_attach(40 + 64, note, "x"); /* the same bucket */
    hal_irq_attach(40, note, "b");
    hal_irq_attach(40, note, "c");
    raise_line(40);
    expect("abc");
    raise_line(104);
    expect("x");
    hal_irq_detach(40, note, "b");
    hal_irq_detach(40, note, "nobody");
    hal_irq_detach(41, note, "a");
    raise_line(40);
    expect("ac");
    CHECK(line(40)->enabled);
    hal_irq_detach(40, note, "a");
    hal_irq_detach(40, note, "c");
    CHECK(!line(40)->enabled && line(104)->enabled); /* nobody listens any more */
    hal_irq_detach(-1, note, "x");
    CHECK_EQ(hal_irq_attach(40, note, "d"), 0);
    CHECK(line(40)->enabled);
    raise_line(40);
    expect("d");
}

static void a_storm_is_masked(void)
{
    start(case_variant);
    hal_irq_attach(40, note, "a");
    hal_irq_mask(40 | VIRT_IRQ_EDGE);
    CHECK(!line(40)->enabled);
    hal_irq_mask(-1);
    hal_irq_mask(2000);
    hal_irq_mask(5); /* a software interrupt is no line */
    hal_irq_attach(40, note, "b");
    CHECK(line(40)->enabled);
}

static void no_such_line(void)
{
    start(case_variant);
    CHECK_EQ(hal_irq_attach(-1, note, "a"), -EINVAL);
    CHECK_EQ(hal_irq_attach(15, note, "a"), -EINVAL);
    CHECK_EQ(hal_irq_attach(1020, note, "a"), -EINVAL);
    CHECK_EQ(hal_irq_attach(8192, note, "a"), -EINVAL);
    CHECK_EQ(hal_irq_attach(40, NULL, "a"), -EINVAL);
    CHECK(!line(40)->enabled);
}

/* The line is masked, logged once, and ended; a spurious interrupt is not ended. */
static void a_line_without_handler(void)
{
    start(case_variant);
    line(50)->enabled = true;
    raise_line(50);
    CHECK(!line(50)->enabled && ended() == 50);
    CHECK_EQ(host_log_matches("line 50 interrupts but has no handler: masked"), 1);
    for (uint32_t id = 1020; id < 1024; id++) {
        raise_line(id);
        CHECK_EQ(ended(), UINT32_MAX);
    }
    CHECK_EQ(host_log_lines(HAL_WARN), 1);
    expect("");
}

/* GICv2: the core that sent a software interrupt is in the upper bits. */
static void the_id_is_ten_bits(void)
{
    start(2);
    hal_irq_attach(40, note, "a");
    raise_line(3 << 10 | 40);
    expect("a");
}

/* ---- more lines ------------------------------------------------------------------------------ */

static unsigned masked_id;
static int unmask_result;

static void configure(unsigned id, bool edge)
{
    CHECK(id == 8195 && edge);
    note("c");
}

static void mask(unsigned id)
{
    masked_id = id;
}

static int unmask(unsigned id)
{
    (void)id;
    note("u");
    return unmask_result;
}

static void added_lines(void)
{
    static const struct gic_lines more = {8192, 8200, configure, mask, unmask};

    start(3);
    irq_add_lines(&more);
    CHECK_EQ(hal_irq_attach(8195 | VIRT_IRQ_EDGE, note, "a"), 0);
    expect("cu");
    raise_line(8195);
    expect("a");
    CHECK_EQ(ended(), 8195);
    hal_irq_detach(8195, note, "a");
    CHECK_EQ(masked_id, 8195);
    raise_line(8199);
    CHECK(masked_id == 8199 && host_logged("line 8199 interrupts but has no handler"));
    CHECK_EQ(hal_irq_attach(8200, note, "a"), -EINVAL);
    /* A line that cannot be unmasked is not attached. */
    unmask_result = -EIO;
    CHECK_EQ(hal_irq_attach(8195 | VIRT_IRQ_EDGE, note, "b"), -EIO);
    expect("cu");
    raise_line(8195);
    expect("");
}

/* ---- the frame of a GICv2m ------------------------------------------------------------------- */

static uint32_t v2m_typer = 80 << 16 | 3;

static uint32_t read_v2m(void *ctx, uint64_t off, unsigned width, bool sync)
{
    (void)ctx;
    (void)width;
    (void)sync;
    CHECK_EQ(off, 0x8);
    return v2m_typer;
}

static const struct host_bus v2m_bus = {read_v2m, NULL};
static const struct virt_part frame = {{V2M, 0x1000}, 9};

static void messages_of_the_frame(void)
{
    struct hal_msi m[4];

    host_bus_add(V2M, 0x1000, &v2m_bus, NULL);
    CHECK(!msi_v2m.free(&(struct hal_msi){.irq = 80})); /* nothing was allocated yet */
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(msi_v2m.alloc(&frame, 0, &m[i]), 0);
        CHECK(m[i].addr == V2M + 0x40 && m[i].data == 80 + i);
        CHECK_EQ(m[i].irq, (80 + i) | VIRT_IRQ_EDGE);
    }
    CHECK_EQ(msi_v2m.alloc(&frame, 0, &m[3]), -ENOSPC);
    CHECK(msi_v2m.free(&m[1]));
    CHECK(msi_v2m.alloc(&frame, 0, &m[3]) == 0 && m[3].data == 81);
    CHECK(!msi_v2m.free(&(struct hal_msi){.irq = 83 | VIRT_IRQ_EDGE}));
    CHECK(!msi_v2m.free(&(struct hal_msi){.irq = 79 | VIRT_IRQ_EDGE}));
}

/* A frame that names lines which are not shared ones, or too many, is not used. */
static void lies_of_the_frame(void)
{
    static const uint32_t typers[] = {31 << 16 | 8, 80 << 16, 1000 << 16 | 21, 1000 << 16 | 20};
    struct hal_msi m;

    host_bus_add(V2M, 0x1000, &v2m_bus, NULL);
    v2m_typer = typers[case_variant];
    int err = msi_v2m.alloc(&frame, 0, &m);
    CHECK_EQ(err, case_variant < 3 ? -ENODEV : 0);
    if (case_variant < 3) {
        CHECK_EQ(msi_v2m.alloc(&frame, 0, &m), -ENODEV);
        CHECK_EQ(host_log_matches("GICv2m claims lines"), 1);
    }
}

static const struct test_variant frame_lies[] = {
    {"private", 0}, {"none", 1}, {"too_many", 2}, {"to_the_last", 3}, {NULL, 0}};

static void no_frame(void)
{
    struct hal_msi m;

    CHECK_EQ(msi_v2m.alloc(&(struct virt_part){{V2M, 0x800}, 9}, 0, &m), -ENODEV);
    CHECK_EQ(msi_v2m.alloc(&frame, 0, &m), -ENODEV); /* nothing is there */
}

static const struct test_case cases[] = {
    {"all_lines_are_off", all_lines_are_off, NULL, 0, versions},
    {"a_redistributor_is_found_by_affinity", a_redistributor_is_found_by_affinity, NULL, 0,
     redists},
    {"what_does_not_answer_is_refused", what_does_not_answer_is_refused, NULL, 0, refusals},
    {"attaching_sets_a_line_up", attaching_sets_a_line_up, NULL, 0, both},
    {"routing_to_a_high_affinity", routing_to_a_high_affinity},
    {"handlers_share_a_line", handlers_share_a_line, NULL, 0, both},
    {"a_storm_is_masked", a_storm_is_masked, NULL, 0, both},
    {"no_such_line", no_such_line, NULL, 0, both},
    {"a_line_without_handler", a_line_without_handler, NULL, 0, both},
    {"the_id_is_ten_bits", the_id_is_ten_bits},
    {"added_lines", added_lines},
    {"messages_of_the_frame", messages_of_the_frame},
    {"lies_of_the_frame", lies_of_the_frame, NULL, 0, frame_lies},
    {"no_frame", no_frame},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
