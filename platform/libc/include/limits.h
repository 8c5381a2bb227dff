/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits.h - the limits of the system (PATH_MAX, IOV_MAX, ...) beside the compiler's limits of its
 * types: a compiler that was built without a C library has a <limits.h> of the latter alone.
 */
#include_next <limits.h>
#include <sys/syslimits.h>
#ifndef SSIZE_MAX
#define SSIZE_MAX __INTPTR_MAX__ /* ssize_t is as wide as a pointer */
#endif
