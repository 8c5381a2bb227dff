/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scenario.h - the scenarios: what the device is like, and what is asked of the driver.
 */
#ifndef VIREO_SUITE_SCENARIO_H
#define VIREO_SUITE_SCENARIO_H

#include "script.h"
#include "world.h"

struct scenario {
    const char *name;
    const char *about;   /* of a lie: what the device does */
    unsigned class;      /* of bugs, as in tests/test_classes.py; 0: an honest device */
    unsigned kinds;      /* bits of enum suite_device */
    unsigned transports; /* bits of enum suite_transport */
    void (*make)(void);  /* after world_make(), before world_plug(); may be NULL */
    void (*run)(void);   /* after world_plug() */
    /* A lie: the device follows this from the first access, or after the first good traffic. */
    const struct script_entry *script;
    bool early;
    bool needs_watch, needs_irq; /* of the driver: else the scenario is not possible */
};

#define BOTH   (SUITE_BLK | SUITE_NET)
#define ANY    (SUITE_MMIO | SUITE_MMIO_LEGACY)
#define MODERN SUITE_MMIO

extern const struct scenario honest[], lies[];
extern const unsigned honest_count, lies_count;

/* probe() has to succeed. */
void scenario_start(void);
/* Some reads and writes, or frames both ways: each has to succeed, with the right data. */
void scenario_traffic(unsigned rounds);

#endif
