# SPDX-License-Identifier: BSD-2-Clause
SRCS := disk.c
DRIVERS := block
