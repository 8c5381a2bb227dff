/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sum.h - a made-up virtio device that adds up numbers: the example of docs/new-device.md.
 *
 * Queue 0 takes requests: le32 numbers to read, room for the sum to write (le32, or le64 with
 * SUM_F_WIDE). On queue 1 the device reports how many sums it has made (le32), when it likes.
 * Config space: le32 limit, the most numbers in a request (with SUM_F_LIMIT); it may change. Sums
 * come in the order of the requests, unless SUM_F_UNORDERED allows another, and for wide sums
 * SUM_F_WIDE_UNORDERED as well.
 */
#ifndef SUM_H
#define SUM_H

#include "hal.h"

#define SUM_ID 63 /* the device type */

enum { SUM_F_LIMIT = 0, SUM_F_UNORDERED = 23, SUM_F_WIDE = 50, SUM_F_WIDE_UNORDERED = 51 };

#define SUM_NUMBERS 16 /* the most that the driver puts into a request */

/* Called from the driver's service. err: 0, or -EIO and no sum. */
typedef void (*sum_fn)(void *ctx, int err, uint64_t sum);

/*
 * -ENODEV: no device; -EAGAIN: ask again later; -EINVAL: no number, or more than the
 * limit.
 */
int sum_request(const uint32_t *numbers, unsigned n, sum_fn done, void *ctx);

uint32_t sum_reports(void); /* what the device reported last */

#endif
