/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/dirent.h - the types behind newlib's <dirent.h>. */
#ifndef _SYS_DIRENT_H
#define _SYS_DIRENT_H

#include <sys/types.h>

#define DT_UNKNOWN 0
#define DT_DIR     4
#define DT_REG     8

struct dirent {
    ino_t d_ino;
    unsigned char d_type; /* DT_DIR or DT_REG */
    char d_name[256];
};

typedef struct vireo_dir DIR;

#endif
