/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_tree.c - what an image makes of a device tree (platform/virt/tree.c, tree_walk.c;
 * Devicetree Specification 0.4): cells and ranges, memory and what is reserved, interrupts, limits
 * of each table, what is refused.
 */
#include <string.h>

#include "treemaker.h"

struct virt_machine virt; /* board.c's */

/* ---- memory ---------------------------------------------------------------------------------- */

static void memory_ranges(void)
{
    basics_with_memory();
    node("memory@80000000"); /* two ranges in one node, the last one cut off */
    text("device_type", "memory");
    WORDS("reg", 1, 0, 0, 0x200000, 2, 0, 1, 0x1000, 5, 0, 1);
    end();
    accept();
    CHECK_EQ(virt.info.ram_count, 3);
    CHECK(range_is(&virt.info.ram[0], RAM, 128 * MIB));
    CHECK(range_is(&virt.info.ram[1], 1ull << 32, 2 * MIB));
    CHECK(range_is(&virt.info.ram[2], 2ull << 32, (1ull << 32) + 0x1000));
}

static void memory_overlaps(void)
{
    basics_with_memory();
    memory("memory@47fff000", RAM + 128 * MIB - 4096, MIB);
    refuse("overlap");
}

/* Neighbours are one range, in whatever order they come, to the byte. */
static void memory_joins(void)
{
    basics_with_memory();
    memory("memory@48000000", RAM + 128 * MIB, MIB + 100); /* begins where the other ends */
    memory("memory@3ff00000", RAM - MIB, MIB);
    memory("memory@80000000", 2 * RAM, MIB);
    memory("memory@c0000000", 3 * RAM, 0);         /* empty, beside no other */
    memory("memory@3fe00000", RAM - 3 * MIB, MIB); /* a hole above, */
    memory("memory@3fd00000", RAM - 2 * MIB, MIB); /* which this fills */
    accept();
    CHECK_EQ(virt.info.ram_count, 2);
    CHECK(range_is(&virt.info.ram[0], RAM - 3 * MIB, 132 * MIB + 100));
    CHECK(range_is(&virt.info.ram[1], 2 * RAM, MIB));
}

/* As many nodes as there may be NUMA nodes, each a part of the same memory, from both ends. */
static void memory_of_numa_nodes(void)
{
    basics();
    for (unsigned i = 0; i < 64; i++) {
        memory("memory@1", RAM + i * MIB, MIB);
        memory("memory@2", RAM + (127 - i) * MIB, MIB);
    }
    accept();
    CHECK_EQ(virt.info.ram_count, 1);
    CHECK(range_is(&virt.info.ram[0], RAM, 128 * MIB));
}

static void memory_limits(void)
{
    basics();
    memory("memory@0", 0, 0);                           /* empty, */
    memory("memory@1", 1ull << 48, MIB);                /* begins too high, */
    memory("memory@2", (1ull << 48) - MIB, MIB + 4096); /* ends too high: left out */
    for (unsigned i = 0; i < BOARD_RANGES + 3; i++)
        memory("memory@3", (uint64_t)i << 32, i == 7 ? MIB / 2 : MIB);
    accept();
    CHECK_EQ(virt.info.ram_count, BOARD_RANGES);
    CHECK(range_is(&virt.info.ram[0], 0, MIB));
    for (unsigned i = 0; i < BOARD_RANGES; i++) /* the smallest gave way */
        CHECK(range_is(&virt.info.ram[i], (uint64_t)(i + (i >= 7)) << 32, MIB));
    CHECK_EQ(host_log_matches("more than 64 separate ranges: 2560 KiB"), 1);
}

static void no_memory(void)
{
    basics();
    refuse("no memory");
}

static void reserved_memory(void)
{
    reserve(RAM + 64 * MIB, MIB);
    basics_with_memory();
    node("reserved-memory");
    WORDS("#address-cells", 2);
    WORDS("#size-cells", 2);
    prop("ranges", "", 0);
    node("a@1");
    WORDS("reg", 0, 0x41000000, 0, 0x1000, 0, 0x42000000, 0, 0x2000);
    end();
    node("off@2");
    text("status", "disabled");
    WORDS("reg", 0, 0x43000000, 0, 0x1000);
    end();
    end();
    accept();
    CHECK_EQ(virt.info.reserved_count, 4);
    CHECK(range_is(&virt.info.reserved[1], 0x41000000, 0x1000));
    CHECK(range_is(&virt.info.reserved[2], 0x42000000, 0x2000));
    CHECK(range_is(&virt.info.reserved[3], RAM + 64 * MIB, MIB));
}

