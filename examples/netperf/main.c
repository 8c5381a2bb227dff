/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netperf - measures the network: puts a load on a peer, as the boot arguments say.
 *
 * Exit status: 0 the load was carried, 1 it was not.
 */
#include <net.h>
#include <stdio.h>
#include <vireo.h>

#include "load.h"

enum { PORT_USUAL = 5000 };

static struct load load;
static const char *name;

/* Before main(), so that a misspelt argument is reported. */
static void read_options(void)
{
    name = hal_option("netperf", "run");
    load.host = hal_option("netperf", "host");
    load.port = (uint16_t)hal_option_u64("netperf", "port", PORT_USUAL, 1, 65535);
    load.size = (uint32_t)hal_option_u64("netperf", "size", 1, 1, 65507);
    load.operations = hal_option_u64("netperf", "n", 0, 0, UINT64_MAX);
    load.time_ns = hal_option_u64("netperf", "ms", 0, 0, UINT32_MAX) * 1000000;
    load.rate = (uint32_t)hal_option_u64("netperf", "rate", 0, 0, UINT32_MAX);
}
HAL_INIT(HAL_INIT_STACK, read_options);

void load_mark_begin(void)
{
    arch_mark_insn(2);
}

void load_mark_end(void)
{
    arch_mark_insn(3);
}

int main(void)
{
    struct load_result result;

    if (net_wait_up(HAL_NEVER)) {
        printf("netperf: no network\n");
        return 1;
    }
    vireo_ready();
    if (load_run(name, &load, &result))
        return 1;
    load_print(name, &result);
    return 0;
}
