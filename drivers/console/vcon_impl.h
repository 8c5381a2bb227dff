/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcon_impl.h - the inside of the console driver (virtio 1.4, section 5.3), shared by its source
 * files.
 */
#ifndef VIREO_VCON_IMPL_H
#define VIREO_VCON_IMPL_H

#include "console/vcon.h"
#include "virtio/virtio.h"

/* Section 5.3.3 */
enum { VCON_F_SIZE = 0, VCON_F_MULTIPORT = 1 };
/* Section 5.3.4: offsets of the fields in the config space */
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

#define VCON_LABEL   64             /* bytes of a port's name, the final NUL included */
#define VCON_RX      4              /* receive buffers of a port */
#define VCON_TX      8              /* transmit buffers of a port */
#define VCON_BUF     2048           /* bytes of each */
#define VCON_CTL_IN  96             /* bytes of a buffer for one control message */
#define VCON_CTL_MAX 64             /* upper bound of such buffers */
#define VCON_CTL_TX  8              /* control messages with the device at once */
#define VCON_EMPTY   64             /* one more empty buffer in a row: the device is broken */
#define VCON_SETTLE  (250 * HAL_MS) /* from probe on: time in which ports are likely announced */
#define VCON_RETURN  HAL_SEC        /* after a reset: time to announce the ports again */

/* Upper bounds of the ports that are driven (option ports). A legacy ring takes two pages. */
#define VCON_PORTS        32
#define VCON_PORTS_LEGACY 8
#define VCON_PORTS_MAX    64

struct vcon;

/* A receive buffer. */
struct vcon_rx {
    struct vcon_port *port;
    uint16_t number;  /* place in the port's area */
    uint16_t at, len; /* bytes read, and bytes received */
};
/* A transmit buffer. */
struct vcon_tx {
    struct vcon_tx *next; /* of the free ones */
    uint16_t number;      /* place in the port's area, behind the receive buffers */
    uint16_t len;
    uint32_t order; /* number in the order in which buffers were given to the device */
};

/* A control message that may be with the device. */
struct vcon_out {
    bool busy;
    struct vcon_port *opened; /* the message says that this port is open here */
};

/*
 * The life of a port. Only vcon_port.c changes the state, by one function that holds the legal
 * transitions.
 */
enum vcon_port_state {
    VCON_ABSENT,  /* not added yet, or removed, or the device was given up */
    VCON_PRESENT, /* added */
    VCON_AWAITED, /* present before a reset of the device, and not announced again yet */
};

struct vcon_port {
    struct vcon *con;
    uint32_t id;

    /* Written by vcon_port.c alone. */
    enum vcon_port_state state;
    bool was_open; /* host_open before a reset of the device */
    bool console;
    bool guest_open, host_open;
    bool has_size;
    uint16_t cols, rows;
    unsigned incarnation, host_closes;
    char label[VCON_LABEL];

    char queue_name[2][8]; /* "rx31", "tx31" */

    /* Messages owed to the device, sent in this order, with what holds when they are sent. */
    bool tell_ready, tell_open;
    bool refused; /* PORT_READY says that the port cannot be used: there was no memory */

    /* Made when the port is added first, and kept: buffers stay in the queues of a removed port. */
    struct virtq *rxq, *txq;
    uint8_t *area; /* VCON_RX buffers, then VCON_TX */
    uint64_t area_dma;
    struct vcon_rx rx[VCON_RX];
    struct vcon_tx tx[VCON_TX];
    struct vcon_rx *filled[VCON_RX]; /* received and not read to their end, in order of arrival */
    unsigned filled_count;
    struct vcon_tx *tx_free;
    struct vcon_tx *again[VCON_TX]; /* taken from the device by a reset: to be sent once more */
    unsigned again_count;
    unsigned rx_count, tx_count; /* buffers in use: no more than the queues have entries */
    uint32_t next_order;
    unsigned empty; /* buffers without a byte, since the last with one */
};

struct vcon {
    struct virtio_device *dev;
    unsigned number; /* 0 for "vcon0" */
    bool multiport;
    bool dead;
    unsigned port_count; /* ports that have queues here */
    struct vcon_port *ports;
    uint64_t settle_ns; /* until then the ports are likely being announced */
    uint64_t return_ns; /* when awaited ports are removed; HAL_NEVER: none is awaited */

    /* control queues */
    struct virtq *ctl_rx, *ctl_tx;
    uint8_t *ctl_area; /* ctl_in_count buffers of VCON_CTL_IN, then VCON_CTL_TX messages */
    uint64_t ctl_dma;
    size_t ctl_bytes;
    unsigned ctl_in_count;
    struct vcon_out ctl_out[VCON_CTL_TX];
    unsigned ctl_window; /* messages of ctl_out that may be with the device at once */
    bool tell_device_ready;
    uint64_t refuse;     /* bit n: port n was added, and has no queues here */
    unsigned complaints; /* bit n: complaint n (VCON_BAD_...) was logged */
    struct vcon *next;
};

enum { VCON_BAD_SHORT, VCON_BAD_PORT, VCON_BAD_EVENT, VCON_BAD_STATE, VCON_NO_MEMORY };

static inline bool vcon_is_present(const struct vcon_port *p)
{
    return p->state != VCON_ABSENT;
}

/* ---- vcon_port.c ----------------------------------------------------------------------------- */

/* Makes the port's buffers, unless there are some; -ENOMEM. */
int vcon_port_prepare(struct vcon_port *p);

/*
 * An absent port was added: the device is told whether it can be used. -ENOMEM: it cannot, and
 * stays absent. The port of a simple device is a console, with its other end open.
 */
int vcon_port_add(struct vcon_port *p);
/* The port was removed, or its device given up. What was received stays until it is read. */
void vcon_port_remove(struct vcon_port *p);
/* The device was reset: a present port has to be announced again. */
void vcon_port_await(struct vcon_port *p);
/* An awaited port was announced again: its users go on. */
void vcon_port_return(struct vcon_port *p);
/* The time to announce ports is over: removes the port if it is still awaited. False: it was. */
bool vcon_port_end_return(struct vcon_port *p);

/* What the host tells of a present port. */
void vcon_port_set_host_open(struct vcon_port *p, bool open);
void vcon_port_set_console(struct vcon_port *p);
void vcon_port_set_size(struct vcon_port *p, uint16_t cols, uint16_t rows);
/* text: len bytes of memory shared with the device. */
void vcon_port_set_label(struct vcon_port *p, const uint8_t *text, uint32_t len);

/* Reaps both queues of the port; true if there was anything. */
bool vcon_port_service(struct vcon_port *p);

/* Recovery: a queue was reset; it works again; the device is dead; it comes back (-ENOMEM). */
void vcon_port_lost(struct vcon_port *p, struct virtq *q);
void vcon_port_back(struct vcon_port *p, struct virtq *q);
void vcon_port_free(struct vcon_port *p, bool quarantine);
int vcon_port_revive(struct vcon_port *p);

/* ---- vcon_control.c -------------------------------------------------------------------------- */

int vcon_control_setup(struct vcon *c);    /* in probe, after the queues; -ENOMEM */
int vcon_control_prepare(struct vcon *c);  /* makes the buffers, unless there are some; -ENOMEM */
void vcon_control_start(struct vcon *c);   /* both queues work: posts buffers, says DEVICE_READY */
bool vcon_control_service(struct vcon *c); /* reaps both queues, sends what is owed */
void vcon_control_send(struct vcon *c);    /* sends what is owed, as far as there is room */
void vcon_control_lost(struct vcon *c, struct virtq *q);
void vcon_control_free(struct vcon *c, bool quarantine);

#endif
