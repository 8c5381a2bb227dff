/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vblk.h - pulls the virtio block driver into an image. Nothing calls it: its entry in the driver
 * table is there when its object file is linked, and naming vblk_linked links it.
 */
#ifndef VIREO_VBLK_H
#define VIREO_VBLK_H

extern const char vblk_linked[];

#endif
