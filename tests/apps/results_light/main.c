/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * results_light - the first results of tests/apps/results, of the printf that an image has if no
 * format of its application asks for the larger one.
 */
#include <vireo.h>

#include "../results/results.h"

int main(void)
{
    results_begin(hal_bootarg("show"));
    print_results();
    print_float_results();
    results_end();
    return 0;
}
