/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.h - the disk (virtio 1.4, section 5.2) and the network card (5.1) behind the window. They
 * judge what they are given, and answer as struct world says.
 */
#ifndef VIREO_SUITE_DEVICE_H
#define VIREO_SUITE_DEVICE_H

#include "world.h"

/* Declares the configuration fields of what is offered. */
void device_fields(void);
void device_kick(struct model *m, struct model_queue *q);
/* The status was written: a reset forgets what was told. */
void device_status(struct model *m, uint32_t status);
/* A quiet device looks at its queues by itself, now and then. */
void device_look(void);
/* The driver's handler is called until the line is low. */
void device_interrupt(void);
/* After a call: was each kick sent that is due, is each interrupt acknowledged? */
void device_judge_kicks(void);

/* A frame into the next receive buffer, given back with this length. false: no buffer. */
bool device_deliver(const uint8_t *frame, uint32_t len, uint32_t say);
/* The same in two steps, for several frames at once: they are given back in order of `place`. */
bool device_hold(const uint8_t *frame, uint32_t len, unsigned place);
void device_give_held(unsigned n);

#define DEVICE_MAC "\x52\x54\x00\x12\x34\x56"

#endif
