/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/select.h - newlib's header, with sets large enough for every descriptor. */
#ifndef FD_SETSIZE
#define FD_SETSIZE 1024
#endif
#include_next <sys/select.h>
