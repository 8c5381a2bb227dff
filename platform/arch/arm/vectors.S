/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vectors.S - exception vectors (DDI 0406C, B1.8), context switch, and the two calls out of PL1.
 *
 * Tasks run in System mode, an interrupt in IRQ mode, on the handler stack. It keeps what a C
 * function may change, FP registers included: the compiler's own 64-bit division uses them. Every
 * other exception is fatal, on the fault stack, but for the one SVC that asks for semihosting, and
 * the one register that is read to see whether it is there.
 */
    .syntax unified
    .arm
    .arch_extension virt
    .arch_extension sec

#define MODE_ABT 0x17
#define FRAME 72                /* struct arch_frame, 18 words */

    .section .vectors, "ax"
    .balign 32
    .global arch_vectors
arch_vectors:
    b       0f                  /* reset: not used */
    b       undefined
    b       svc
    b       prefetch_abort
    b       data_abort
    b       0f                  /* hypervisor's */
    b       irq
    b       fiq

    .macro  fatal_entry vector
    ldr     sp, =__fault_stack_top
    sub     sp, sp, #FRAME
    stm     sp, {r0-r12}
    mov     r0, #\vector
    .endm

0:  fatal_entry 0
    b       back_by_4

undefined:
    ldr     sp, =arch_scr_read
    cmp     lr, sp
    movseq  pc, lr              /* entry.S asks which world it is in */
    fatal_entry 1
    mrs     r1, spsr
    tst     r1, #(1 << 5)       /* T32 code? */
    subne   r1, lr, #2
    bne     fatal
    b       back_by_4

svc:
    ldr     sp, =semihost_back
    cmp     lr, sp
    movseq  pc, lr              /* there is no semihosting: nothing happens */
    fatal_entry 2
    b       back_by_4

prefetch_abort:
    fatal_entry 3
    b       back_by_4

data_abort:
    fatal_entry 4
    sub     r1, lr, #8
    b       fatal

fiq:
    fatal_entry 7
back_by_4:
    sub     r1, lr, #4

fatal:                          /* r0: the vector, r1: the pc that was; r0 to r12 are stored */
    mrs     r2, spsr
    mrs     r3, cpsr
    and     r4, r2, #0x1f
    bic     r5, r3, #0x1f
    orr     r5, r5, r4
    msr     cpsr_c, r5          /* the mode that was interrupted has its own two registers */
    mov     r6, sp
    mov     r7, lr
    msr     cpsr_c, r3
    str     r6, [sp, #52]
    str     r7, [sp, #56]
    str     r1, [sp, #60]
    str     r2, [sp, #64]
    str     r0, [sp, #68]
    mov     r0, sp
    cps     #MODE_ABT           /* not SVC mode: the report ends with an SVC */
    mov     sp, r0
    mov     r11, #0
    bl      arch_fault

irq:
    sub     lr, lr, #4
    push    {r11, lr}           /* a frame record: a back trace crosses into the task */
    add     r11, sp, #4
    push    {r0-r3, r12}
    mrs     r0, spsr
    push    {r0}
    vmrs    r0, fpscr
    push    {r0, r1}
    vpush   {d0-d7}
    vpush   {d16-d31}
    bl      board_irq
    vpop    {d16-d31}
    vpop    {d0-d7}
    pop     {r0, r1}
    vmsr    fpscr, r0
    pop     {r0}
    msr     spsr_cxsf, r0
    pop     {r0-r3, r12}
    pop     {r11, lr}
    movs    pc, lr
    .ltorg

    .text

/* void arch_switch(struct arch_context *from, struct arch_context *to) */
    .global arch_switch
    .type   arch_switch, %function
arch_switch:
    push    {r4-r11, lr}
    vpush   {d8-d15}
    vmrs    r2, fpscr
    push    {r2}
    str     sp, [r0]
    ldm     r1, {r1, r3}
    mov     sp, r1
    mcr     p15, 0, r3, c13, c0, 3  /* TPIDRURO, the thread pointer */
    pop     {r4}
    cmp     r2, r4
    vmsrne  fpscr, r4
    vpop    {d8-d15}
    pop     {r4-r11, pc}
    .size   arch_switch, . - arch_switch

/* Where a new context begins: r4 is its function, r5 the argument. */
    .global arch_begin
    .type   arch_begin, %function
arch_begin:
    mov     r0, r5
    blx     r4
    b       arch_ended
    .size   arch_begin, . - arch_begin

/* long arch_semihost(unsigned long op, void *arg) */
    .global arch_semihost
    .type   arch_semihost, %function
arch_semihost:
    svc     #0x123456
semihost_back:
    bx      lr
    .size   arch_semihost, . - arch_semihost

/* long arch_psci(bool smc, unsigned long function) */
    .global arch_psci
    .type   arch_psci, %function
arch_psci:
    mov     r12, r0
    mov     r0, r1
    mov     r1, #0
    mov     r2, #0
    mov     r3, #0
    cmp     r12, #0
    bne     1f
    hvc     #0
    bx      lr
1:  smc     #0
    bx      lr
    .size   arch_psci, . - arch_psci

    .section .note.GNU-stack, "", %progbits
