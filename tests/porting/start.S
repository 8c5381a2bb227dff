# SPDX-License-Identifier: BSD-2-Clause
    .section .start, "ax"
    .globl _start
_start:
    la sp, stack_end
    call port_main
1:  j 1b
