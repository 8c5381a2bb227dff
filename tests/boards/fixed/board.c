/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * board.c - the board of fixed.h: start, end, and what it has, as docs/another-board.md explains it
 * step by step. uart.c is its console; interrupts and time are files of the virt board (board.mk).
 */
#include "fixed.h"

/* ARM semihosting 2.0: the way to end QEMU with a status. */
enum { SYS_EXIT_EXTENDED = 0x20, STOPPED_APPLICATION_EXIT = 0x20026 };

extern char __image_start[], __image_end[];

struct virt_machine virt; /* of it only what board.mk's files read, and info */
const uint64_t board_ram_start = FIXED_RAM;

const struct board_info *board_info(void)
{
    return &virt.info;
}

/* ---- start ----------------------------------------------------------------------------------- */

static void fixed_describe(void)
{
    static const char args[] = FIXED_BOOTARGS;
    struct board_info *info = &virt.info;
    uintptr_t image = (uintptr_t)__image_start;

    _Static_assert(sizeof(args) <= sizeof(info->bootargs), "the boot arguments are too long");
    info->ram[info->ram_count++] = (struct board_range){FIXED_RAM, FIXED_RAM_LEN};
    info->reserved[info->reserved_count++] =
        (struct board_range){image, (uintptr_t)__image_end - image};
    memcpy(info->bootargs, args, sizeof(args));
    virt.timer_irq = FIXED_IRQ_TIMER;
    virt.gic = (struct virt_gic){
        .version = 2, .dist = {FIXED_GICD, FIXED_GIC_LEN}, .cpu = {FIXED_GICC, FIXED_GIC_LEN}};
}

/* NULL, or what is wrong. Memory before whatever allocates; interrupts before the timer. */
static const char *fixed_set_up(void)
{
    const char *wrong;

    fixed_describe();
    if (arch_map_ram(FIXED_RAM, FIXED_RAM_LEN))
        return "the memory cannot be mapped";
    fixed_uart_start();
    memory_init(&virt.info);
    arch_memory_ready();
    wrong = gic_init();
    return wrong ? wrong : timer_init();
}

/* Not protected by the stack's canary, which may change while this frame lives. */
__attribute__((no_stack_protector)) void board_start(const void *dtb)
{
    const char *wrong;

    (void)dtb;
    timer_start_clock();
    wrong = fixed_set_up();
    if (wrong) {
        board_console_write(wrong, __builtin_strlen(wrong));
        board_console_write("\nvireo: exit 1\n", 15);
        board_exit(1);
    }
    runtime_start();
}

void board_misplaced(uint64_t at)
{
    (void)at;
    fixed_uart_raw("vireo: loaded at the wrong address\r\nvireo: exit 1\r\n");
    for (;;)
        board_wait();
}

/* ---- end ------------------------------------------------------------------------------------- */

/* A board with a power switch or a watchdog uses it here, after semihosting. */
void board_exit(int status)
{
    uintptr_t block[2] = {STOPPED_APPLICATION_EXIT, (uintptr_t)(status & 0xff)};

    arch_irq_save();
    arch_semihost(SYS_EXIT_EXTENDED, block); /* returns if there is no semihosting */
    for (;;)
        board_wait();
}

/* ---- what the board has ---------------------------------------------------------------------- */

void board_on_power_button(void (*fn)(void))
{
    (void)fn; /* the board has none */
}

bool board_rtc_seconds(uint64_t *unix_seconds)
{
    (void)unix_seconds;
    return false;
}

int hal_virtio_mmio(unsigned n, struct hal_virtio_mmio *out)
{
    if (n >= FIXED_WINDOWS)
        return -ENOENT;
    out->phys = FIXED_WINDOW + n * FIXED_WINDOW_LEN;
    out->len = FIXED_WINDOW_LEN;
    out->irq = FIXED_IRQ_WINDOW + (hal_irq_t)n;
    return 0;
}

int hal_pci_host(unsigned n, struct hal_pci_host *out)
{
    (void)n;
    (void)out;
    return -ENOENT;
}

hal_irq_t hal_pci_intx(unsigned host, unsigned dev, unsigned pin)
{
    (void)host;
    (void)dev;
    (void)pin;
    return VIRT_IRQ_NONE;
}

int hal_msi_alloc(uint32_t requester, struct hal_msi *msi)
{
    (void)requester;
    (void)msi;
    return -ENODEV;
}

void hal_msi_free(const struct hal_msi *msi)
{
    (void)msi;
}
