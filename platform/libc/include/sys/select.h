/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/select.h - newlib's header, with sets of Linux' size. A program with descriptors from 1024 on
 * defines FD_SETSIZE itself, or uses poll() or epoll. */
#ifndef FD_SETSIZE
#define FD_SETSIZE 1024
#endif
#include_next <sys/select.h>
