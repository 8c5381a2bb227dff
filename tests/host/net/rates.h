/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rates.h - a connection's throughput over paths of several kinds, in virtual time.
 */
#ifndef VIREO_TESTS_NET_RATES_H
#define VIREO_TESTS_NET_RATES_H

/*
 * Prints a row for each kind of path whose name contains argv[2] (all without one), for each seed
 * of argv[3] and on (1 without any). Returns the exit status.
 */
int rates_main(int argc, char **argv);

#endif
