/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * all_drivers.c - links every driver there is.
 */
#include "balloon/balloon.h"
#include "block/vblk.h"
#include "console/vcon.h"
#include "entropy/vrng.h"
#include "fuzz.h"
#include "net/vnet.h"
#include "vsock/vsock.h"

void fuzz_all_drivers(void)
{
    CHECK(*vblk_linked && *vrng_linked && *balloon_linked);
    CHECK(!vnet_get(0) && !vcon_port(0) && !vsock_up());
}
