# SPDX-License-Identifier: BSD-2-Clause
SRCS := pattern.c reader.c
SCRATCH := 64M
