/* SPDX-License-Identifier: BSD-2-Clause */
/* virt.h - the files of this port: QEMU's riscv64 and riscv32 virt machines. */
#ifndef KERNELS_RISCV64_VIRT_H
#define KERNELS_RISCV64_VIRT_H

#include "kernel.h"

#define VIRT_MESSAGES 64 /* identities of the IMSIC's interrupt file that are used; 0 is none */

/* A control and status register by number or name. */
#define CSR_READ(csr, v)  __asm__ volatile("csrr %0, " #csr : "=r"(v))
#define CSR_WRITE(csr, v) __asm__ volatile("csrw " #csr ", %0" : : "r"((uintptr_t)(v)) : "memory")
#define CSR_SET(csr, v)   __asm__ volatile("csrs " #csr ", %0" : : "r"((uintptr_t)(v)) : "memory")
#define CSR_CLEAR(csr, v) __asm__ volatile("csrc " #csr ", %0" : : "r"((uintptr_t)(v)) : "memory")

/* ---- tree.c: what is read of the device tree ------------------------------------------------- */

/* Sets kernel_words to /chosen/bootargs. */
void virt_read_tree(const uint8_t *tree);
/* Has the machine an IMSIC, in place of the PLIC (-M virt,aia=aplic-imsic)? */
extern bool virt_has_imsic;

/* ---- imsic.c: messages of PCI functions ------------------------------------------------------ */

void virt_imsic_start(void);
/* machine_line() of a message. */
int virt_imsic_line(hal_irq_t irq, bool on);
/* Calls the handlers of the messages that came. [handler] */
void virt_imsic_interrupt(void);

#endif
