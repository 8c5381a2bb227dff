/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * choose.c - which ring format the queues of a device have: accepted features decide.
 */
#include "virtio/ring/virtq_impl.h"

const struct virtq_ring *virtq_ring_for(const struct virtio_features *accepted)
{
    unsigned i = 0;

    while (virtq_rings[i]->feature && !virtio_features_has(accepted, virtq_rings[i]->feature))
        i++;
    return virtq_rings[i];
}
