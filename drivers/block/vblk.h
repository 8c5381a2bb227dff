/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vblk.h - links the virtio block driver into an image. The driver has no functions to call: its
 * entry in the table of drivers is in the image when its object file is linked, and a reference to
 * vblk_linked links that file. Its disks are found with block.h.
 */
#ifndef VIREO_VBLK_H
#define VIREO_VBLK_H

#include "hal.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const char vblk_linked[];

#ifdef __cplusplus
}
#endif

#endif
