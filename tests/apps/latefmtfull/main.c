/* SPDX-License-Identifier: BSD-2-Clause */
/* latefmtfull - latefmt with all formats linked, by its app.mk. */
#include "../latefmt/main.c"
