/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random.c - getentropy() (POSIX.1-2024), on which newlib's arc4random() stands. It fails with EIO
 * while the machine has given no entropy; a slow entropy device was waited for before main().
 */
#include <unistd.h>

#include "files.h"
#include "runtime.h"

int getentropy(void *buf, size_t len)
{
    if (len > 256 || !entropy_fill(buf, len))
        return (int)posix_result(-EIO);
    return 0;
}
