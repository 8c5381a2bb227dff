/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rings.c - the ring formats of an image with the counted ring, and the feature bits of its queues:
 * these lists take the place of those in drivers/virtio/ring/rings.c.
 */
#include "counted.h"

const struct virtio_feature virtq_features[] = {
    {VIRTIO_F_INDIRECT_DESC, "indirect_desc", {0}},
    {VIRTIO_F_EVENT_IDX, "event_idx", {0}},
    {VIRTIO_F_NOTIFICATION_DATA, "notification_data", {VIRTIO_NEEDS(VIRTIO_F_VERSION_1)}},
    {VIRTIO_F_RING_RESET, "ring_reset", {VIRTIO_NEEDS(VIRTIO_F_VERSION_1)}},
    {COUNTED_F_RING, "ring_counted", {VIRTIO_NEEDS(VIRTIO_F_VERSION_1)}},
};
const unsigned virtq_feature_count = sizeof(virtq_features) / sizeof(virtq_features[0]);

const struct virtq_ring *const virtq_rings[] = {&virtq_counted, &virtq_split};
