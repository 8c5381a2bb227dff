/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netload - a load of examples/netperf/load.c from this host, for what no guest can exceed.
 *
 *   netload NAME HOST PORT SIZE MS
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../examples/netperf/load.h"

void load_mark_begin(void)
{
}

void load_mark_end(void)
{
}

int main(int argc, char **argv)
{
    struct load load = {0};
    struct load_result result;

    if (argc != 6) {
        fprintf(stderr, "netload: give NAME HOST PORT SIZE MS\n");
        return 2;
    }
    load.host = argv[2];
    load.port = (uint16_t)atoi(argv[3]);
    load.size = (uint32_t)atoi(argv[4]);
    load.time_ns = strtoull(argv[5], NULL, 10) * 1000000;
    if (load_run(argv[1], &load, &result))
        return 1;
    load_print(argv[1], &result);
    return 0;
}