/* One more than is noted would be handed out: the tree is refused. */
static void too_much_reserved(void)
{
    basics_with_memory();
    for (unsigned i = 0; i < BOARD_RANGES - 1 + case_variant; i++)
        reserve(RAM + (4 + i) * MIB, 4096);
    if (case_variant)
        refuse("too many reserved");
    else
        accept();
}

static const struct test_variant one_more[] = {{"just_enough", 0}, {"one_more", 1}, {NULL, 0}};

/* ---- the initrd, arguments, the seed --------------------------------------------------------- */

static void chosen_with_initrd(uint64_t start, uint64_t stop)
{
    node("chosen");
    WORDS("linux,initrd-start", (uint32_t)(start >> 32), (uint32_t)start);
    WORDS("linux,initrd-end", (uint32_t)(stop >> 32), (uint32_t)stop);
    end();
}

static void initrd(void)
{
    static const struct {
        uint64_t start, stop;
        bool good;
    } places[] = {
        {RAM + 64 * MIB, RAM + 64 * MIB + 5, true},
        {RAM + 64 * MIB, RAM + 64 * MIB, false},   /* empty */
        {RAM + 65 * MIB, RAM + 64 * MIB, false},   /* backwards */
        {RAM + 127 * MIB, RAM + 129 * MIB, false}, /* beyond RAM */
        {RAM - 4096, RAM + MIB, false},            /* before it */
        {RAM + 2 * MIB - 1, RAM + 3 * MIB, false}, /* over the image's end */
        {RAM, RAM + MIB + 1, false},               /* and its start */
        {RAM + 2 * MIB, RAM + 3 * MIB, true},      /* behind the image */
        {RAM + 127 * MIB, RAM + 128 * MIB, true},  /* up to the end */
    };

    basics_with_memory();
    chosen_with_initrd(places[case_variant].start, places[case_variant].stop);
    accept();
    bool good = places[case_variant].good;
    CHECK_EQ(virt.info.initrd.len,
             good ? places[case_variant].stop - places[case_variant].start : 0);
    CHECK_EQ(virt.info.reserved_count, good ? 2 : 1);
}

static const struct test_variant initrds[] = {
    {"good", 0}, {"empty", 1}, {"backwards", 2}, {"beyond", 3}, {"before", 4},
    {"end", 5},  {"start", 6}, {"behind", 7},    {"last", 8},   {NULL, 0},
};

static void chosen(void)
{
    static char args[3000];
    static uint8_t seed[100], none[100];

    memset(args, 'x', sizeof(args) - 1);
    for (unsigned i = 0; i < sizeof(seed); i++)
        seed[i] = (uint8_t)(i + 1);
    basics_with_memory();
    node("chosen");
    if (case_variant == 0)
        text("bootargs", "vireo.poll=1 ip=off");
    else if (case_variant == 1)
        prop("bootargs", "abc", 3); /* not terminated */
    else if (case_variant == 2)
        text("bootargs", args);
    prop("rng-seed", seed, case_variant == 2 ? sizeof(seed) : 32);
    WORDS("linux,initrd-start", 0x44000000); /* of one word */
    WORDS("linux,initrd-end", 0x44001000);
    end();
    accept();
    if (case_variant == 2) {
        CHECK(virt.info.bootargs_truncated);
        CHECK_EQ(strlen(virt.info.bootargs), sizeof(virt.info.bootargs) - 1);
        CHECK_EQ(virt.seed_len, 64);
    } else {
        CHECK(!virt.info.bootargs_truncated);
        CHECK(!strcmp(virt.info.bootargs, case_variant ? "abc" : "vireo.poll=1 ip=off"));
        CHECK_EQ(virt.seed_len, 32);
    }
    CHECK(!memcmp(virt.seed, seed, virt.seed_len));
    CHECK(!tree_still_holds(seed, 8) && !tree_still_holds(seed + 24, 8));
    CHECK(tree_still_holds(none, case_variant == 2 ? 100 : 32)); /* and it alone was wiped */
    CHECK(tree_still_holds("linux,initrd-end", 17));
    CHECK(range_is(&virt.info.initrd, 0x44000000, 0x1000));
}

