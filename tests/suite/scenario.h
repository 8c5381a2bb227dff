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
    unsigned transports; /* bits of enum suite_transport; 0: both */
    void (*make)(void);  /* after world_make(), before world_plug(); NULL: scenario_usual */
    void (*run)(void);   /* after world_plug(); NULL: lies_run */
    uint64_t more;       /* features that the device offers as well */
    unsigned queue;      /* the size of its queues; 0: 64 */
    bool quiet;          /* it wants no kicks, and looks by itself */
    /* A lie: the device follows this from the first access, or after the first good traffic. */
    const struct script_entry *script;
    unsigned entries; /* of the script; 0: one */
    bool early;
    bool needs_watch, needs_irq; /* of the driver: else the scenario is not possible */
};

#define BIT(n) (1ull << (n))
#define BOTH   (SUITE_BLK | SUITE_NET)
#define ANY    (SUITE_MMIO | SUITE_MMIO_LEGACY)
#define MODERN SUITE_MMIO

extern const struct scenario honest[], lies[];
extern const unsigned honest_count, lies_count;

/* The device offers what drivers usually want. */
void scenario_usual(void);
/* probe(), some calls that may fail, remove(). */
void lies_run(void);
/* probe() has to succeed. */
void scenario_start(void);
/* Some reads and writes, or frames both ways: each has to succeed, with the right data. */
void scenario_traffic(unsigned rounds);

#endif
