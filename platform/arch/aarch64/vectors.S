/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vectors.S - exception vectors (Arm ARM, D1.10), context switch, and the two calls out of EL1.
 *
 * An interrupt comes from a task (SP_EL0) and runs on the handler stack; caller-saved general
 * registers are kept, FP registers are not touched by handlers. Every other exception is fatal,
 * but for the one HLT that asks for semihosting.
 */
#define FRAME 288               /* struct arch_frame, 36 words */
#define IRQ_FRAME 192

    .macro vector label
    .balign 128
    b       \label
    .endm

    .section .vectors, "ax"
    .balign 2048
    .global arch_vectors
arch_vectors:
    vector  task_sync
    vector  task_irq
    vector  task_irq            /* FIQ: secure GICv2 groups may choose it */
    vector  other
    vector  handler_sync
    vector  other
    vector  other
    vector  other
    .rept 8                     /* no lower exception level runs anything */
    vector  other
    .endr

task_irq:
    sub     sp, sp, #IRQ_FRAME
    stp     x0, x1, [sp, #32]
    stp     x2, x3, [sp, #48]
    stp     x4, x5, [sp, #64]
    stp     x6, x7, [sp, #80]
    stp     x8, x9, [sp, #96]
    stp     x10, x11, [sp, #112]
    stp     x12, x13, [sp, #128]
    stp     x14, x15, [sp, #144]
    stp     x16, x17, [sp, #160]
    mrs     x0, elr_el1
    mrs     x1, spsr_el1
    stp     x29, x0, [sp]       /* a frame record: a back trace crosses into the task */
    stp     x30, x1, [sp, #16]
    str     x18, [sp, #176]
    mov     x29, sp
    bl      board_irq
    ldp     x30, x1, [sp, #16]
    ldp     x29, x0, [sp]
    msr     spsr_el1, x1
    msr     elr_el1, x0
    ldr     x18, [sp, #176]
    ldp     x16, x17, [sp, #160]
    ldp     x14, x15, [sp, #144]
    ldp     x12, x13, [sp, #128]
    ldp     x10, x11, [sp, #112]
    ldp     x8, x9, [sp, #96]
    ldp     x6, x7, [sp, #80]
    ldp     x4, x5, [sp, #64]
    ldp     x2, x3, [sp, #48]
    ldp     x0, x1, [sp, #32]
    add     sp, sp, #IRQ_FRAME
    eret

task_sync:
    msr     tpidr_el1, x0
    msr     tpidrro_el0, x1
    mrs     x0, elr_el1
    adr     x1, semihost_hlt
    cmp     x0, x1
    b.eq    step_over
    mrs     x0, sp_el0
    b       fatal

handler_sync:
    msr     tpidr_el1, x0
    msr     tpidrro_el0, x1
    mrs     x0, elr_el1
    adr     x1, semihost_hlt
    cmp     x0, x1
    b.eq    step_over
    mov     x0, sp
    b       fatal

other:
    msr     tpidr_el1, x0
    msr     tpidrro_el0, x1
    mrs     x0, sp_el0
    b       fatal

step_over:
    add     x0, x0, #4
    msr     elr_el1, x0
    mrs     x0, tpidr_el1
    mrs     x1, tpidrro_el0
    eret

fatal:                          /* x0: the stack pointer that was; x0, x1: tpidr_el1, tpidrro_el0 */
    adrp    x1, __fault_stack_top
    add     x1, x1, #:lo12:__fault_stack_top
    sub     x1, x1, #FRAME
    mov     sp, x1
    str     x0, [sp, #248]
    mrs     x0, tpidr_el1
    mrs     x1, tpidrro_el0
    stp     x0, x1, [sp]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    str     x30, [sp, #240]
    mrs     x0, elr_el1
    mrs     x1, spsr_el1
    stp     x0, x1, [sp, #256]
    mrs     x0, esr_el1
    mrs     x1, far_el1
    stp     x0, x1, [sp, #272]
    mov     x0, sp
    bl      arch_fault

    .text

/* void arch_switch(struct arch_context *from, struct arch_context *to) */
    .global arch_switch
    .type   arch_switch, %function
arch_switch:
    stp     x29, x30, [sp, #-176]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    mrs     x2, fpcr
    mrs     x6, fpsr
    stp     x2, x6, [sp, #160]
    mov     x3, sp
    str     x3, [x0]
    ldp     x3, x5, [x1]
    mov     sp, x3
    msr     tpidr_el0, x5       /* the thread pointer */
    ldp     x4, x7, [sp, #160]
    cmp     x2, x4
    ccmp    x6, x7, #0, eq
    b.eq    1f
    msr     fpcr, x4
    msr     fpsr, x7
1:  ldp     d14, d15, [sp, #144]
    ldp     d12, d13, [sp, #128]
    ldp     d10, d11, [sp, #112]
    ldp     d8, d9, [sp, #96]
    ldp     x27, x28, [sp, #80]
    ldp     x25, x26, [sp, #64]
    ldp     x23, x24, [sp, #48]
    ldp     x21, x22, [sp, #32]
    ldp     x19, x20, [sp, #16]
    ldp     x29, x30, [sp], #176
    ret
    .size   arch_switch, . - arch_switch

/* Where a new context begins: x19 is its function, x20 the argument. */
    .global arch_begin
    .type   arch_begin, %function
arch_begin:
    mov     x0, x20
    blr     x19
    b       arch_ended
    .size   arch_begin, . - arch_begin

/* long arch_semihost(unsigned long op, void *arg) */
    .global arch_semihost
    .type   arch_semihost, %function
arch_semihost:
semihost_hlt:
    hlt     #0xf000
    ret
    .size   arch_semihost, . - arch_semihost

/* long arch_psci(bool smc, unsigned long function) */
    .global arch_psci
    .type   arch_psci, %function
arch_psci:
    mov     w4, w0
    mov     x0, x1
    mov     x1, #0
    mov     x2, #0
    mov     x3, #0
    cbnz    w4, 1f
    hvc     #0
    ret
1:  smc     #0
    ret
    .size   arch_psci, . - arch_psci
