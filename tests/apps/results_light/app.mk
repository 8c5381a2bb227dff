# SPDX-License-Identifier: BSD-2-Clause
SRCS := $(addprefix ../results/,results.c errors.c print.c print_float.c)
CFLAGS := -D_GNU_SOURCE -fno-builtin
