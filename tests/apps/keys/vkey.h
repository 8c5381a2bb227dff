/* SPDX-License-Identifier: BSD-2-Clause */
/* vkey.h - keys of a virtio keyboard, as they come (virtio 1.4, section 5.8). */
#ifndef VKEY_H
#define VKEY_H

#include "hal.h"

/* The device's name; NULL: there is no keyboard. */
const char *vkey_name(void);

/* The next key that was pressed, by Linux' numbers (A is 30); 0: none yet. */
unsigned vkey_next(void);

/* Called from the driver's service when there is one. */
void vkey_on_key(void (*fn)(void));

#endif
