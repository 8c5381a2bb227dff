/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mailbox.h - a made-up bus for virtio devices, the example of docs/another-transport.md.
 *
 * A machine has MAILBOXES boxes at fixed addresses, with an interrupt line each. A device lies in a
 * box, and is reached through a few 32-bit registers. What has a number in the standard (a feature
 * word, a queue, an offset) goes to SELECT; COMMAND then moves one item between DATA and the
 * device, which has done so when the store to COMMAND is complete.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#define MAILBOXES    2
#define MAILBOX_BASE 0x0b000000u /* of the first box */
#define MAILBOX_LEN  0x1000u
#define MAILBOX_IRQ  48 /* of the first box */

/* Registers of a box. */
enum {
    BOX_ID = 0x00,      /* reads BOX_MAGIC | device type */
    BOX_SELECT = 0x04,  /* write only */
    BOX_DATA = 0x08,    /* what is moved */
    BOX_COMMAND = 0x0c, /* an item below; with BOX_SET from DATA to the device, else to DATA */
    BOX_CAUSE = 0x10,   /* VIRTIO_CAUSE_*: bits written as 1 are cleared; the line is high while
                           any is set */
    BOX_KICK = 0x14,    /* the queue's number, and the position with NOTIFICATION_DATA */
    BOX_PORT = 0x18,    /* of the box itself, which answers without a device as well */
};
#define BOX_MAGIC 0x4d420000u
#define BOX_SET   0x80000000u
enum { PORT_HERE = 1, PORT_MAY_REACH_MEMORY = 2 }; /* the second can be written */

/* Items. SELECT holds a feature word, an offset, or a queue's number. */
enum {
    ITEM_OFFERED,    /* a word of feature bits */
    ITEM_ACCEPTED,   /* set only */
    ITEM_STATUS,     /* 8 bits */
    ITEM_GENERATION, /* of the configuration space */
    ITEM_LENGTH,     /* of the configuration space, in bytes */
    ITEM_FIELD,      /* plus 1, 2 or 4: a field of that many bytes in the configuration space */
    ITEM_QUEUE_MAX = ITEM_FIELD + 5, /* entries; 0: there is no such queue */
    ITEM_QUEUE_SIZE,                 /* set only */
    ITEM_QUEUE_DESC, /* set only; addresses: the low half, the next item is the high half */
    ITEM_QUEUE_DESC_HIGH,
    ITEM_QUEUE_DRIVER,
    ITEM_QUEUE_DRIVER_HIGH,
    ITEM_QUEUE_DEVICE,
    ITEM_QUEUE_DEVICE_HIGH,
    ITEM_QUEUE_ON,    /* 1: enabled */
    ITEM_QUEUE_RESET, /* set 1: asks for a reset; reads 1 until it is complete */
};

#endif
