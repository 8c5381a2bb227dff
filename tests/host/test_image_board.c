/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_board.c - the board of an image from start to end (platform/virt/board.c): which
 * memory it uses, why it refuses a machine, the clock of the day, PSCI; and the UART (pl011.c),
 * against a model of its registers (Arm DDI 0183).
 */
#include <string.h>

#include "check.h"
#include "cpu.h"
#include "host.h"
#include "virt.h"

#define UART 0x09000000ull
#define RTC  0x09010000ull

/* The image, as linker/virt.ld names its ends: 64 KiB of this program. */
__asm__(".pushsection .data\n"
        ".balign 4096\n"
        ".globl __image_start\n"
        "__image_start: .zero 65536\n"
        ".globl __image_end\n"
        "__image_end:\n"
        ".popsection\n");
extern char __image_start[], __image_end[];

/* ---- the UART -------------------------------------------------------------------------------- */

static struct {
    char out[4096], in[1024];
    unsigned out_len, in_len, in_at;
    uint32_t mask, control, line_control;
    unsigned acks, full; /* looks until the transmitter has room */
    bool stuck;          /* it never has */
} uart;

static uint32_t read_uart(void *ctx, uint64_t off, unsigned width, bool sync)
{
    (void)ctx;
    (void)width;
    (void)sync;
    if (off == 0x18) {
        bool full = uart.stuck || uart.full;
        uart.full -= uart.full > 0;
        return (full ? 1 << 5 : 0) | (uart.in_at == uart.in_len ? 1 << 4 : 0);
    }
    CHECK_EQ(off, 0x0);
    return uart.in_at < uart.in_len ? (uint8_t)uart.in[uart.in_at++] | 0x300u : 0;
}

static void write_uart(void *ctx, uint64_t off, unsigned width, uint32_t v, bool sync)
{
    (void)ctx;
    (void)width;
    (void)sync;
    if (off == 0x0) {
        if ((uart.control & 0x101) != 0x101)
            host_violation("a byte for a UART that is not on");
        CHECK(uart.out_len < sizeof(uart.out));
        if (!uart.full && !uart.stuck)
            uart.out[uart.out_len++] = (char)v;
        uart.full = 3;
    } else if (off == 0x2c) {
        uart.line_control = v;
    } else if (off == 0x30) {
        uart.control = v;
    } else if (off == 0x38) {
        uart.mask = v;
    } else if (off == 0x44) {
        CHECK_EQ(v, 0x50);
        uart.acks++;
    } else {
        host_violation("write of the UART at %#llx", (unsigned long long)off);
    }
}

static uint32_t read_rtc(void *ctx, uint64_t off, unsigned width, bool sync)
{
    (void)ctx;
    (void)sync;
    CHECK(off == 0 && width == 4);
    return 0xfedcba98;
}

static const struct host_bus uart_bus = {read_uart, write_uart}, rtc_bus = {read_rtc, NULL};

static void plug_uart(void)
{
    host_bus_add(UART, 0x1000, &uart_bus, NULL);
}

static bool printed(const char *text)
{
    return uart.out_len == strlen(text) && !memcmp(uart.out, text, uart.out_len);
}

/* ---- what the board stands on ---------------------------------------------------------------- */

static jmp_buf over;
static const char *tree_wrong, *gic_wrong, *timer_wrong;
static struct board_range tree_ram[3];
static struct board_range mapped[4];
static unsigned mapped_count, psci_calls;
static bool map_fails, psci_smc, memory_ready, canary, seeded, started;
static int exit_block[2];
static hal_irq_fn uart_handler;
static int attach_result;
static uint64_t ram_end = 1ull << 40;

const char *tree_read(const void *dtb)
{
    CHECK(dtb == (void *)0x1234);
    CHECK(virt.info.reserved_count == 1); /* the image comes first */
    for (unsigned i = 0; i < 3 && tree_ram[i].len; i++)
        virt.info.ram[virt.info.ram_count++] = tree_ram[i];
    virt.uart = (struct board_range){UART, 0x1000};
    virt.uart_irq = 33;
    return tree_wrong;
}

int arch_map_ram(uint64_t base, uint64_t len)
{
    CHECK(!memory_ready);
    mapped[mapped_count++] = (struct board_range){base, len};
    return map_fails ? -ENOMEM : 0;
}

uint64_t arch_ram_end(void)
{
    return ram_end;
}

void memory_init(const struct board_info *info)
{
    CHECK(info == &virt.info && mapped_count == info->ram_count);
}

void arch_memory_ready(void)
{
    memory_ready = true;
}

const char *gic_init(void)
{
    CHECK(memory_ready);
    return gic_wrong;
}

const char *timer_init(void)
{
    return timer_wrong;
}

void timer_start_clock(void)
{
}

void arch_canary_stir(const void *seed, size_t len)
{
    CHECK(seed == virt.seed && len == virt.seed_len && !seeded);
    canary = true;
}

