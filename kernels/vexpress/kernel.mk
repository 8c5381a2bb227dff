# SPDX-License-Identifier: BSD-2-Clause
# 32-bit Arm without an MMU: memory is then accessed at its alignment alone. Accessors and barriers
# are those of the 32-bit appliances.

KERNELS += vexpress
CC_vexpress := arm-none-eabi-gcc
CPU_vexpress := -mcpu=cortex-a15 -mfloat-abi=soft -mthumb -mno-unaligned-access
DIR_vexpress := kernels/vexpress
BASE_vexpress := 0x80000000
FLAGS_vexpress := -mgeneral-regs-only -DVIREO_PCI=0 -Iplatform/arch/arm