static const struct test_variant chosens[] = {
    {"plain", 0}, {"not_terminated", 1}, {"too_long", 2}, {NULL, 0}};

/* ---- devices --------------------------------------------------------------------------------- */

static void devices(void)
{
    basics_with_memory();
    device("pl031@9010000", "arm,pl031", 0x09010000, 0x1000);
    end();
    node("timer");
    prop("compatible", "arm,armv8-timer\0arm,armv7-timer", 32);
    WORDS("interrupts", 1, 13, 0x104, 1, 14, 0x104, 1, 11, 0x104, 1, 10, 0x104);
    if (case_variant) /* as they are without names */
        prop("interrupt-names", "sec-phys\0phys\0virt\0hyp-phys", 28);
    end();
    node("psci");
    prop("compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci", 35);
    text("method", case_variant ? "smc" : "hvc");
    end();
    device("v2m@8020000", "arm,gic-v2m-frame", 0x08020000, 0x1000);
    WORDS("phandle", 9);
    end();
    device("its@8080000", "arm,gic-v3-its", 0x08080000, 0x20000);
    WORDS("phandle", 10);
    end();
    device("its@8180000", "arm,gic-v3-its", 0x08180000, 0x20000); /* the first counts */
    end();
    device("smmuv3@9050000", "arm,smmu-v3", 0x09050000, 0x20000);
    WORDS("phandle", 11);
    end();
    accept();
    CHECK_EQ(virt.gic.version, 2);
    CHECK(range_is(&virt.gic.dist, 0x08000000, 0x10000));
    CHECK(range_is(&virt.gic.cpu, 0x08010000, 0x10000));
    CHECK(virt.gic.phandle == GIC && virt.gic.address_cells == 2);
    CHECK(range_is(&virt.rtc, 0x09010000, 0x1000));
    CHECK_EQ(virt.timer_irq, (16 + 11)); /* the virtual one; level-triggered */
    CHECK_EQ(virt.psci, case_variant ? VIRT_PSCI_SMC : VIRT_PSCI_HVC);
    CHECK(virt.msi[VIRT_MSI_V2M].phandle == 9 && virt.msi[VIRT_MSI_V2M].reg.base == 0x08020000);
    CHECK(virt.msi[VIRT_MSI_ITS].phandle == 10 && virt.msi[VIRT_MSI_ITS].reg.base == 0x08080000);
    CHECK(virt.smmu.phandle == 11);
    CHECK_EQ(virt.uart_irq, 32 + 1);
}

static const struct test_variant conduits[] = {{"hvc", 0}, {"smc", 1}, {NULL, 0}};

static void a_gicv3(void)
{
    root();
    node("intc@8000000");
    text("compatible", "arm,gic-v3");
    WORDS("reg", 0, 0x08000000, 0, 0x10000, 0, 0x080a0000, 0, 0xf60000);
    WORDS("phandle", GIC);
    end();
    gic(OTHER_GIC); /* the first counts */
    uart("pl011@9000000", 0x09000000, 1);
    memory("memory@40000000", RAM, 128 * MIB);
    device("pl031@9010000", "arm,pl031", 0x09010000, 0); /* of no length: there is none */
    end();
    accept();
    CHECK(virt.gic.version == 3 && virt.gic.phandle == GIC && virt.gic.address_cells == 0);
    CHECK(range_is(&virt.gic.cpu, 0x080a0000, 0xf60000));
    CHECK_EQ(virt.rtc.len, 0);
}

static void mmio(uint32_t base, uint32_t len, uint32_t irq, uint32_t flags)
{
    device("virtio_mmio", "virtio,mmio", base, len);
    WORDS("interrupts", 0, irq, flags);
    end();
}

