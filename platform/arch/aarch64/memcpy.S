/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcpy.S - memcpy() and memmove(), which are one, 128 bytes a turn: newlib's take 64, in twice as
 * many instructions. Interrupt handlers, which must not touch these registers, copy no memory.
 *
 * What is loaded first is stored last, so that memory may overlap: up to 128 bytes are all loaded
 * before any is stored. A longer copy towards the front begins with the last 64 bytes in registers,
 * and a copy towards the end with the first 64.
 */
    .section .text.memcpy, "ax", %progbits
    .global memcpy, memmove
    .type memcpy, %function
    .type memmove, %function
    .balign 16
memcpy:
memmove:
    add x4, x1, x2 /* the end of what is read; x5: of what is written */
    add x5, x0, x2
    cmp x2, #128
    b.hi .Llong
    cmp x2, #32
    b.hi .Lto128
    cmp x2, #16
    b.lo .Lto15
    ldr q0, [x1]
    ldr q1, [x4, #-16]
    str q0, [x0]
    str q1, [x5, #-16]
    ret
.Lto15:
    tbz x2, #3, .Lto7
    ldr x6, [x1]
    ldr x7, [x4, #-8]
    str x6, [x0]
    str x7, [x5, #-8]
    ret
.Lto7:
    tbz x2, #2, .Lto3
    ldr w6, [x1]
    ldr w7, [x4, #-4]
    str w6, [x0]
    str w7, [x5, #-4]
    ret
.Lto3: /* one byte is written three times, two bytes are three */
    cbz x2, .Lnone
    lsr x3, x2, #1
    ldrb w6, [x1]
    ldrb w7, [x4, #-1]
    ldrb w8, [x1, x3]
    strb w6, [x0]
    strb w8, [x0, x3]
    strb w7, [x5, #-1]
.Lnone:
    ret
.Lto128:
    ldp q0, q1, [x1]
    ldp q2, q3, [x4, #-32]
    cmp x2, #64
    b.ls .Lto64
    ldp q4, q5, [x1, #32]
    ldp q6, q7, [x4, #-64]
    stp q4, q5, [x0, #32]
    stp q6, q7, [x5, #-64]
.Lto64:
    stp q0, q1, [x0]
    stp q2, q3, [x5, #-32]
    ret

.Llong:
    sub x3, x0, x1
    cmp x3, x2
    b.lo .Lbackward
    mov x3, x0 /* x0 is returned */
    ldp q20, q21, [x4, #-64]
    ldp q22, q23, [x4, #-32]
    subs x2, x2, #128
1:  ldp q0, q1, [x1], #128
    ldp q2, q3, [x1, #-96]
    ldp q4, q5, [x1, #-64]
    ldp q6, q7, [x1, #-32]
    stp q0, q1, [x3], #128
    stp q2, q3, [x3, #-96]
    stp q4, q5, [x3, #-64]
    stp q6, q7, [x3, #-32]
    subs x2, x2, #128
    b.hi 1b
    cmn x2, #64 /* 64 bytes or fewer are left: those that are in registers */
    b.le 2f
    ldp q0, q1, [x1]
    ldp q2, q3, [x1, #32]
    stp q0, q1, [x3]
    stp q2, q3, [x3, #32]
2:  stp q20, q21, [x5, #-64]
    stp q22, q23, [x5, #-32]
    ret

.Lbackward:
    ldp q20, q21, [x1]
    ldp q22, q23, [x1, #32]
    subs x2, x2, #64
3:  ldp q0, q1, [x4, #-32]
    ldp q2, q3, [x4, #-64]!
    stp q0, q1, [x5, #-32]
    stp q2, q3, [x5, #-64]!
    subs x2, x2, #64
    b.hi 3b
    stp q20, q21, [x0]
    stp q22, q23, [x0, #32]
    ret
    .size memcpy, . - memcpy
    .size memmove, . - memmove