void runtime_seed(void *seed, size_t len)
{
    CHECK(seed == virt.seed && len == virt.seed_len && canary);
    seeded = true;
}

void tree_report(void)
{
}

void runtime_start(void)
{
    started = true;
    longjmp(over, 1);
}

long arch_semihost(unsigned long op, void *arg)
{
    const uintptr_t *block = arg;

    CHECK_EQ(op, 0x20);
    exit_block[0] = (int)block[0];
    exit_block[1] = (int)block[1];
    return 0; /* there is no semihosting */
}

long arch_psci(bool smc, unsigned long function)
{
    CHECK_EQ(function, 0x84000008);
    psci_smc = smc;
    psci_calls++;
    return 0;
}

/* The last thing that a board without a switch does. */
void board_wait(void)
{
    longjmp(over, 2);
}

int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    CHECK(irq == 33 && !ctx);
    uart_handler = fn;
    return attach_result;
}

/* ---- start ----------------------------------------------------------------------------------- */

static struct board_range around_image(size_t before, size_t behind)
{
    return (struct board_range){(uintptr_t)__image_start - before, 65536 + before + behind};
}

/* Starts the board; why it refused the machine, or NULL: the runtime was started. */
static const char *boot(const void *dtb)
{
    static char text[600];

    plug_uart();
    ram_end = UINT64_MAX;
    if (!tree_ram[0].len)
        tree_ram[0] = around_image(4096, 1u << 20);
    if (!setjmp(over))
        board_start(dtb);
    if (started)
        return NULL;
    CHECK(exit_block[0] == 0x20026 && exit_block[1] == 1);
    memcpy(text, uart.out, uart.out_len);
    return text;
}

static void a_good_machine(void)
{
    CHECK(!boot((void *)0x1234));
    CHECK(canary && uart.out_len == 0);
    CHECK(virt.info.reserved[0].base == (uintptr_t)__image_start);
    CHECK(virt.info.reserved[0].len == 65536);
    CHECK(board_info() == &virt.info);
    CHECK(mapped_count == 1 && mapped[0].base == tree_ram[0].base);
    CHECK_EQ(uart.control, 0x301);
    CHECK_EQ(uart.line_control, 0x70);
}

static void refused_machines(void)
{
    static const char *const why[] = {"no device tree",    "too bad",          "too little memory",
                                      "too little memory", "cannot be mapped", "no GIC",
                                      "no timer"};

    if (case_variant == 1)
        tree_wrong = "too bad";
    if (case_variant == 2)
        tree_ram[0] = around_image(0, -1);
    if (case_variant == 3)
        tree_ram[0] = (struct board_range){(uintptr_t)__image_start + 4096, 1u << 20};
    map_fails = case_variant == 4;
    gic_wrong = case_variant == 5 ? "no GIC" : NULL;
    timer_wrong = case_variant == 6 ? "no timer" : NULL;
    const char *text = boot(case_variant ? (void *)0x1234 : NULL);
    CHECK(text && !strncmp(text, "vireo: ", 7) && strstr(text, why[case_variant]));
    CHECK(strstr(text, "\r\nvireo: exit 1\r\n"));
    CHECK(!canary);
}

static const struct test_variant refusals[] = {{"no_tree", 0}, {"tree", 1}, {"small", 2},
                                               {"behind", 3},  {"map", 4},  {"gic", 5},
                                               {"timer", 6},   {NULL, 0}};

/* RAM beyond the addresses of the CPU is left out; what reaches over the end is cut. */
static void ram_is_clipped(void)
{
    uint64_t image = (uintptr_t)__image_start;

    tree_ram[0] = (struct board_range){image + (1ull << 30), 1ull << 20};
    tree_ram[1] = around_image(4096, 1u << 20);
    tree_ram[2] = (struct board_range){image - (64u << 20), 1u << 20};
    plug_uart();
    ram_end = image + (1u << 20);
    if (!setjmp(over))
        board_start((void *)0x1234);
    CHECK(started);
    CHECK_EQ(virt.info.ram_count, 2);
    CHECK(virt.info.ram[0].base == image - 4096 && virt.info.ram[0].len == 4096 + (1u << 20));
    CHECK(virt.info.ram[1].base == image - (64u << 20) && virt.info.ram[1].len == 1u << 20);
}

static void windows(void)
{
    struct hal_virtio_mmio w;

    virt.mmio_count = 1;
    virt.mmio[0] = (struct hal_virtio_mmio){5, 6, 7};
    CHECK(hal_virtio_mmio(0, &w) == 0 && w.phys == 5 && w.len == 6 && w.irq == 7);
    CHECK_EQ(hal_virtio_mmio(1, &w), -ENOENT);
}

/* ---- end, the clock of the day --------------------------------------------------------------- */

