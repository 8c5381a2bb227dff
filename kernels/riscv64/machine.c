/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - QEMU's virt machine for RISC-V, in M-mode on hart 0: console, time, interrupts
 * through the PLIC, virtio-mmio windows and the PCI host at the addresses of the board.
 */
#include "virt.h"

#define FINISHER   0x00100000u /* ends the machine */
#define MTIMECMP   0x02004000u /* of hart 0 */
#define UART       0x10000000u
#define PLIC       0x0c000000u
#define LINES      96          /* of the PLIC; 0 is none */
#define MMIO_FIRST 0x10001000u /* 8 windows of 4 KiB, lines 1 to 8 */
#define MMIO_COUNT 8
#define INTX_FIRST 32  /* 4 lines */
#define TICK_NS    100 /* the timer counts at 10 MHz */

enum { FINISH_FAIL = 0x3333, FINISH_PASS = 0x5555 };
enum { PLIC_PRIORITY = 0, PLIC_ENABLE = 0x2000, PLIC_THRESHOLD = 0x200000, PLIC_CLAIM = 0x200004 };
enum { MSTATUS_MIE = 8, MIE_TIMER = 1 << 7, MIE_EXTERNAL = 1 << 11 };

/* ---- console and end ------------------------------------------------------------------------- */

void machine_putc(char c)
{
    hal_write8(UART, (uint8_t)c);
}

void machine_exit(int status)
{
    hal_write32(FINISHER, status ? (uint32_t)status << 16 | FINISH_FAIL : FINISH_PASS);
    for (;;)
        hal_relax();
}

/* ---- time ------------------------------------------------------------------------------------ */

uint64_t hal_now_ns(void)
{
#if __riscv_xlen == 64
    uint64_t ticks;

    CSR_READ(time, ticks);
#else
    uint32_t low, high, again;

    do {
        CSR_READ(timeh, high);
        CSR_READ(time, low);
        CSR_READ(timeh, again);
    } while (high != again);
    uint64_t ticks = (uint64_t)high << 32 | low;
#endif
    return ticks * TICK_NS;
}

/* In halves, and never early in between. */
static void timer_set(uint64_t ticks)
{
    hal_write32(MTIMECMP + 4, UINT32_MAX);
    hal_write32(MTIMECMP, (uint32_t)ticks);
    hal_write32(MTIMECMP + 4, (uint32_t)(ticks >> 32));
}

/* wfi ends when an interrupt is pending that mie has, also while mstatus holds it back. */
void machine_wait(uint64_t when)
{
    timer_set(when == HAL_NEVER ? HAL_NEVER : when / TICK_NS + 1);
    __asm__ volatile("wfi" : : : "memory");
}

/* ---- interrupts ------------------------------------------------------------------------------ */

void machine_interrupts(bool on)
{
    if (on)
        CSR_SET(mstatus, MSTATUS_MIE);
    else
        CSR_CLEAR(mstatus, MSTATUS_MIE);
}

static int plic_line(hal_irq_t irq, bool on)
{
    hal_mmio_t word = PLIC + PLIC_ENABLE + (unsigned)irq / 32 * 4;
    uint32_t bit = 1u << (unsigned)irq % 32;

    if (irq <= 0 || irq >= LINES)
        return -EINVAL;
    hal_write32(PLIC + PLIC_PRIORITY + 4 * (unsigned)irq, 1);
    hal_write32(word, on ? hal_read32(word) | bit : hal_read32(word) & ~bit);
    return 0;
}

int machine_line(hal_irq_t irq, bool on)
{
    return virt_has_imsic ? virt_imsic_line(irq, on) : plic_line(irq, on);
}

static void plic_interrupt(void)
{
    uint32_t irq = hal_read32(PLIC + PLIC_CLAIM);

    if (!irq)
        return;
    kernel_interrupt((hal_irq_t)irq);
    hal_write32(PLIC + PLIC_CLAIM, irq);
}

__attribute__((interrupt("machine"), aligned(4))) void machine_trap(void)
{
    uintptr_t cause, at, value, code;

    CSR_READ(mcause, cause);
    code = cause & 0xff;
    if ((intptr_t)cause < 0 && code == 11 && virt_has_imsic) {
        virt_imsic_interrupt();
    } else if ((intptr_t)cause < 0 && code == 11) {
        plic_interrupt();
    } else if ((intptr_t)cause < 0 && code == 7) {
        timer_set(HAL_NEVER); /* it had to end a wfi alone */
    } else {
        CSR_READ(mepc, at);
        CSR_READ(mtval, value);
        hal_panic("trap %lu at %p, value %p", (unsigned long)cause, (void *)at, (void *)value);
    }
}

/* ---- what the machine has -------------------------------------------------------------------- */

hal_mmio_t hal_mmio_map(uint64_t phys, uint64_t len)
{
    return phys + len <= UINTPTR_MAX ? (hal_mmio_t)phys : 0;
}

int hal_virtio_mmio(unsigned n, struct hal_virtio_mmio *out)
{
    if (n >= MMIO_COUNT)
        return -ENOENT;
    *out = (struct hal_virtio_mmio){.phys = MMIO_FIRST + n * 0x1000,
                                    .len = 0x1000,
                                    .irq = virt_has_imsic ? -1 : (hal_irq_t)n + 1};
    return 0;
}

int hal_pci_host(unsigned n, struct hal_pci_host *out)
{
    if (n)
        return -ENOENT;
    *out = (struct hal_pci_host){.bus_last = 255,
                                 .ecam = {0x30000000, 0, 0x10000000},
                                 .io = {0x03000000, 0, 0x10000},
                                 .mem32 = {0x40000000, 0x40000000, 0x40000000}};
    if (UINTPTR_MAX > UINT32_MAX)
        out->mem64 = (struct hal_pci_window){0x400000000, 0x400000000, 0x400000000};
    return 0;
}

hal_irq_t hal_pci_intx(unsigned host, unsigned dev, unsigned pin)
{
    (void)host;
    return virt_has_imsic ? -1 : (hal_irq_t)(INTX_FIRST + (dev + pin - 1) % 4);
}

void machine_start(const uint8_t *tree)
{
    virt_read_tree(tree);
    if (virt_has_imsic)
        virt_imsic_start();
    CSR_WRITE(mie, MIE_TIMER | MIE_EXTERNAL);
    kernel_main();
}
