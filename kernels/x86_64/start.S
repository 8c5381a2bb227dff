/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start.S - from the PVH entry (32 bits, no paging, the start information in ebx) to long mode and
 * machine_start(start information); the entries of all interrupts.
 */
#define PAGE_FLAGS   0x83       /* present, writable, 2 MiB */
#define DEVICE_FLAGS 0x9b       /* and not cached */
#define DEVICES      0xb0000000 /* from here to 4 GiB there are registers */
#define EFER         0xc0000080
#define VECTORS      96

/* ---- the note that tells the boot loader the entry: XEN_ELFNOTE_PHYS32_ENTRY ----------------- */

    .section .note.kernel, "a", @note
    .align 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad _start

/* ---- 32 bits --------------------------------------------------------------------------------- */

    .section .boot, "ax"
    .code32
    .globl _start
_start:
    cli
    cld
    mov $__bss_begin, %edi
    mov $__bss_end, %ecx
    sub %edi, %ecx
    shr $2, %ecx
    xor %eax, %eax
    rep stosl

    movl $pdpt + 3, pml4
    movl $pd + 3, pdpt
    movl $pd + 0x1000 + 3, pdpt + 8
    movl $pd + 0x2000 + 3, pdpt + 16
    movl $pd + 0x3000 + 3, pdpt + 24
    mov $pd, %edi
    mov $PAGE_FLAGS, %eax
1:  mov %eax, (%edi)
    add $8, %edi
    add $0x200000, %eax
    cmp $DEVICES + PAGE_FLAGS, %eax
    jne 2f
    add $DEVICE_FLAGS - PAGE_FLAGS, %eax
2:  cmp $pd + 0x4000, %edi
    jne 1b

    mov $pml4, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x20, %eax /* PAE */
    mov %eax, %cr4
    mov $EFER, %ecx
    rdmsr
    or $0x100, %eax /* long mode */
    wrmsr
    mov %cr0, %eax
    or $0x80000001, %eax /* paging */
    mov %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $3f

/* ---- 64 bits --------------------------------------------------------------------------------- */

    .code64
3:  xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $__stack_top, %esp
    mov %ebx, %edi
    call machine_start

/* Each entry pushes its vector. An exception may have pushed an error code before that. */
    .text
    .balign 16
entries:
    .set vector, 0
    .rept VECTORS
    .balign 16
    push $vector
    jmp entry
    .set vector, vector + 1
    .endr

entry:
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    mov 72(%rsp), %rdi /* the vector */
    mov 80(%rsp), %rsi /* where it came from, or the error code */
    push %rbp
    mov %rsp, %rbp
    and $-16, %rsp
    call machine_trap
    mov %rbp, %rsp
    pop %rbp
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    add $8, %rsp
    iretq

    .section .rodata
    .globl machine_entries
machine_entries:
    .quad entries
    .balign 8
gdt:
    .quad 0, 0x00209a0000000000 /* 64-bit code */
gdt_pointer:
    .word 15
    .long gdt

    .bss
    .balign 4096
pml4:
    .skip 4096
pdpt:
    .skip 4096
pd:
    .skip 0x4000
