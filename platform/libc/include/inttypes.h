/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inttypes.h - newlib's header, which asks newlib's <stdint.h> for the types that there are. Some
 * compilers have a <stdint.h> of their own in that place, which does not tell.
 */
#include <stdint.h>
#ifndef __int64_t_defined
#define __int64_t_defined       1
#define __int_least64_t_defined 1
#define __int_fast64_t_defined  1
#if __INTMAX_MAX__ == __LONG_MAX__
#define __have_long64 1
#else
#define __have_longlong64 1
#endif
#endif
#include_next <inttypes.h>
