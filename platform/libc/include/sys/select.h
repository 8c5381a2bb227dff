/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/select.h - newlib's, with sets that hold every descriptor there can be. */
#ifndef FD_SETSIZE
#define FD_SETSIZE 1024
#endif
#include_next <sys/select.h>
