# SPDX-License-Identifier: BSD-2-Clause
CFLAGS := -Werror=format -Wformat=2 -Wno-format-nonliteral
