/* SPDX-License-Identifier: BSD-2-Clause */
/* random.c - getentropy() (POSIX.1-2024), on which newlib's arc4random() stands. */
#include <unistd.h>

#include "files.h"
#include "runtime.h"

int getentropy(void *buf, size_t len)
{
    if (len > 256)
        return (int)posix_result(-EIO);
    entropy_fill(buf, len);
    return 0;
}
