# SPDX-License-Identifier: BSD-2-Clause
# A driver that lives with its application: nothing else has to be changed for it.
SRCS := sum.c
