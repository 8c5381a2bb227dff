/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rand48.c - mrand48() and jrand48() (POSIX.1-2017, drand48): numbers from -2^31 to 2^31 - 1.
 * Those of newlib have no sign where a long has 64 bits. The two here take the next step of the row
 * from the functions beside them, which leave the new state behind.
 */
#include <reent.h>
#include <stdint.h>
#include <stdlib.h>

static long rand48_upper(const unsigned short state[3])
{
    return (int32_t)((uint32_t)state[2] << 16 | state[1]);
}

long jrand48(unsigned short state[3])
{
    nrand48(state);
    return rand48_upper(state);
}

long mrand48(void)
{
    lrand48();
    return rand48_upper(_REENT_RAND48_SEED(_REENT));
}
