/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/select.h - newlib's header, with sets of Linux' size. A program with descriptors from 1024 on
 * defines FD_SETSIZE itself, or uses poll() or epoll. */
#ifndef FD_SETSIZE
#define FD_SETSIZE 1024
#endif
#define pselect vireo_has_no_pselect
#include_next <sys/select.h>
#undef pselect
