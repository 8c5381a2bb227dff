/* SPDX-License-Identifier: BSD-2-Clause */
#include "other.h"

_Thread_local unsigned other_number = 77;
__thread uint64_t other_zero;

unsigned *other_place(void)
{
    return &other_number;
}
