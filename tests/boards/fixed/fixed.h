/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fixed.h - a made-up board, the example of docs/another-board.md. It has no device tree: all
 * addresses are constants. They are those of QEMU's virt board with a GICv2, so the images run
 * there.
 */
#ifndef FIXED_H
#define FIXED_H

#include "virt/virt.h" /* of the virt board: what timer.c, irq.c and gicv2.c need */

#define FIXED_RAM     0x40000000u
#define FIXED_RAM_LEN (64u << 20) /* aarch64-fixed.ld knows this as well */
#define FIXED_UART    0x09000000u
#define FIXED_GICD    0x08000000u /* distributor and CPU interface of a GICv2 */
#define FIXED_GICC    0x08010000u
#define FIXED_GIC_LEN 0x10000u

/* Windows of virtio-mmio, each with a line of its own. */
#define FIXED_WINDOWS    32u
#define FIXED_WINDOW     0x0a000000u
#define FIXED_WINDOW_LEN 0x200u

/* Interrupts of the GIC. */
enum { FIXED_IRQ_TIMER = 27, FIXED_IRQ_UART = 33, FIXED_IRQ_WINDOW = 48 | VIRT_IRQ_EDGE };

#define FIXED_BOOTARGS "" /* "vireo.poll=1 ..." */

/* uart.c. The first works with the MMU off, the second after it: then there is a console. */
void fixed_uart_raw(const char *s);
void fixed_uart_start(void);

#endif