/* Windows in order of address, whatever the tree's order; the edge bit; what is too small. */
static void windows(void)
{
    basics_with_memory();
    mmio(0x0a000400, 0x200, 18, 1);
    mmio(0x0a000000, 0x200, 16, 4);
    mmio(0x0a000600, 0xff, 19, 1);
    mmio(0x0a000200, 0x100, 987, 1); /* the last shared line */
    mmio(0x0a000800, 0x100, 988, 1); /* no line */
    accept();
    CHECK_EQ(virt.mmio_count, 4);
    CHECK(virt.mmio[0].phys == 0x0a000000 && virt.mmio[0].irq == 32 + 16);
    CHECK(virt.mmio[1].phys == 0x0a000200 && virt.mmio[1].irq == (1019 | VIRT_IRQ_EDGE));
    CHECK(virt.mmio[2].phys == 0x0a000400 && virt.mmio[2].irq == ((32 + 18) | VIRT_IRQ_EDGE));
    CHECK(virt.mmio[3].phys == 0x0a000800 && virt.mmio[3].irq == VIRT_IRQ_NONE);
    CHECK(virt.mmio[2].len == 0x200);
}

static void too_many_windows(void)
{
    basics_with_memory();
    for (unsigned i = 0; i < VIRT_MMIO_MAX + 5; i++)
        mmio(0x0a000000 + i * 0x200, 0x200, 16, 4);
    accept();
    CHECK_EQ(virt.mmio_count, VIRT_MMIO_MAX);
}

/* Cells of the parent say how long an address is; without ranges a bus hides its devices. */
static void cells_and_buses(void)
{
    basics_with_memory();
    node("soc");
    WORDS("#address-cells", 1);
    WORDS("#size-cells", 1);
    prop("ranges", "", 0);
    node("virtio_mmio@a000000");
    text("compatible", "virtio,mmio");
    WORDS("reg", 0x0a000000, 0x200);
    end();
    end();
    node("no_ranges");
    WORDS("#address-cells", 2);
    WORDS("#size-cells", 2);
    mmio(0x0a000400, 0x200, 17, 4);
    end();
    node("three_cells");
    WORDS("#address-cells", 3);
    WORDS("#size-cells", 2);
    prop("ranges", "", 0);
    node("virtio_mmio@a000600");
    text("compatible", "virtio,mmio");
    WORDS("reg", 0, 0, 0x0a000600, 0, 0x200);
    end();
    end();
    node("off");
    text("status", "disabled");
    WORDS("#address-cells", 2);
    WORDS("#size-cells", 2);
    prop("ranges", "", 0);
    mmio(0x0a000800, 0x200, 17, 4);
    end();
    node("cut");
    text("compatible", "virtio,mmio");
    WORDS("reg", 0, 0x0a000a00, 0); /* its length is missing */
    end();
    accept();
    CHECK_EQ(virt.mmio_count, 1);
    CHECK(virt.mmio[0].phys == 0x0a000000 && virt.mmio[0].len == 0x200);
    CHECK_EQ(virt.mmio[0].irq, VIRT_IRQ_NONE);
}

static void mmio_at(uint64_t base, uint32_t irq)
{
    node("virtio_mmio@0");
    text("compatible", "virtio,mmio");
    WORDS("reg", (uint32_t)(base >> 32), (uint32_t)base, 0, 0x200);
    WORDS("interrupts", 0, irq, 4);
    end();
}

