/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hashes - asks the first network card for hashes of what it receives, and says which each frame
 * of IP has: on the network driver alone, without a stack.
 */
#include <inttypes.h>
#include <stdio.h>
#include <vireo.h>

#include "net/vnet_ctrl.h"

static void input(void *ctx, struct vnet_rx *rx)
{
    (void)ctx;
    if (rx->head[12] == 8 && rx->head[13] == 0)
        printf("frame: %" PRIu32 " bytes, hash %#" PRIx32 " of type %u\n", rx->len,
               rx->hash_type ? rx->hash : 0, (unsigned)rx->hash_type);
    vnet_rx_free(rx);
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void sent(void *ctx, void *cookie)
{
    (void)ctx;
    (void)cookie;
}

static void link_changed(void *ctx, bool up)
{
    (void)ctx;
    (void)up;
}

int main(void)
{
    static const struct vnet_client client = {input, nothing, sent, nothing, link_changed, NULL};
    static const uint8_t key[VNET_HASH_KEY] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct vnet *card = vnet_get(0);
    uint32_t types;

    if (!card || vnet_attach(card, &client))
        return 1;
    vireo_ready();
    types = vnet_hash_types(card);
    printf("types: %#" PRIx32 "\n", types);
    if (vnet_hash(card, types, key))
        return 2;
    while (vnet_ctrl_result(card, VNET_CTRL_HASH) == -EAGAIN)
        task_sleep_until(hal_now_ns() + HAL_MS);
    printf("asked: %d\n", vnet_ctrl_result(card, VNET_CTRL_HASH));
    for (;;)
        task_sleep_until(HAL_NEVER);
}
