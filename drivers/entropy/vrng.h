/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vrng.h - the virtio entropy device (virtio 1.4, section 5.4). The bytes of each device are mixed
 * into the generator behind getentropy() (hal_entropy_add), 64 in a refresh. Each device is
 * refreshed before main() starts, every five minutes, and when vrng_refresh() is called.
 *
 * All functions run in task context and never park.
 */
#ifndef VIREO_VRNG_H
#define VIREO_VRNG_H

#include "hal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A reference to this symbol links the driver and its entry in the table of drivers. */
extern const char vrng_linked[];

/* Begins a refresh of each device that has none under way. The bytes come later. */
void vrng_refresh(void);

/*
 * Is a refresh under way that is worth waiting for? False no later than 250 ms after vrng_refresh:
 * a device that is slower is not waited for until one of its refreshes is complete.
 */
bool vrng_pending(void);

/*
 * fn is called from the driver's service, and while a device is reset, when vrng_pending() may have
 * become false. It must not park. There is one listener; NULL removes it.
 */
void vrng_on_change(void (*fn)(void));

struct vrng_info {
    const char *name; /* "vrng0"; lasts as long as the image */
    bool alive;       /* not given up */
    bool silent;      /* the last refresh was not complete within 250 ms */
    uint64_t answers; /* requests that came back */
    uint64_t bytes;   /* bytes that were mixed in */
};
/* Tells of the n-th device (0..) in order of discovery. 0, or -ENOENT past the last. */
int vrng_info(unsigned n, struct vrng_info *out);

#ifdef __cplusplus
}
#endif

#endif
