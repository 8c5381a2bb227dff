/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - Arm's Versatile Express with a Cortex-A15, as QEMU's vexpress-a15: PL011, GICv2, the
 * CPU's virtual timer, four virtio-mmio windows. Words of the boot and the end by semihosting.
 */
#include "kernel.h"

#define UART       0x1c090000u
#define GICD       0x2c001000u
#define GICC       0x2c002000u
#define MMIO_FIRST 0x1c130000u
#define MMIO_LEN   0x200u
#define MMIO_COUNT 4
#define MMIO_LINE  72 /* of the first window: SPI 40 */
#define TIMER_LINE 27
#define LINES      160

enum { UART_CONTROL = 0x30, UART_ON = 1 << 8 | 1 }; /* transmitter and all */
enum { GICD_CTLR = 0, GICD_ENABLE = 0x100, GICD_DISABLE = 0x180, GICD_PRIORITY = 0x400 };
enum { GICD_TARGET = 0x800, GICC_CTLR = 0, GICC_MASK = 4, GICC_ACK = 0xc, GICC_END = 0x10 };
enum { SYS_GET_CMDLINE = 0x15, SYS_EXIT_EXTENDED = 0x20, EXIT_APPLICATION = 0x20026 };

int machine_semihosting(unsigned call, const void *block);
void machine_interrupt(void);
void machine_fault(unsigned number, uintptr_t at) __attribute__((noreturn));
void machine_start(void);

/* ---- console, end, words --------------------------------------------------------------------- */

void machine_putc(char c)
{
    hal_write32(UART, (uint8_t)c);
}

void machine_exit(int status)
{
    uint32_t block[] = {EXIT_APPLICATION, (uint32_t)status};

    machine_semihosting(SYS_EXIT_EXTENDED, block);
    for (;;)
        hal_relax();
}

static void machine_words(void)
{
    static char words[512];
    uint32_t block[] = {(uintptr_t)words, sizeof(words)};

    if (machine_semihosting(SYS_GET_CMDLINE, block) == 0)
        kernel_words = words;
}

/* ---- time ------------------------------------------------------------------------------------ */

static uint32_t timer_hz(void)
{
    uint32_t hz;

    __asm__ volatile("mrc p15, 0, %0, c14, c0, 0" : "=r"(hz));
    return hz;
}

uint64_t hal_now_ns(void)
{
    uint64_t ticks;
    uint32_t hz = timer_hz();

    __asm__ volatile("mrrc p15, 1, %Q0, %R0, c14" : "=r"(ticks) : : "memory");
    return ticks / hz * HAL_SEC + ticks % hz * HAL_SEC / hz;
}

static void timer_set(uint64_t when)
{
    uint32_t hz = timer_hz(), on = when != HAL_NEVER;
    uint64_t ticks = when / HAL_SEC * hz + when % HAL_SEC * hz / HAL_SEC + 1;

    __asm__ volatile("mcrr p15, 3, %Q0, %R0, c14" : : "r"(on ? ticks : HAL_NEVER));
    __asm__ volatile("mcr p15, 0, %0, c14, c3, 1" : : "r"(on) : "memory");
}

/* ---- interrupts ------------------------------------------------------------------------------ */

void machine_interrupts(bool on)
{
    if (on)
        __asm__ volatile("cpsie i" : : : "memory");
    else
        __asm__ volatile("cpsid i" : : : "memory");
}

/* wfi ends when an interrupt is pending, also while the CPU masks it. */
void machine_wait(uint64_t when)
{
    timer_set(when);
    __asm__ volatile("dsb\n\twfi" : : : "memory");
}

int machine_line(hal_irq_t irq, bool on)
{
    unsigned n = (unsigned)irq;

    if (irq < 0 || irq >= LINES)
        return -EINVAL;
    hal_write8(GICD + GICD_PRIORITY + n, 0x80);
    if (n >= 32) /* those below are the CPU's own */
        hal_write8(GICD + GICD_TARGET + n, 1);
    hal_write32(GICD + (on ? GICD_ENABLE : GICD_DISABLE) + n / 32 * 4, 1u << n % 32);
    return 0;
}

void machine_interrupt(void)
{
    uint32_t ack = hal_read32(GICC + GICC_ACK), irq = ack & 0x3ff;

    if (irq >= LINES)
        return; /* 1023: none is pending any more */
    if (irq == TIMER_LINE)
        timer_set(HAL_NEVER);
    else
        kernel_interrupt((hal_irq_t)irq);
    hal_write32(GICC + GICC_END, ack);
}

void machine_fault(unsigned number, uintptr_t at)
{
    hal_panic("exception %u at %p", number, (void *)at);
}

/* ---- what the machine has -------------------------------------------------------------------- */

hal_mmio_t hal_mmio_map(uint64_t phys, uint64_t len)
{
    return phys + len <= UINT32_MAX ? (hal_mmio_t)phys : 0;
}

int hal_virtio_mmio(unsigned n, struct hal_virtio_mmio *out)
{
    if (n >= MMIO_COUNT)
        return -ENOENT;
    *out = (struct hal_virtio_mmio){MMIO_FIRST + n * MMIO_LEN, MMIO_LEN, MMIO_LINE + (hal_irq_t)n};
    return 0;
}

void machine_start(void)
{
    hal_write32(UART + UART_CONTROL, UART_ON);
    machine_words();
    hal_write32(GICD + GICD_CTLR, 1);
    hal_write32(GICC + GICC_MASK, 0xff);
    hal_write32(GICC + GICC_CTLR, 1);
    machine_line(TIMER_LINE, true);
    kernel_main();
}
