/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rings.c - the ring formats of this image, and the feature bits that queues implement (virtio 1.4,
 * sections 2.6 to 2.8 and 6). A new format adds its file and an entry in each of the two lists. An
 * application with lists of its own has them in place of this file.
 */
#include "virtio/ring/virtq_impl.h"

const struct virtio_feature virtq_features[] = {
    {VIRTIO_F_INDIRECT_DESC, "indirect_desc", {0}},
    {VIRTIO_F_EVENT_IDX, "event_idx", {0}},
#if VIREO_PACKED
    {VIRTIO_F_RING_PACKED, "ring_packed", VIRTIO_NEEDS_MODERN},
#endif
    {VIRTIO_F_IN_ORDER, "in_order", VIRTIO_NEEDS_MODERN},
    {VIRTIO_F_ORDER_PLATFORM, "order_platform", VIRTIO_NEEDS_MODERN},
    {VIRTIO_F_NOTIFICATION_DATA, "notification_data", VIRTIO_NEEDS_MODERN},
    {VIRTIO_F_RING_RESET, "ring_reset", VIRTIO_NEEDS_MODERN},
};
const unsigned virtq_feature_count = sizeof(virtq_features) / sizeof(virtq_features[0]);

const struct virtq_ring *const virtq_rings[] = {
#if VIREO_PACKED
    &virtq_packed,
#endif
    &virtq_split,
};
