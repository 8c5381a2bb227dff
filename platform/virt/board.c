/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * board.c - QEMU's virt board, or one with the same devices: start and end of the run, the clock of
 * the day, and the virtio-mmio windows that the device tree names.
 */
#include "virt.h"

enum { RTC_DATA = 0x0 }; /* PL031, Arm DDI 0224: seconds since 1970 */
enum { SYS_EXIT_EXTENDED = 0x20, STOPPED_APPLICATION_EXIT = 0x20026 };
#define PSCI_SYSTEM_OFF 0x84000008ul

extern char __image_start[], __image_end[];

struct virt_machine virt;
const uint64_t board_ram_start = 0x40000000;

const struct board_info *board_info(void)
{
    return &virt.info;
}

/* ---- start ----------------------------------------------------------------------------------- */

/* The image cannot run on this machine: prints why, and ends with status 1. */
static void board_refuse(const char *why) __attribute__((noreturn));
static void board_refuse(const char *why)
{
    static const char tail[] = "\nvireo: exit 1\n";

    board_console_write("vireo: ", 7);
    board_console_write(why, __builtin_strlen(why));
    board_console_write(tail, sizeof(tail) - 1);
    board_exit(1);
}

void board_misplaced(uint64_t at)
{
    (void)at;
    uart_write_raw("vireo: loaded at the wrong address: this image runs at 0x40101000 only; "
                   "start it with QEMU's -M virt -kernel\r\nvireo: exit 1\r\n");
    for (;;)
        board_wait();
}

static void board_reserve_image(void)
{
    struct board_info *info = &virt.info;
    uintptr_t start = (uintptr_t)__image_start;

    info->reserved[info->reserved_count++] =
        (struct board_range){start, (uintptr_t)__image_end - start};
}

/* Does one RAM range hold the whole image? */
static bool board_image_in_ram(void)
{
    uintptr_t start = (uintptr_t)__image_start, end = (uintptr_t)__image_end;

    for (unsigned i = 0; i < virt.info.ram_count; i++) {
        const struct board_range *r = &virt.info.ram[i];
        if (start >= r->base && end - r->base <= r->len)
            return true;
    }
    return false;
}

/* Drops RAM that lies above the addresses that this CPU can map. */
static void board_clip_ram(void)
{
    struct board_info *info = &virt.info;
    uint64_t end = arch_ram_end();
    unsigned kept = 0;

    for (unsigned i = 0; i < info->ram_count; i++) {
        struct board_range r = info->ram[i];
        if (r.base >= end)
            continue;
        if (r.len > end - r.base)
            r.len = end - r.base;
        info->ram[kept++] = r;
    }
    info->ram_count = kept;
}

static const char *board_set_up(const void *dtb)
{
    if (!dtb)
        return "no device tree: start the image with QEMU's -M virt -kernel; if that was done, "
               "give the machine more memory (-m)";
    board_reserve_image();
    const char *wrong = tree_read(dtb);
    if (wrong)
        return wrong;
    board_clip_ram();
    if (!board_image_in_ram())
        return "too little memory for this image: give the machine more (-m)";
    for (unsigned i = 0; i < virt.info.ram_count; i++)
        if (arch_map_ram(virt.info.ram[i].base, virt.info.ram[i].len))
            return "the memory in the device tree cannot be mapped";
    uart_init();
    tree_report();
    memory_init(&virt.info);
    arch_memory_ready();
    wrong = gic_init();
    return wrong ? wrong : timer_init();
}

/* Without stack protector: the canary changes while this function runs. */
__attribute__((no_stack_protector)) void board_start(const void *dtb)
{
    timer_start_clock();
    const char *wrong = board_set_up(dtb);
    if (wrong)
        board_refuse(wrong);
    arch_canary_stir(virt.seed, virt.seed_len);
    runtime_seed(virt.seed, virt.seed_len);
    runtime_start();
}

/* ---- end ------------------------------------------------------------------------------------- */

void board_exit(int status)
{
    uintptr_t block[2] = {STOPPED_APPLICATION_EXIT, (uintptr_t)(status & 0xff)};

    arch_irq_save();
    arch_semihost(SYS_EXIT_EXTENDED, block); /* returns only if there is no semihosting */
    if (virt.psci != VIRT_PSCI_NONE)
        arch_psci(virt.psci == VIRT_PSCI_SMC, PSCI_SYSTEM_OFF);
    for (;;)
        board_wait(); /* a machine without power-off sleeps for good */
}

/* ---- devices --------------------------------------------------------------------------------- */

bool board_rtc_seconds(uint64_t *unix_seconds)
{
    hal_mmio_t rtc = virt.rtc.len >= ARCH_PAGE ? hal_mmio_map(virt.rtc.base, ARCH_PAGE) : 0;

    if (!rtc)
        return false;
    *unix_seconds = hal_read32(rtc + RTC_DATA);
    return true;
}

int hal_virtio_mmio(unsigned n, struct hal_virtio_mmio *out)
{
    if (n >= virt.mmio_count)
        return -ENOENT;
    *out = virt.mmio[n];
    return 0;
}
