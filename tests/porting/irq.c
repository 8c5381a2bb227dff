/* SPDX-License-Identifier: BSD-2-Clause */
/* irq.c - interrupts and sleep on QEMU's riscv64 virt board: PLIC and timer of hart 0, M-mode. */
#include "port.h"

#define LINES           64
#define PLIC_PRIORITY   (0x0c000000u + 4u * (unsigned)irq)
#define PLIC_ENABLE     (0x0c002000u + (unsigned)irq / 32u * 4u)
#define PLIC_THRESHOLD  0x0c200000u
#define PLIC_CLAIM      0x0c200004u
#define MTIMECMP        0x02004000u
#define MACHINE_TIMER   0x080u
#define MACHINE_EXTERN  0x800u
#define MSTATUS_ENABLED 0x8

/* One handler a line: lines of virtio-mmio are not shared. */
static struct {
    hal_irq_fn fn;
    void *ctx;
} handlers[LINES];

static void irq_line(hal_irq_t irq, bool on)
{
    uint32_t bit = 1u << (unsigned)irq % 32, word = hal_read32(PLIC_ENABLE);

    hal_write32(PLIC_PRIORITY, 1);
    hal_write32(PLIC_ENABLE, on ? word | bit : word & ~bit);
}

int hal_irq_attach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    if (irq <= 0 || irq >= LINES || handlers[irq].fn)
        return -EINVAL;
    handlers[irq].ctx = ctx;
    handlers[irq].fn = fn;
    irq_line(irq, true);
    return 0;
}

void hal_irq_detach(hal_irq_t irq, hal_irq_fn fn, void *ctx)
{
    (void)fn;
    (void)ctx;
    irq_line(irq, false);
    handlers[irq].fn = NULL;
}

void hal_irq_mask(hal_irq_t irq)
{
    irq_line(irq, false);
}

static void irq_timer(uint64_t ticks)
{
    *(volatile uint64_t *)MTIMECMP = ticks;
}

__attribute__((interrupt("machine"), aligned(4))) static void irq_trap(void)
{
    uintptr_t cause;

    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    if ((intptr_t)cause >= 0)
        hal_panic("trap %u", (unsigned)cause);
    if ((cause & 0xff) == 7) {
        irq_timer(UINT64_MAX); /* it had to end a wfi alone */
    } else {
        uint32_t irq = hal_read32(PLIC_CLAIM);

        if (irq && irq < LINES && handlers[irq].fn)
            handlers[irq].fn(handlers[irq].ctx);
        hal_write32(PLIC_CLAIM, irq);
    }
}

void port_interrupts(void)
{
    irq_timer(UINT64_MAX);
    hal_write32(PLIC_THRESHOLD, 0);
    __asm__ volatile("csrw mtvec, %0" : : "r"(irq_trap));
    __asm__ volatile("csrw mie, %0" : : "r"(MACHINE_EXTERN | MACHINE_TIMER));
    __asm__ volatile("csrsi mstatus, %0" : : "i"(MSTATUS_ENABLED));
}

void port_sleep(uint64_t when)
{
    __asm__ volatile("csrci mstatus, %0" : : "i"(MSTATUS_ENABLED) : "memory");
    if (!vireo_pending()) { /* else a handler ran after vireo_poll() */
        irq_timer(when == HAL_NEVER ? UINT64_MAX : when / 100 + 1);
        __asm__ volatile("wfi" : : : "memory");
    }
    __asm__ volatile("csrsi mstatus, %0" : : "i"(MSTATUS_ENABLED) : "memory");
}
