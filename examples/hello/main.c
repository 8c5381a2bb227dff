/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hello - the smallest appliance: says what it runs on, and ends.
 */
#include <stdio.h>
#include <vireo.h>

int main(void)
{
    struct memory_info m;

    vireo_memory(&m);
    printf("Hello. %llu MiB of memory, %llu KiB of them taken; %llu us since boot.\n",
           (unsigned long long)(m.total >> 20), (unsigned long long)((m.total - m.free) >> 10),
           (unsigned long long)(hal_now_ns() / 1000));
    return 0;
}