/* Buses that move addresses, one below another; what no range of theirs holds is named. */
static void buses_that_translate(void)
{
    basics_with_memory();
    node("soc");
    text("compatible", "simple-bus");
    WORDS("#address-cells", 2);
    WORDS("#size-cells", 2);
    WORDS("ranges", 0, 0, 0, 0x0b000000, 0, 0x10000, /* two windows */
          1, 0x100000, 0, 0x0c000000, 0, 0x400);
    mmio_at(0x200, 1);
    mmio_at(0x10000 - 0x200, 2); /* up to the end of a window */
    mmio_at(0x10000 - 0x100, 3); /* and beyond */
    mmio_at(0x100100200, 4);     /* in the second window */
    mmio_at(0x100100400, 5);     /* behind it */
    node("inner");
    WORDS("#address-cells", 1);
    WORDS("#size-cells", 1);
    WORDS("ranges", 0x1000, 0, 0x8000, 0x1000);
    node("virtio_mmio@1400");
    text("compatible", "virtio,mmio");
    WORDS("reg", 0x1400, 0x200);
    end();
    node("same_addresses");
    WORDS("#address-cells", 1);
    WORDS("#size-cells", 1);
    prop("ranges", "", 0);
    node("virtio_mmio@1800");
    text("compatible", "virtio,mmio");
    WORDS("reg", 0x1800, 0x200);
    end();
    end();
    end();
    end();
    accept();
    CHECK_EQ(virt.mmio_count, 5);
    static const uint32_t at[] = {0x0b000200, 0x0b008400, 0x0b008800, 0x0b00fe00, 0x0c000200};
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(virt.mmio[i].phys, at[i]);
    CHECK(virt.mmio[0].irq == 33 && virt.mmio[4].irq == 36);
    CHECK_EQ(host_log_matches("virtio_mmio@0: left out"), 2);
}

