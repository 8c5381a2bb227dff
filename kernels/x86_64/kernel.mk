# SPDX-License-Identifier: BSD-2-Clause
# An x86 PC in long mode. No SSE: interrupts save the general registers alone.

KERNELS += x86_64
CC_x86_64 := x86_64-linux-gnu-gcc
CPU_x86_64 := -m64 -mno-red-zone -mgeneral-regs-only -mcmodel=small -fcf-protection=none
DIR_x86_64 := kernels/x86_64
BASE_x86_64 := 0x200000
