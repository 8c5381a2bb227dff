/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newdev - the application of the made-up device: adds 1 to 10, or says that there is no device,
 * which is all that QEMU has to show of it. tests/host/test_newdev.c has the device.
 */
#include <stdio.h>
#include <string.h>
#include <vireo.h>

#include "sum.h"

static struct waitq answered;
static int result = -EAGAIN;
static uint64_t sum_was;

static void on_sum(void *ctx, int err, uint64_t sum)
{
    (void)ctx;
    result = err;
    sum_was = sum;
    waitq_wake_all(&answered);
}

int main(void)
{
    static const uint32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    int err = sum_request(numbers, 10, on_sum, NULL);

    while (!err && result == -EAGAIN)
        err = waitq_wait(&answered, hal_now_ns() + 20 * HAL_SEC);
    if (err || result) {
        printf("newdev: %s\n", strerror(-(err ? err : result)));
        return err == -ENODEV ? 2 : 1;
    }
    printf("newdev: the sum is %llu\n", (unsigned long long)sum_was);
    return 0;
}
