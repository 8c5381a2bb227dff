/* SPDX-License-Identifier: BSD-2-Clause */
/* start.S - from reset, in M-mode without firmware, to machine_start(device tree) on hart 0. */
    .section .boot, "ax"
    .globl _start
_start:
    csrr t0, mhartid
    bnez t0, 3f
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, __stack_top
    la t0, __bss_begin
    la t1, __bss_end
1:  bgeu t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  la t0, machine_trap
    csrw mtvec, t0
    mv a0, a1
    call machine_start
3:  wfi
    j 3b
