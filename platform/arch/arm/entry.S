/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S - from reset to arch_start(): to the address that the image was linked for, out of Hyp
 * mode, MMU on, bss cleared. A boot loader follows Linux (Documentation/arm/booting): r2 is the
 * device tree. Entered as an ELF file, r2 is 0.
 *
 * Tasks run in System mode, handlers in IRQ mode, faults in modes of their own, each on its own
 * stack: an overflowed task stack still leaves a good one to report it on.
 */
    .syntax unified
    .arm
    .arch_extension virt

#define MODE_IRQ 0x12
#define MODE_HYP 0x1a
#define MODE_SYS 0x1f
#define SCTLR_OFF 0x72002002    /* TE, AFE, TRE, EE, V, A */
#define SCTLR_ON  0x00081805    /* WXN, I, Z, C, M */

    .section .head, "ax"
    .global _start
_start:
    cpsid   if                  /* asynchronous aborts: a non-secure core may not be allowed to */
    mov     r10, r2             /* device tree, or 0 */
    mrc     p15, 0, r1, c0, c0, 5
    lsls    r1, r1, #8
    bne     park                /* the image runs on one core */

    adr     r0, _start          /* loaded elsewhere than linked: the image moves itself */
    ldr     r1, =_start
    cmp     r0, r1
    beq     placed
    ldr     r2, =__data_end
    sub     r3, r2, r1
    add     r3, r0, r3
    bhi     2f
1:  ldmdb   r3!, {r4-r7}        /* upwards: from its end */
    stmdb   r2!, {r4-r7}
    cmp     r2, r1
    bhi     1b
    b       3f
2:  ldm     r0!, {r4-r7}
    stm     r1!, {r4-r7}
    cmp     r1, r2
    blo     2b
3:  dsb
    mcr     p15, 0, r1, c7, c5, 0
    dsb
    isb
    ldr     pc, =placed

placed:
    mrs     r1, cpsr
    and     r1, r1, #0x1f
    cmp     r1, #MODE_HYP
    bne     at_pl1
    mov     r1, #0
    mcr     p15, 4, r1, c1, c1, 0   /* HCR */
    mcr     p15, 4, r1, c1, c1, 3   /* HSTR */
    mcrr    p15, 6, r1, r1, c2      /* VTTBR */
    mcrr    p15, 4, r1, r1, c14     /* CNTVOFF */
    movw    r1, #0x33ff
    mcr     p15, 4, r1, c1, c1, 2   /* HCPTR */
    mov     r1, #3                  /* PL1 may use counter and timer */
    mcr     p15, 4, r1, c14, c1, 0  /* CNTHCTL */
    mrc     p15, 0, r1, c0, c0, 0
    mcr     p15, 4, r1, c0, c0, 0   /* VPIDR */
    mrc     p15, 0, r1, c0, c0, 5
    mcr     p15, 4, r1, c0, c0, 5   /* VMPIDR */
    mrc     p15, 0, r1, c0, c1, 1
    lsrs    r1, r1, #28
    beq     1f
    mrc     p15, 4, r1, c12, c9, 5  /* ICC_HSRE */
    orr     r1, r1, #15
    mcr     p15, 4, r1, c12, c9, 5
1:  mov     r1, #(0x1c0 | MODE_SYS)
    msr     spsr_cxsf, r1
    ldr     r1, =at_pl1
    msr     ELR_hyp, r1
    isb
    eret

at_pl1:
    cps     #MODE_IRQ
    ldr     sp, =__handler_stack_top
    cps     #MODE_SYS
    ldr     sp, =__boot_stack_top
    mov     r11, #0
    mov     lr, #0
    ldr     r1, =arch_vectors
    mcr     p15, 0, r1, c12, c0, 0  /* VBAR */
    mov     r1, #(15 << 20)         /* CPACR: FP and SIMD, which the C library's copies use */
    mcr     p15, 0, r1, c1, c0, 2
    isb
    mov     r1, #(1 << 30)
    vmsr    fpexc, r1
    mov     r9, #1
    mrc     p15, 0, r9, c1, c1, 0   /* SCR: not defined in the non-secure world */
    .global arch_scr_read
arch_scr_read:
    mvn     r9, r9
    and     r9, r9, #1          /* the image runs in the secure world */

    mov     r0, r10
    mov     r1, #0
    bl      mmu_boot            /* builds the tables, loads TTBR0, TTBCR, MAIR0 */
    mov     r10, r0
    mov     r1, #0
    mcr     p15, 0, r1, c8, c7, 0   /* TLBIALL */
    mcr     p15, 0, r1, c7, c5, 0   /* ICIALLU */
    mcr     p15, 0, r1, c7, c5, 6   /* BPIALL */
    dsb
    isb
    mrc     p15, 0, r1, c1, c0, 0
    ldr     r2, =SCTLR_OFF
    bic     r1, r1, r2
    ldr     r2, =SCTLR_ON
    orr     r1, r1, r2
    mcr     p15, 0, r1, c1, c0, 0
    isb

    ldr     r0, =__bss_start
    ldr     r1, =__bss_end
    mov     r2, #0
    mov     r3, #0
    mov     r4, #0
    mov     r5, #0
    b       2f
1:  stm     r0!, {r2-r5}
    stm     r0!, {r2-r5}
    stm     r0!, {r2-r5}
    stm     r0!, {r2-r5}
2:  cmp     r0, r1
    blo     1b

    ldr     r0, =arch_secure
    strb    r9, [r0]
    mov     r0, r10
    bl      arch_start

park:
    wfe
    b       park
    .ltorg

    .section .note.GNU-stack, "", %progbits
