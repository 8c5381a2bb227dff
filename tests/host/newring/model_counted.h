/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_counted.h - the device's side of the counted ring, for struct model.ring.
 */
#ifndef MODEL_COUNTED_H
#define MODEL_COUNTED_H

#include "model_ring.h"

extern const struct model_ring model_counted_ring;

/* Both sides' counts go on from `count`; before anything was submitted. */
void model_counted_start_count(struct model_queue *q, uint16_t count);

#endif
