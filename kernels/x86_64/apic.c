/* SPDX-License-Identifier: BSD-2-Clause */
/* apic.c - interrupts: table of entries, local APIC with its timer, I/O APIC, messages. */
#include "x86.h"

#define LAPIC       0xfee00000u
#define IOAPIC      0xfec00000u
#define FIRST       32 /* vector of line 0 */
#define INPUTS      24
#define MESSAGES    32 /* lines 32 to 63 */
#define MESSAGE_ONE 32
#define TIMER       24 /* line of the local timer */
#define SPURIOUS    31
#define VECTORS     96

enum {
    LAPIC_EOI = 0xb0,
    LAPIC_SPURIOUS = 0xf0,
    LAPIC_LVT_TIMER = 0x320,
    LAPIC_TIMER_START = 0x380,
    LAPIC_TIMER_LEFT = 0x390,
    LAPIC_TIMER_DIVIDE = 0x3e0,
};
enum { IOAPIC_SELECT = 0, IOAPIC_DATA = 0x10, IOAPIC_TABLE = 0x10 };
enum { LEVEL = 1 << 15, MASKED = 1 << 16 };
enum { PIC_MASK_1 = 0x21, PIC_MASK_2 = 0xa1 };

extern const uintptr_t machine_entries; /* of VECTORS entries, 16 bytes each: start.S */

static struct {
    uint16_t low, segment, flags, middle;
    uint32_t high, zero;
} idt[VECTORS];

static bool message_taken[MESSAGES], message_masked[MESSAGES];

void x86_timer_set(uint32_t units)
{
    hal_write32(LAPIC + LAPIC_TIMER_START, units);
}

uint32_t x86_timer_left(void)
{
    return hal_read32(LAPIC + LAPIC_TIMER_LEFT);
}

void x86_apic_start(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof(idt) - 1, (uintptr_t)idt};

    for (unsigned i = 0; i < VECTORS; i++) {
        uintptr_t at = machine_entries + 16 * i;

        idt[i].low = (uint16_t)at;
        idt[i].middle = (uint16_t)(at >> 16);
        idt[i].high = (uint32_t)(at >> 32);
        idt[i].segment = 8;
        idt[i].flags = 0x8e00; /* present, interrupt gate */
    }
    __asm__ volatile("lidt %0" : : "m"(pointer));
    hal_out8(PIC_MASK_1, 0xff);
    hal_out8(PIC_MASK_2, 0xff);
    hal_write32(LAPIC + LAPIC_SPURIOUS, 0x100 | (FIRST + SPURIOUS)); /* bit 8: on */
    hal_write32(LAPIC + LAPIC_TIMER_DIVIDE, 0xb);                    /* by one */
    hal_write32(LAPIC + LAPIC_LVT_TIMER, FIRST + TIMER);             /* once */
}

int machine_line(hal_irq_t irq, bool on)
{
    if (irq >= MESSAGE_ONE && irq < MESSAGE_ONE + MESSAGES) {
        message_masked[irq - MESSAGE_ONE] = !on;
        return 0;
    }
    if (irq < 0 || irq >= INPUTS)
        return -EINVAL;
    hal_write32(IOAPIC + IOAPIC_SELECT, IOAPIC_TABLE + 2 * (unsigned)irq + 1);
    hal_write32(IOAPIC + IOAPIC_DATA, 0); /* to the local APIC 0 */
    hal_write32(IOAPIC + IOAPIC_SELECT, IOAPIC_TABLE + 2 * (unsigned)irq);
    hal_write32(IOAPIC + IOAPIC_DATA, (FIRST + (unsigned)irq) | LEVEL | (on ? 0 : MASKED));
    return 0;
}

int hal_msi_alloc(uint32_t requester, struct hal_msi *msi)
{
    (void)requester;
    for (unsigned i = 0; i < MESSAGES; i++)
        if (!message_taken[i]) {
            message_taken[i] = true;
            *msi = (struct hal_msi){LAPIC, FIRST + MESSAGE_ONE + i, (hal_irq_t)(MESSAGE_ONE + i)};
            return 0;
        }
    return -ENOSPC;
}

void hal_msi_free(const struct hal_msi *msi)
{
    message_taken[msi->irq - MESSAGE_ONE] = false;
}

/* `from`: the address that was interrupted, or an exception's error code. */
void machine_trap(uint64_t vector, uint64_t from);
void machine_trap(uint64_t vector, uint64_t from)
{
    hal_irq_t irq = (hal_irq_t)vector - FIRST;

    if (irq < 0)
        hal_panic("exception %u, %p", (unsigned)vector, (void *)from);
    if (irq == SPURIOUS)
        return;
    if (irq < MESSAGE_ONE || !message_masked[irq - MESSAGE_ONE])
        kernel_interrupt(irq);
    hal_write32(LAPIC + LAPIC_EOI, 0);
}
