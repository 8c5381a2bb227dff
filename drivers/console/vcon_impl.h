/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcon_impl.h - the inside of the console driver (virtio 1.4, section 5.3).
 */
#ifndef VIREO_VCON_IMPL_H
#define VIREO_VCON_IMPL_H

#include "console/vcon.h"
#include "virtio/virtio.h"

/* Section 5.3.3 */
enum { VCON_F_SIZE = 0, VCON_F_MULTIPORT = 1 };
/* Section 5.3.4: offsets in the config space */
enum { VCON_CONFIG_COLS = 0, VCON_CONFIG_ROWS = 2, VCON_CONFIG_MAX_PORTS = 4 };

/* Section 5.3.6.2 */
struct vcon_message {
    uint32_t id;
    uint16_t event;
    uint16_t value;
};
enum {
    VCON_DEVICE_READY = 0,
    VCON_PORT_ADD = 1,
    VCON_PORT_REMOVE = 2,
    VCON_PORT_READY = 3,
    VCON_CONSOLE_PORT = 4,
    VCON_RESIZE = 5,
    VCON_PORT_OPEN = 6,
    VCON_PORT_NAME = 7,
};

#define VCON_LABEL   64 /* bytes of a port's name, the final NUL included */
#define VCON_RX      4  /* receive buffers of a port */
#define VCON_TX      8  /* transmit buffers of a port */
#define VCON_BUF     2048
#define VCON_CTL_IN  96 /* bytes of a buffer for one control message */
#define VCON_CTL_MAX 64 /* such buffers at most */
#define VCON_CTL_TX  8  /* control messages on their way at once */
#define VCON_EMPTY   64 /* receive buffers without a byte in a row: the device is broken */
#define VCON_SETTLE  (250 * HAL_MS)
#define VCON_RETURN  HAL_SEC /* after a reset, for the device to announce its ports again */

/* Ports that are driven, at most: vireo.vconN.ports=. Legacy rings take two pages each. */
#define VCON_PORTS        32
#define VCON_PORTS_LEGACY 8
#define VCON_PORTS_MAX    64

struct vcon;

struct vcon_rx {
    struct vcon_port *port;
    uint16_t number;
    uint16_t at, len; /* received, and not read yet */
};
struct vcon_tx {
    struct vcon_tx *next; /* of the free ones */
    uint16_t number;
    uint16_t len;
    uint32_t order; /* in which they were given to the device */
};

/* A control message on its way. */
struct vcon_out {
    bool busy;
    struct vcon_port *opened; /* it says that this port is open here */
};

struct vcon_port {
    struct vcon *con;
    uint32_t id;
    bool present;
    bool awaited;  /* there before a reset, and not announced again yet */
    bool was_open; /* host_open, before that */
    bool console;
    bool guest_open, host_open;
    bool has_size;
    uint16_t cols, rows;
    unsigned incarnation, host_closes;
    char label[VCON_LABEL];
    char queue_name[2][8]; /* "rx31", "tx31" */

    /* Still to be sent, in this order; what is said is what holds when it is sent. */
    bool tell_ready, tell_open;
    bool refused; /* PORT_READY says that it cannot be used */

    /* Made when the port is added first, and kept: buffers stay in the queues of a removed port. */
    struct virtq *rxq, *txq;
    uint8_t *area; /* VCON_RX buffers, then VCON_TX */
    uint64_t area_dma;
    struct vcon_rx rx[VCON_RX];
    struct vcon_tx tx[VCON_TX];
    struct vcon_rx *filled[VCON_RX]; /* in order of arrival */
    unsigned filled_count;
    struct vcon_tx *tx_free;
    struct vcon_tx *again[VCON_TX]; /* a reset took them from the device: to be sent once more */
    unsigned again_count;
    unsigned rx_count, tx_count; /* buffers in use: as many as the queues take */
    uint32_t next_order;
    unsigned empty; /* buffers without a byte, since the last with one */
};

struct vcon {
    struct virtio_device *dev;
    unsigned number;
    bool multiport;
    bool dead;
    unsigned port_count;
    struct vcon_port *ports;
    uint64_t settle_ns; /* the first answer is waited for until then */
    uint64_t
        return_ns; /* ports that have not been announced again by then are gone; or HAL_NEVER */

    /* control queues */
    struct virtq *ctl_rx, *ctl_tx;
    uint8_t *ctl_area; /* ctl_in_count buffers of VCON_CTL_IN, then VCON_CTL_TX messages */
    uint64_t ctl_dma;
    size_t ctl_bytes;
    unsigned ctl_in_count;
    struct vcon_out ctl_out[VCON_CTL_TX];
    unsigned ctl_window; /* of them that may be on their way */
    bool tell_device_ready;
    uint64_t refuse;     /* ports without queues here that were added, by number */
    unsigned complaints; /* by kind: each is logged once */
    struct vcon *next;
};

enum { VCON_BAD_SHORT, VCON_BAD_PORT, VCON_BAD_EVENT, VCON_BAD_STATE, VCON_NO_MEMORY };

/* vcon_port.c */
int vcon_port_prepare(struct vcon_port *p); /* buffers, once; -ENOMEM */
void vcon_port_add(struct vcon_port *p);
void vcon_port_remove(struct vcon_port *p);
bool vcon_port_service(struct vcon_port *p);
void vcon_port_free(struct vcon_port *p, bool quarantine);
void vcon_port_lost(struct vcon_port *p, struct virtq *q);
void vcon_port_back(struct vcon_port *p, struct virtq *q);
int vcon_port_revive(struct vcon_port *p); /* after vcon_port_free */
void vcon_changed(struct vcon_port *p);

/* vcon_control.c */
int vcon_control_setup(struct vcon *c);
int vcon_control_prepare(struct vcon *c); /* its buffers, once; -ENOMEM */
void vcon_control_lost(struct vcon *c, struct virtq *q);
void vcon_control_start(struct vcon *c);
bool vcon_control_service(struct vcon *c);
void vcon_control_send(struct vcon *c);
void vcon_control_free(struct vcon *c, bool quarantine);

#endif
