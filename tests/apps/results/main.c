/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * results - what functions of the C library return, as blocks of results (results.h). The same
 * source is compiled by the compiler of a Linux machine, with glibc, and as an appliance;
 * tests/qemu/test_results.py compares. The blocks whose results are wanted in full are named by the
 * first argument on Linux, and by show= in an image.
 */
#include "results.h"

#ifndef __linux__
#include <vireo.h>
#endif

int main(int argc, char **argv)
{
#ifdef __linux__
    results_begin(argc > 1 ? argv[1] : NULL);
#else
    (void)argc, (void)argv;
    results_begin(hal_bootarg("show"));
#endif
    print_results();
    print_float_results();
    print_wide_results();
    number_results();
    scan_results();
    error_results();
    math_results();
    math_pair_results();
    text_results();
    time_results();
    stream_results();
    results_end();
    return 0;
}
