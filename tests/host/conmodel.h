/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conmodel.h - a scripted console device: it keeps what the driver says and sends, and tells what
 * the test says (virtio 1.4, section 5.3).
 */
#ifndef VIREO_CONMODEL_H
#define VIREO_CONMODEL_H

#include "model.h"

enum { CON_ID = 3, CON_SIZE = 0, CON_MULTIPORT = 1 };
/* Events of control messages */
enum { READY = 0, ADD, REMOVE, PORT_READY, CONSOLE, RESIZE, OPEN, NAME };
#define CON_BUF 2048

struct con {
    struct model *m;
    struct {
        uint32_t id;
        uint16_t event, value;
    } said[64]; /* by the driver, on the control queue */
    unsigned said_count;
    bool ring_reset;        /* set before con_plug: RING_RESET is offered */
    bool hold_tx;           /* the device leaves what is sent in the ring */
    bool hold_control;      /* and control messages in theirs */
    unsigned control_max;   /* set before con_plug: entries of the control receive queue; 0: 32 */
    uint32_t sent_used_len; /* what the device says of buffers that it only reads */
    uint8_t sent[1 << 20];
    size_t sent_len;
};
extern struct con con;

/* Boots with the device at slot 0: several ports, with a size of 80 by 25, how many ports. */
void con_plug(enum model_transport t, bool multi, bool size, unsigned ports);
struct model_queue *con_rxq(unsigned port);
/* The device takes what lies in the control queue, or a transmit queue, unless that is held. */
void con_take_control(void);
void con_take_data(struct model_queue *q);

/* A message of the device: 8 bytes and what follows, or as many of all that as `len` says. */
void con_tell_len(uint32_t id, unsigned event, unsigned value, const void *extra, uint32_t more,
                  uint32_t len);
void con_tell(uint32_t id, unsigned event, unsigned value);
void con_check_said(unsigned at, uint32_t id, unsigned event, unsigned value);

/* Input for a port, `say` bytes long as the device claims. False: no buffer is there. */
bool con_deliver(unsigned port, const void *data, uint32_t len, uint32_t say);

#endif
