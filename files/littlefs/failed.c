/* SPDX-License-Identifier: BSD-2-Clause */
/* failed.c - the end of an image where littlefs finds that it is wrong about itself. */
#include "lfs2_config.h"
#include "vireo/task.h"

void littlefs_failed(int line)
{
    hal_panic("littlefs: an assertion failed at line %d of lfs2.c", line);
}
