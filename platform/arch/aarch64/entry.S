/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S - from reset to arch_start(): Image header (Linux, Documentation/arm64/booting), the way
 * down to EL1, MMU on, bss cleared.
 *
 * Tasks run at EL1 on SP_EL0, handlers on SP_EL1: an overflowed task stack still leaves a good one
 * to report it on.
 */
#define SCTLR_RES1 0x30d00800  /* MMU, caches off; newer bits as on a core that lacks them */
#define SCTLR_ON   0x0008100d  /* WXN, I, SA, C, M */

    .section .head, "ax"
    .global _start
_start:
    b       entry
    .long   0
    .quad   TEXT_OFFSET
    .quad   __image_size
    .quad   2                   /* little-endian, 4 KiB pages, near the start of RAM */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

entry:
    mov     x20, x0             /* device tree, or 0 */
    msr     daifset, #15
    mrs     x1, mpidr_el1
    ldr     x2, =0xff00ffffff
    tst     x1, x2
    b.ne    park                /* the image runs on one core */

    mov     x21, #0             /* secure world? */
    ldr     x3, =SCTLR_RES1
    mrs     x1, CurrentEL
    cmp     x1, #(3 << 2)
    b.eq    from_el3
    cmp     x1, #(2 << 2)
    b.eq    from_el2
    msr     sctlr_el1, x3
    isb
    b       at_el1

from_el3:                       /* stays in the secure world: no firmware set up the other */
    mov     x21, #1
    mov     x1, #0x430          /* RW: EL1 is 64-bit; interrupts are not taken to EL3 */
    msr     scr_el3, x1
    msr     cptr_el3, xzr
    msr     mdcr_el3, xzr
    mrs     x1, id_aa64pfr0_el1
    ubfx    x1, x1, #24, #4
    cbz     x1, 1f
    mrs     x1, S3_6_C12_C12_5  /* ICC_SRE_EL3: system registers, also for EL1 */
    orr     x1, x1, #15
    msr     S3_6_C12_C12_5, x1
1:  msr     sctlr_el1, x3
    mov     x1, #0x3c5
    msr     spsr_el3, x1
    adr     x1, at_el1
    msr     elr_el3, x1
    isb
    eret

from_el2:
    mov     x1, #(1 << 31)      /* RW: EL1 is 64-bit */
    msr     hcr_el2, x1
    mov     x1, #3              /* EL1 may use counter and timer */
    msr     cnthctl_el2, x1
    msr     cntvoff_el2, xzr
    mov     x1, #0x33ff
    msr     cptr_el2, x1
    msr     hstr_el2, xzr
    msr     vttbr_el2, xzr
    mrs     x1, midr_el1
    msr     vpidr_el2, x1
    mrs     x1, mpidr_el1
    msr     vmpidr_el2, x1
    mrs     x1, id_aa64pfr0_el1
    ubfx    x1, x1, #24, #4
    cbz     x1, 1f
    mrs     x1, S3_4_C12_C9_5   /* ICC_SRE_EL2 */
    orr     x1, x1, #15
    msr     S3_4_C12_C9_5, x1
1:  msr     sctlr_el1, x3
    mov     x1, #0x3c5
    msr     spsr_el2, x1
    adr     x1, at_el1
    msr     elr_el2, x1
    isb
    eret

at_el1:
    msr     spsel, #1
    adrp    x1, __handler_stack_top
    add     x1, x1, #:lo12:__handler_stack_top
    mov     sp, x1
    msr     spsel, #0
    adrp    x1, __boot_stack_top
    add     x1, x1, #:lo12:__boot_stack_top
    mov     sp, x1
    mov     x29, #0
    mov     x30, #0
    adr     x0, _start
    ldr     x1, =_start
    cmp     x0, x1
    b.ne    board_misplaced
    adrp    x1, arch_vectors
    add     x1, x1, #:lo12:arch_vectors
    msr     vbar_el1, x1
    mov     x1, #(3 << 20)      /* FP and SIMD: the C library's copy routines use them */
    msr     cpacr_el1, x1
    isb

    mov     x0, x20
    bl      mmu_boot            /* builds the tables, loads TTBR0, TCR, MAIR */
    mov     x20, x0
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    ldr     x1, =(SCTLR_RES1 | SCTLR_ON)
    msr     sctlr_el1, x1
    isb

    adrp    x1, __bss_start
    add     x1, x1, #:lo12:__bss_start
    adrp    x2, __bss_end
    add     x2, x2, #:lo12:__bss_end
    b       2f
1:  stp     xzr, xzr, [x1]
    stp     xzr, xzr, [x1, #16]
    stp     xzr, xzr, [x1, #32]
    stp     xzr, xzr, [x1, #48]
    add     x1, x1, #64
2:  cmp     x1, x2
    b.lo    1b

    adrp    x1, arch_secure
    strb    w21, [x1, #:lo12:arch_secure]
    mov     x0, x20
    bl      arch_start

park:
    wfe
    b       park
