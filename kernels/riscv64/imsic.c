/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * imsic.c - messages through the incoming message-signalled interrupt controller (RISC-V Advanced
 * Interrupt Architecture 1.0, section 3): the M-level interrupt file of hart 0. A message is a
 * store of its identity to the file's page; line n is identity n.
 */
#include "virt.h"

#define IMSIC_FILE 0x24000000u

/* Registers of the file, behind the CSRs miselect (0x350) and mireg (0x351); mtopei is 0x35c. */
enum { IMSIC_DELIVERY = 0x70, IMSIC_THRESHOLD = 0x72, IMSIC_ENABLE = 0xc0 };

static bool taken[VIRT_MESSAGES];

void virt_imsic_start(void)
{
    CSR_WRITE(0x350, IMSIC_THRESHOLD);
    CSR_WRITE(0x351, 0); /* none: all identities are let through */
    CSR_WRITE(0x350, IMSIC_DELIVERY);
    CSR_WRITE(0x351, 1);
}

int hal_msi_alloc(uint32_t requester, struct hal_msi *msi)
{
    (void)requester;
    for (unsigned i = 1; i < VIRT_MESSAGES && virt_has_imsic; i++)
        if (!taken[i]) {
            taken[i] = true;
            *msi = (struct hal_msi){IMSIC_FILE, i, (hal_irq_t)i};
            return 0;
        }
    return virt_has_imsic ? -ENOSPC : -ENODEV;
}

void hal_msi_free(const struct hal_msi *msi)
{
    taken[msi->irq] = false;
}

/* On a 32-bit hart a register has the bits of 32 identities, on a 64-bit hart of 64 at even ones.
 */
int virt_imsic_line(hal_irq_t irq, bool on)
{
    unsigned bits = 8 * sizeof(uintptr_t);
    uintptr_t bit = (uintptr_t)1 << ((unsigned)irq % bits);

    if (irq <= 0 || irq >= VIRT_MESSAGES)
        return -EINVAL;
    CSR_WRITE(0x350, IMSIC_ENABLE + (unsigned)irq / bits * (bits / 32));
    if (on)
        CSR_SET(0x351, bit);
    else
        CSR_CLEAR(0x351, bit);
    return 0;
}

void virt_imsic_interrupt(void)
{
    uintptr_t top;

    for (;;) {
        __asm__ volatile("csrrw %0, 0x35c, zero"
                         : "=r"(top)
                         :
                         : "memory"); /* the highest, claimed */
        if (!top)
            return;
        kernel_interrupt((hal_irq_t)(top >> 16));
    }
}
