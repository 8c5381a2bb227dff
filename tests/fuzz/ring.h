/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.h - a queue of either format between a driver that counts its buffers and a device that
 * does what the input says.
 */
#ifndef VIREO_FUZZ_RING_H
#define VIREO_FUZZ_RING_H

void fuzz_ring(unsigned format); /* TD_SPLIT, TD_PACKED */

#endif
