/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket_value.c - helpers of the address families: vectors, and values of options.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>

#include "hal.h"
#include "socket_ops.h"

ssize_t socket_iov_len(const struct iovec *iov, int n)
{
    size_t total = 0;

    for (int i = 0; i < n; i++)
        if (__builtin_add_overflow(total, iov[i].iov_len, &total) || total > PTRDIFF_MAX)
            return -EINVAL;
    return (ssize_t)total;
}

int socket_int_in(const void *value, socklen_t len, int *out)
{
    if (!value || len < sizeof(int))
        return -EINVAL;
    memcpy(out, value, sizeof(int));
    return 0;
}

int socket_timeout_in(const void *value, socklen_t len, uint64_t *ns)
{
    struct timeval tv;

    if (!value || len < sizeof(tv))
        return -EINVAL;
    memcpy(&tv, value, sizeof(tv));
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    if (tv.tv_sec < 0)
        *ns = 1; /* the limit has passed, as Linux has it */
    else if ((uint64_t)tv.tv_sec > UINT32_MAX)
        *ns = 0; /* 136 years: no limit */
    else
        *ns = (uint64_t)tv.tv_sec * HAL_SEC + (uint64_t)tv.tv_usec * 1000;
    return 0;
}

void socket_value_out(const void *from, socklen_t size, void *value, socklen_t *len)
{
    if (*len > size)
        *len = size;
    memcpy(value, from, *len);
}

void socket_timeout_out(uint64_t ns, void *value, socklen_t *len)
{
    struct timeval tv = {(time_t)(ns / HAL_SEC), (suseconds_t)(ns % HAL_SEC / 1000)};

    socket_value_out(&tv, sizeof(tv), value, len);
}
