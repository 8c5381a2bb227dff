/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * results.h - how the families of results are told: in blocks. A block ends in a line "block NUMBER
 * NAME RESULTS DIGEST"; the results themselves, "result NUMBER NAME = VALUE", are printed only for
 * the blocks that were asked for. Texts do not depend on the CPU's sizes of long, pointers and long
 * double, nor on the numbers of errors and signals.
 */
#ifndef RESULTS_H
#define RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* glibc from 2.38 on reads "0b11" as C23 does, if asked for all its extensions; newlib is C17. */
#undef __GLIBC_USE_C2X_STRTOL
#undef __GLIBC_USE_C23_STRTOL
#define __GLIBC_USE_C2X_STRTOL 0
#define __GLIBC_USE_C23_STRTOL 0

/* `list`: the blocks whose results are printed, as "3,7-9". NULL: none. */
void results_begin(const char *list);
/* The last line, "results: blocks=N results=M". */
void results_end(void);

/* Begins a block; the one before ends. The letters of the format are those of result(). */
void block(const char *format, ...);

/*
 * One result, whose name and value are parted by " = ". Letters:
 *   %s text, other characters escaped      %i int             %l long long
 *   %u unsigned long long                  %x the same, hexadecimal
 *   %d double, as its bits; any NaN is one %e an errno, by its name
 *   %b const void *, size_t: bytes, escaped
 * The function has no printf in it, which is among the functions looked at.
 */
void result(const char *format, ...);

/*
 * A value that need not be exact: "values NUMBER NAME: HEX HEX ..." is printed in any mode, and
 * compared with a tolerance. The name is the block's.
 */
void value(double v);
void value_float(float v);

const char *errno_name(int e);
uint64_t any_u64(void); /* the same row of numbers in each run */

/* The families. */
void print_results(void);
void print_float_results(void);
void print_wide_results(void);
void scan_results(void);
void number_results(void);
void error_results(void);
void math_results(void);
void math_pair_results(void);
void text_results(void);
void time_results(void);
void stream_results(void);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