static void the_end(void)
{
    static const enum virt_psci ways[] = {VIRT_PSCI_NONE, VIRT_PSCI_HVC, VIRT_PSCI_SMC};

    virt.psci = ways[case_variant];
    int how = setjmp(over);
    if (!how)
        board_exit(0x1ff);
    CHECK_EQ(how, 2); /* sleeps, when nothing ended the machine */
    CHECK(exit_block[0] == 0x20026 && exit_block[1] == 0xff);
    CHECK_EQ(psci_calls, case_variant != 0);
    CHECK(psci_smc == (case_variant == 2));
    CHECK(fakecpu.masked);
}

static const struct test_variant conduits[] = {{"none", 0}, {"hvc", 1}, {"smc", 2}, {NULL, 0}};

static void clock_of_the_day(void)
{
    uint64_t seconds = 5;

    CHECK(!board_rtc_seconds(&seconds) && seconds == 5); /* no RTC */
    virt.rtc = (struct board_range){RTC, 0x1000};
    CHECK(!board_rtc_seconds(&seconds)); /* it cannot be mapped */
    host_bus_add(RTC, 0x1000, &rtc_bus, NULL);
    CHECK(board_rtc_seconds(&seconds) && seconds == 0xfedcba98);
    virt.rtc.len = 0x800;
    CHECK(!board_rtc_seconds(&seconds));
}

/* ---- the console ----------------------------------------------------------------------------- */

static unsigned inputs;

static void on_input(void)
{
    inputs++;
}

static void set_uart_up(void)
{
    plug_uart();
    virt.uart = (struct board_range){UART, 0x1000};
    virt.uart_irq = 33;
    uart.mask = 0x7ff; /* as a boot loader may have left it */
    uart_init();
    CHECK_EQ(uart.mask, 0);
}

static void output(void)
{
    set_uart_up();
    board_console_write("ab\nc\r\n", 6);
    CHECK(printed("ab\r\nc\r\r\n"));
}

/* A UART that is full for ever loses bytes, and the image goes on. */
static void output_of_a_stuck_uart(void)
{
    set_uart_up();
    uart.stuck = true;
    board_console_write("a", 1);
    CHECK(uart.out_len == 0);
}

static void no_uart(void)
{
    board_console_write("a", 1); /* nothing is at the default address either */
    CHECK_EQ(board_console_getc(), -1);
    board_console_on_input(on_input);
    CHECK(!uart_handler);
    virt.uart = (struct board_range){UART, 0x1000};
    uart_init();
    plug_uart();
    board_console_write("b", 1);
    CHECK(printed("b"));
}

static void type(const char *text)
{
    memcpy(uart.in + uart.in_len, text, strlen(text));
    uart.in_len += (unsigned)strlen(text);
}

static void input(void)
{
    set_uart_up();
    CHECK_EQ(board_console_getc(), -1);
    type("xy\xff");
    CHECK_EQ(board_console_getc(), 'x'); /* without an interrupt */
    CHECK_EQ(board_console_getc(), 'y');
    CHECK_EQ(board_console_getc(), 0xff);
    CHECK_EQ(board_console_getc(), -1);
    CHECK(!fakecpu.masked);
    board_console_on_input(on_input);
    board_console_on_input(on_input);
    CHECK(uart.mask == 0x50 && uart_handler);
    type("z");
    uart_handler(NULL);
    CHECK(inputs == 1 && uart.acks == 1 && uart.in_at == uart.in_len);
    CHECK_EQ(board_console_getc(), 'z');
}

/* The ring holds 256 bytes: what comes beyond them is lost, the rest stays in order. */
static void input_beyond_the_ring(void)
{
    set_uart_up();
    board_console_on_input(on_input);
    for (unsigned i = 0; i < 250; i++)
        type((const char[]){(char)('a' + i % 26), 0});
    uart_handler(NULL);
    for (unsigned i = 0; i < 50; i++)
        type((const char[]){(char)('A' + i % 26), 0});
    uart_handler(NULL);
    for (unsigned i = 0; i < 250; i++)
        CHECK_EQ(board_console_getc(), 'a' + i % 26);
    for (unsigned i = 0; i < 6; i++)
        CHECK_EQ(board_console_getc(), 'A' + i % 26);
    CHECK_EQ(board_console_getc(), -1);
    type("q");
    CHECK_EQ(board_console_getc(), 'q');
}

/* Where the line cannot be attached, no interrupt is asked for. */
static void input_without_interrupt(void)
{
    set_uart_up();
    attach_result = -EINVAL;
    board_console_on_input(on_input);
    CHECK_EQ(uart.mask, 0);
}

static const struct test_case cases[] = {
    {"a_good_machine", a_good_machine},
    {"refused_machines", refused_machines, NULL, 0, refusals},
    {"ram_is_clipped", ram_is_clipped},
    {"windows", windows},
    {"the_end", the_end, NULL, 0, conduits},
    {"clock_of_the_day", clock_of_the_day},
    {"output", output},
    {"output_of_a_stuck_uart", output_of_a_stuck_uart},
    {"no_uart", no_uart},
    {"input", input},
    {"input_beyond_the_ring", input_beyond_the_ring},
    {"input_without_interrupt", input_without_interrupt},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
