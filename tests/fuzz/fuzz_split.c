/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_split.c - a split ring (virtio 1.4, section 2.7) and what the device writes into it. */
#include "fuzz.h"
#include "ring.h"
#include "testdrv.h"

void fuzz_one(void)
{
    fuzz_ring(TD_SPLIT);
}
