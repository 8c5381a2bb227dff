/* SPDX-License-Identifier: BSD-2-Clause */
/* sync.c - sync() of <unistd.h>: all that was written to any disk is durable when sync() returns.
 */
#include <unistd.h>

#include "disk.h"

void sync(void)
{
    disk_sync_all();
}
