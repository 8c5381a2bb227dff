/* SPDX-License-Identifier: BSD-2-Clause */
/* other.h - thread-local variables of another file. */
#include <stdint.h>

extern _Thread_local unsigned other_number;
extern __thread uint64_t other_zero;

/* Where that file finds other_number. */
unsigned *other_place(void);
