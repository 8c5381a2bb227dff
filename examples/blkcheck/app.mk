# SPDX-License-Identifier: BSD-2-Clause
SRCS := pattern.c reader.c rounds.c
SCRATCH := 64M
