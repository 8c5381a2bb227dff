# SPDX-License-Identifier: BSD-2-Clause
# A driver of its own for a device type that the tree does not know.
SRCS := vkey.c
