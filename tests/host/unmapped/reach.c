/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reach.c - a machine whose devices reach all memory, and where a mapping is an address: the
 * network driver with HAL_DMA_MAPS 0, which keeps receive buffers in the ring and knows where
 * frames are.
 */
#include "host.h"

__attribute__((constructor)) static void reach_all(void)
{
    host_dma_identity();
}
