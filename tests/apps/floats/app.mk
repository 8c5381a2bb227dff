# SPDX-License-Identifier: BSD-2-Clause
CFLAGS := -frounding-math -ftrapping-math -fno-builtin-rint -fno-builtin-lrint
