/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.S - the thread pointer for code that was compiled with -mtp=soft (RTABI, IHI 0043, 5.3.5).
 */
    .syntax unified
    .arm
    .text

/* Changes r0 alone. */
    .global __aeabi_read_tp
    .type   __aeabi_read_tp, %function
__aeabi_read_tp:
    mrc     p15, 0, r0, c13, c0, 3
    bx      lr
    .size   __aeabi_read_tp, . - __aeabi_read_tp

    .section .note.GNU-stack, "", %progbits
