/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86.h - the files of this port: a PC with local APIC and I/O APIC, QEMU's microvm or q35.
 *
 * Lines. 0 to 23 are the inputs of the I/O APIC, 32 to 63 messages; line n raises vector 32 + n.
 */
#ifndef KERNELS_X86_64_X86_H
#define KERNELS_X86_64_X86_H

#include "kernel.h"

/* ---- clock.c --------------------------------------------------------------------------------- */

/* Measures, against the timer chip, the CPU's time-stamp counter and the APIC's timer: 20 ms. */
void x86_clock_start(void);
/* Units of the APIC's timer from now to `when`, 32 bits at most. */
uint32_t x86_timer_units(uint64_t when);

/* ---- apic.c ---------------------------------------------------------------------------------- */

void x86_apic_start(void);
/* The APIC's timer raises its vector in that many units; 0: never. */
void x86_timer_set(uint32_t units);
/* What is left of them. */
uint32_t x86_timer_left(void);

#endif
