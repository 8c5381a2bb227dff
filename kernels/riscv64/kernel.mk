# SPDX-License-Identifier: BSD-2-Clause
# Both machines of this folder: the same files, for harts of 64 and of 32 bits.

KERNELS += riscv64 riscv32
CC_riscv64 := riscv64-unknown-elf-gcc
CC_riscv32 := riscv64-unknown-elf-gcc
CPU_riscv64 := -march=rv64imac -mabi=lp64 -mcmodel=medany
CPU_riscv32 := -march=rv32imac -mabi=ilp32 -mcmodel=medany
# The extension has no libgcc of its own, so the linker is not told.
FLAGS_riscv64 := -march=rv64imac_zicsr
FLAGS_riscv32 := -march=rv32imac_zicsr
DIR_riscv64 := kernels/riscv64
DIR_riscv32 := kernels/riscv64
BASE_riscv64 := 0x80000000
BASE_riscv32 := 0x80000000
