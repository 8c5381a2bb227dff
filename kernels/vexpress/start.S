/* SPDX-License-Identifier: BSD-2-Clause */
/* start.S - from reset, in Supervisor mode with the MMU off, to machine_start; the vectors. */
    .section .boot, "ax"
    .arm
    .globl _start
    .type _start, %function
_start:
    cpsid aif
    mrc p15, 0, r0, c0, c0, 5 /* MPIDR */
    ands r0, r0, #3
    bne 3f /* another CPU sleeps */
    ldr sp, =__stack_top
    ldr r0, =__bss_begin
    ldr r1, =__bss_end
    mov r2, #0
1:  cmp r0, r1
    bhs 2f
    str r2, [r0], #4
    b 1b
2:  ldr r0, =vectors
    mcr p15, 0, r0, c12, c0, 0 /* VBAR */
    bl machine_start
3:  wfi
    b 3b

    .balign 32
vectors:
    b _start
    b undefined
    b supervisor
    b prefetch
    b data
    b .
    b interrupt
    b .

/* The frame lies on the stack of Supervisor mode, which the interrupted code uses as well. */
interrupt:
    sub lr, lr, #4
    srsdb sp!, #0x13
    cps #0x13
    push {r0-r3, r12, lr}
    and r1, sp, #4
    sub sp, sp, r1 /* a multiple of 8 */
    push {r0, r1}
    bl machine_interrupt
    pop {r0, r1}
    add sp, sp, r1
    pop {r0-r3, r12, lr}
    rfeia sp!

/* Exceptions: their number and the address, on a stack that serves for a last message. */
undefined:
    mov r0, #1
    b fault
supervisor:
    mov r0, #2
    b fault
prefetch:
    mov r0, #3
    b fault
data:
    mov r0, #4
fault:
    mov r1, lr
    ldr sp, =__stack_top
    b machine_fault

/* int machine_semihosting(unsigned call, const void *block) */
    .globl machine_semihosting
    .type machine_semihosting, %function
machine_semihosting:
    svc 0x123456
    bx lr
