/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_packed.c - a packed ring (virtio 1.4, section 2.8) and what the device writes into it. */
#include "fuzz.h"
#include "ring.h"
#include "testdrv.h"

void fuzz_one(void)
{
    fuzz_ring(TD_PACKED);
}