/* Lines of the GIC are used; a device whose line is another controller's is named. */
static void interrupt_parents(void)
{
    root();
    if (case_variant) { /* of the timer, without which nothing works */
        node("timer");
        text("compatible", "arm,armv8-timer");
        WORDS("interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
        end();
    }
    gic(case_variant ? OTHER_GIC : GIC);
    uart("pl011@9000000", 0x09000000, 1);
    memory("memory@40000000", RAM, 128 * MIB);
    device("virtio_mmio@a000000", "virtio,mmio", 0x0a000000, 0x200);
    WORDS("interrupt-parent", OTHER_GIC);
    WORDS("interrupts", 0, 16, 1);
    end();
    if (case_variant) {
        refuse("interrupts do not lead to the GIC");
        return;
    }
    device("virtio_mmio@a000200", "virtio,mmio", 0x0a000200, 0x200);
    WORDS("interrupts-extended", GIC, 0, 17, 1);
    end();
    device("virtio_mmio@a000400", "virtio,mmio", 0x0a000400, 0x200);
    WORDS("interrupts-extended", OTHER_GIC, 0, 17, 1);
    end();
    device("virtio_mmio@a000600", "virtio,mmio", 0x0a000600, 0x200);
    WORDS("interrupts-extended", GIC, 0, 17); /* cut off */
    end();
    accept();
    CHECK(virt.mmio[0].irq == VIRT_IRQ_NONE && virt.uart_irq == 33);
    CHECK_EQ(virt.mmio[1].irq, ((32 + 17) | VIRT_IRQ_EDGE));
    CHECK(virt.mmio[2].irq == VIRT_IRQ_NONE && virt.mmio[3].irq == VIRT_IRQ_NONE);
    CHECK_EQ(host_log_matches("does not lead to the GIC: polled"), 2);
    CHECK_EQ(host_log_matches("virtio_mmio@a000400: its interrupt"), 1);
}

/* The first device's line may be a foreign one: those behind it are used all the same. */
static void a_foreign_interrupt_first(void)
{
    root();
    node("pl011@9000000");
    text("compatible", "arm,pl011");
    WORDS("reg", 0, 0x09000000, 0, 0x1000);
    WORDS("interrupt-parent", OTHER_GIC);
    WORDS("interrupts", 0, 1, 4);
    end();
    mmio(0x0a000000, 0x200, 16, 4);
    memory("memory@40000000", RAM, 128 * MIB);
    gic(GIC);
    accept();
    CHECK(virt.uart_irq == VIRT_IRQ_NONE && virt.mmio[0].irq == 48);
    CHECK_EQ(host_log_matches("pl011@9000000: its interrupt does not lead to the GIC: no console"),
             1);
}

static void a_power_button(void)
{
    basics_with_memory();
    node("gpio-keys");
    text("compatible", "gpio-keys");
    node("poweroff");
    WORDS("gpios", 77, 3, 0);
    WORDS("linux,code", 116);
    end();
    end();
    device("pl061@9030000", "arm,pl061", 0x09030000, 0x1000);
    WORDS("phandle", 77);
    WORDS("interrupts", 0, 7, 4);
    end();
    accept();
    CHECK(virt.power.phandle == 77 && virt.power.pin == 3 && virt.power.gpio_count == 1);
    CHECK(virt.power.gpio[0].part.reg.base == 0x09030000 && virt.power.gpio[0].irq == 39);
}

static const struct test_variant parents[] = {{"one_device", 0}, {"all", 1}, {NULL, 0}};

static void the_uart_of_stdout_path(void)
{
    static const char *const paths[] = {"/pl011@9040000",   "/soc/pl011@9040000:115200n8",
                                        "serial1:115200n8", "/pl011@904000",
                                        "/pl011@90400001",  "",
                                        "serial7"};
    bool named = case_variant < 3;
    basics_with_memory();
    uart("pl011@9040000", 0x09040000, 8);
    node("aliases");
    text("serial", "/pl011@9000000");
    text("serial0", "/pl011@9000000");
    text("serial1", "/pl011@9040000");
    end();
    node("chosen");
    text("stdout-path", paths[case_variant]);
    end();
    accept();
    CHECK_EQ(virt.uart.base, named ? 0x09040000 : 0x09000000);
    CHECK_EQ(virt.uart_irq, named ? 40 : 33);
    CHECK_EQ(host_log_matches("stdout-path: names no PL011 UART"), !named && case_variant != 5);
}

static const struct test_variant paths[] = {{"named", 0},         {"options", 1}, {"alias", 2},
                                            {"shorter", 3},       {"longer", 4},  {"empty", 5},
                                            {"unknown_alias", 6}, {NULL, 0}};

static void no_uart(void)
{
    root();
    gic(GIC);
    memory("memory@40000000", RAM, 128 * MIB);
    device("virtio_mmio@a000000", "virtio,mmio", 0x0a000000, 0x200);
    WORDS("interrupts", 0, 16, 1);
    end();
    refuse("no PL011 UART");
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void too_deep(void)
{
    basics_with_memory();
    for (unsigned i = 0; i < 15 + case_variant; i++)
        node("n");
    for (unsigned i = 0; i < 15 + case_variant; i++)
        end();
    if (case_variant)
        refuse("nested too deeply");
    else
        accept();
}

static void unbalanced(void)
{
    basics_with_memory();
    if (case_variant) {
        end();
        refuse("more nodes end than begin");
    } else {
        node("open");
        refuse("damaged");
    }
}

static const struct test_variant ends[] = {{"open", 0}, {"closed_twice", 1}, {NULL, 0}};

static void property_beyond_the_tree(void)
{
    basics();
    prop_head("reg", 0xfffffff0);
    CHECK(read_tree() != NULL);
}

static void not_a_tree(void)
{
    uint8_t junk[64] __attribute__((aligned(8))) = {0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0, 64};

    CHECK(tree_read(junk) != NULL);
}

static const struct test_case cases[] = {
    {"memory_ranges", memory_ranges},
    {"memory_overlaps", memory_overlaps},
    {"memory_joins", memory_joins},
    {"memory_of_numa_nodes", memory_of_numa_nodes},
    {"memory_limits", memory_limits},
    {"no_memory", no_memory},
    {"reserved_memory", reserved_memory},
    {"too_much_reserved", too_much_reserved, NULL, 0, one_more},
    {"initrd", initrd, NULL, 0, initrds},
    {"chosen", chosen, NULL, 0, chosens},
    {"devices", devices, NULL, 0, conduits},
    {"a_gicv3", a_gicv3},
    {"windows", windows},
    {"too_many_windows", too_many_windows},
    {"cells_and_buses", cells_and_buses},
    {"buses_that_translate", buses_that_translate},
    {"a_foreign_interrupt_first", a_foreign_interrupt_first},
    {"a_power_button", a_power_button},
    {"interrupt_parents", interrupt_parents, NULL, 0, parents},
    {"the_uart_of_stdout_path", the_uart_of_stdout_path, NULL, 0, paths},
    {"no_uart", no_uart},
    {"too_deep", too_deep, NULL, 0, one_more},
    {"unbalanced", unbalanced, NULL, 0, ends},
    {"property_beyond_the_tree", property_beyond_the_tree},
    {"not_a_tree", not_a_tree},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
