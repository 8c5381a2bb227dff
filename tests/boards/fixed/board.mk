# SPDX-License-Identifier: BSD-2-Clause
# What this board takes of the virt board, beside the files of its own folder.
BOARD_SRCS := $(addprefix platform/virt/,timer.c irq.c gicv2.c gicv3.c)
