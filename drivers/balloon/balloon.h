/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balloon.h - the memory balloon (virtio 1.4, section 5.5): memory that the image lends to its
 * host, and takes back, as the host asks.
 *
 * No function has to be called: the driver does what the device asks. `DRIVERS := balloon` in
 * app.mk links it. The option floor, in MiB, sets how much memory stays free
 * whatever the host wants; by default an eighth of all memory, and at least 2 MiB.
 */
#ifndef VIREO_BALLOON_H
#define VIREO_BALLOON_H

#include "hal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A reference to this symbol links the driver. */
extern const char balloon_linked[];

/* Pages are 4096 bytes. */
struct balloon_info {
    const char *name; /* "balloon0"; lasts as long as the image */
    bool alive;       /* not given up */
    uint32_t wanted;  /* pages that the host asks for */
    uint32_t lent;    /* pages that the host has; an acknowledgement may be on its way */
    uint64_t floor;   /* bytes that stay free */
    bool at_floor;    /* the host asks for more than can be spared */
    uint64_t reports; /* statistics that the host asked for */
};
/* Tells of the n-th balloon (0..). 0, or -ENOENT past the last. In task context; never parks. */
int balloon_info(unsigned n, struct balloon_info *out);

#ifdef __cplusplus
}
#endif

#endif
