/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * features.h - sets of feature bits, and the bits that belong to no device type (virtio 1.4,
 * sections 2.2 and 6). It lies below everything else, since the rings are chosen by feature bits.
 */
#ifndef VIREO_VIRTIO_FEATURES_H
#define VIREO_VIRTIO_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

/* Feature bits travel as words of 32, as many as a transport can address. */
#define VIRTIO_FEATURE_WORDS 4
struct virtio_features {
    uint32_t w[VIRTIO_FEATURE_WORDS];
};

/* A bit past the last word is in no set, and setting or clearing it does nothing. */
static inline bool virtio_features_has(const struct virtio_features *f, unsigned bit)
{
    return bit / 32 < VIRTIO_FEATURE_WORDS && (f->w[bit / 32] >> (bit % 32) & 1);
}
static inline void virtio_features_set(struct virtio_features *f, unsigned bit)
{
    if (bit / 32 < VIRTIO_FEATURE_WORDS)
        f->w[bit / 32] |= 1u << (bit % 32);
}
static inline void virtio_features_clear(struct virtio_features *f, unsigned bit)
{
    if (bit / 32 < VIRTIO_FEATURE_WORDS)
        f->w[bit / 32] &= ~(1u << (bit % 32));
}

/* Section 6 */
enum {
    VIRTIO_F_NOTIFY_ON_EMPTY = 24, /* legacy */
    VIRTIO_F_ANY_LAYOUT = 27,      /* legacy */
    VIRTIO_F_INDIRECT_DESC = 28,
    VIRTIO_F_EVENT_IDX = 29,
    VIRTIO_F_VERSION_1 = 32,
    VIRTIO_F_ACCESS_PLATFORM = 33,
    VIRTIO_F_RING_PACKED = 34,
    VIRTIO_F_IN_ORDER = 35,
    VIRTIO_F_ORDER_PLATFORM = 36,
    VIRTIO_F_SR_IOV = 37,
    VIRTIO_F_NOTIFICATION_DATA = 38,
    VIRTIO_F_NOTIF_CONFIG_DATA = 39,
    VIRTIO_F_RING_RESET = 40,
    VIRTIO_F_ADMIN_VQ = 41,
    VIRTIO_F_SUSPEND = 43,
};

/* A feature bit with its name and what it needs, for negotiation, the log and status pages. */
struct virtio_feature {
    uint8_t bit;
    const char *name; /* "mrg_rxbuf": also the name in boot arguments */
    uint8_t needs[2]; /* without these bits it is not accepted: VIRTIO_NEEDS(bit) each; 0: none */
};
#define VIRTIO_NEEDS(bit) ((bit) + 1)
/* The needs of a bit that only devices of virtio 1.0 and later have. */
#define VIRTIO_NEEDS_MODERN                                                                        \
    {                                                                                              \
        VIRTIO_NEEDS(VIRTIO_F_VERSION_1)                                                           \
    }

#endif
