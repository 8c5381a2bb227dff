/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vrng.h - the virtio entropy device (virtio 1.4, section 5.4). What it gives is mixed into the
 * generator behind getentropy() (hal_entropy_add): before main() starts, every five minutes, and
 * when somebody asks.
 */
#ifndef VIREO_VRNG_H
#define VIREO_VRNG_H

#include "hal.h"

/* Naming it links the driver: its entry in the driver table is there then. */
extern const char vrng_linked[];

/* Asks each device for fresh bytes, unless it has not answered the last time yet. */
void vrng_refresh(void);

/*
 * Is there a device whose answer is worth waiting for? False no later than 250 ms after
 * vrng_refresh: a device that has not given all by then is not waited for until it has.
 */
bool vrng_pending(void);

/* Called from the driver's service when vrng_pending() may have become false. One caller. */
void vrng_on_change(void (*fn)(void));

/* The n-th device; -ENOENT past the last. */
struct vrng_info {
    const char *name;
    bool alive;
    bool silent;      /* did not give all in time */
    uint64_t answers; /* requests that came back */
    uint64_t bytes;   /* that were mixed in */
};
int vrng_info(unsigned n, struct vrng_info *out);

#endif
