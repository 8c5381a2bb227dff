/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newlib.h - how newlib is configured for Vireo: what its configure script would write.
 *
 * One struct _reent a task (small), no wide orientation, no quad formats, %lld and the C99 formats,
 * locks supplied by platform/libc, plain exit. _MB_LEN_MAX is that of the C locale. FULL_FORMATS:
 * for the second set of printf and scanf (newlib.mk). ANY_PRECISION: for strtodg.c, which strtof()
 * and strtold() call.
 */
#ifndef __NEWLIB_H__
#define __NEWLIB_H__ 1

#include <_newlib_version.h>

#define _WANT_IO_C99_FORMATS 1
#define _WANT_IO_LONG_LONG   1
#ifdef FULL_FORMATS
#define _WANT_IO_LONG_DOUBLE 1
#define _WANT_IO_POS_ARGS    1
#endif
#define _WANT_REENT_SMALL     1
#define _REENT_CHECK_VERIFY   1
#define _MB_LEN_MAX           1
#define _HAVE_INITFINI_ARRAY  1
#define _ATEXIT_DYNAMIC_ALLOC 1
#define _HAVE_LONG_DOUBLE     1
/* Digits of long doubles by exact arithmetic; ldtoa.c knows 60 of them. */
#define _USE_GDTOA 1
#if __LDBL_MANT_DIG__ == __DBL_MANT_DIG__ && !defined(ANY_PRECISION)
#define _LDBL_EQ_DBL 1
#endif
#define _HAVE_CC_INHIBIT_LOOP_TO_LIBCALL 1
#define _LITE_EXIT                       1
#define _REENT_GLOBAL_ATEXIT             1
#define _RETARGETABLE_LOCKING            1

/* The zone in a struct tm, as on Linux and the BSDs. */
#define __TM_GMTOFF tm_gmtoff
#define __TM_ZONE   tm_zone

/* Names of errors that Linux has beside POSIX's. */
#define __LINUX_ERRNO_EXTENSIONS__ 1

#endif
