# SPDX-License-Identifier: BSD-2-Clause
LIBS_FROM := sqlite
