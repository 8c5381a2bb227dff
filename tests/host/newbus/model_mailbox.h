/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_mailbox.h - the device side of the mailboxes of mailbox.h, in front of the device model.
 */
#ifndef MODEL_MAILBOX_H
#define MODEL_MAILBOX_H

#include "model.h"

/* Puts m, a device of MODEL_MMIO, into the first box. */
void model_plug_mailbox(struct model *m);
/* Pulls it out, so that nothing but the port answers, or puts it back, reset. */
void model_mailbox_here(struct model *m, bool here);
/* Has the driver let the device reach memory? */
bool model_mailbox_may_reach_memory(void);

#endif
