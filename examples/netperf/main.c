/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netperf - measures the network: serves clients of iperf3, or puts a load on a peer, as the boot
 * arguments say.
 *
 * Exit status: 0 the load was carried, 1 it was not.
 */
#include <net.h>
#include <stdio.h>
#include <string.h>
#include <vireo.h>

#include "iperf.h"
#include "load.h"

enum { PORT_USUAL = 5000, SIZE_MAX_UDP = 65507, IPERF_TIME_MS = 10000, IPERF_UDP_RATE = 1048576 };
enum { IPERF_LEN_TCP = 131072, IPERF_LEN_UDP = 1460 };

static const char *name; /* of the load; NULL: serve iperf3 */
static struct load load;
static struct iperf_params iperf;
static uint16_t port;
static bool raw; /* the load does without sockets */

static uint64_t number(const char *option, uint64_t usual, uint64_t most)
{
    return hal_option_u64("netperf", option, usual, 0, most);
}

/* Before main(), so that a misspelt argument is reported. */
static void read_options(void)
{
    name = hal_option("netperf", "run");
    port = (uint16_t)number("port", 0, 65535);
    load.host = hal_option("netperf", "host");
    load.size = (uint32_t)number("size", 0, SIZE_MAX_UDP * 2);
    load.operations = number("n", 0, UINT64_MAX);
    load.time_ns = number("ms", 0, UINT32_MAX) * 1000000;
    load.rate = (uint32_t)number("rate", 0, UINT32_MAX);
    load.batch = (uint32_t)number("batch", 1, 64);
    raw = number("raw", 0, 1);
    iperf.udp = number("udp", 0, 1);
    iperf.reverse = number("reverse", 0, 1);
    iperf.both_ways = number("bidir", 0, 1);
    iperf.streams = (uint32_t)number("parallel", 1, IPERF_STREAMS / 2);
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

static int run_iperf(void)
{
    iperf.len = load.size ? load.size : iperf.udp ? IPERF_LEN_UDP : IPERF_LEN_TCP;
    iperf.bytes = load.operations;
    iperf.time_ns = load.time_ns || load.operations ? load.time_ns : IPERF_TIME_MS * 1000000ull;
    iperf.rate = load.rate ? load.rate : iperf.udp ? IPERF_UDP_RATE : 0;
    return iperf_run(load.host, port ? port : IPERF_PORT, &iperf);
}

static int run_load(void)
{
    struct load_result result;

    load.port = port ? port : PORT_USUAL;
    load.size = load.size ? load.size : 1;
    if (raw ? load_run_raw(name, &load, &result) : load_run(name, &load, &result))
        return -1;
    load_print(name, &result);
    return 0;
}

int main(void)
{
    int result;

    if (net_wait_up(HAL_NEVER)) {
        printf("netperf: no network\n");
        return 1;
    }
    vireo_ready();
    if (!name)
        return iperf_serve(port ? port : IPERF_PORT) != 0;
    if (!load.host) {
        printf("netperf: say on whom: vireo.netperf.host=ADDRESS\n");
        return 1;
    }
    result = strcmp(name, "iperf") == 0 ? run_iperf() : run_load();
    return result != 0;
}
