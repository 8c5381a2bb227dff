# SPDX-License-Identifier: BSD-2-Clause
SRCS := results.c errors.c print.c print_float.c print_wide.c numbers.c scan.c math.c math_pair.c \
        texts.c times.c streams.c
CFLAGS := -D_GNU_SOURCE -fno-builtin -frounding-math
