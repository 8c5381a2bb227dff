/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balloon.h - the memory balloon (virtio 1.4, section 5.5): memory that the image lends to its host
 * when the host asks for it, and gets back when the host no longer does.
 *
 * Nothing has to be called: the driver does what the device asks. It is linked by
 * `DRIVERS := balloon` in app.mk. The boot argument vireo.balloon0.floor=MIB says how much memory
 * stays free whatever the host wants (an eighth of all, and at least 2 MiB, unless it is given).
 */
#ifndef VIREO_BALLOON_H
#define VIREO_BALLOON_H

#include "hal.h"

/* Naming it links the driver too. */
extern const char balloon_linked[];

/* Pages are 4096 bytes. */
struct balloon_info {
    const char *name;
    bool alive;
    uint32_t wanted;  /* pages that the device asks for */
    uint32_t lent;    /* pages that it has */
    uint64_t floor;   /* bytes that stay free */
    bool at_floor;    /* it wants more than can be spared */
    uint64_t reports; /* statistics that were asked for */
};
/* The n-th balloon; -ENOENT past the last. */
int balloon_info(unsigned n, struct balloon_info *out);

#endif
