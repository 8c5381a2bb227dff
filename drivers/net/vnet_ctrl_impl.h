/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_ctrl_impl.h - the inside of the control queue, shared by its source files. vnet_ctrl.c sends
 * commands; each of the other files makes those of one purpose.
 */
#ifndef VIREO_VNET_CTRL_IMPL_H
#define VIREO_VNET_CTRL_IMPL_H

#include "net/vnet_ctrl.h"
#include "net/vnet_impl.h"

/* Section 5.1.6.5: classes, and the commands of each. */
enum {
    VIRTIO_NET_CTRL_RX = 0,
    VIRTIO_NET_CTRL_MAC = 1,
    VIRTIO_NET_CTRL_VLAN = 2,
    VIRTIO_NET_CTRL_ANNOUNCE = 3,
    VIRTIO_NET_CTRL_MQ = 4,
    VIRTIO_NET_CTRL_GUEST_OFFLOADS = 5,
    VIRTIO_NET_CTRL_NOTF_COAL = 6,
};
enum { VIRTIO_NET_CTRL_RX_PROMISC = 0, VIRTIO_NET_CTRL_RX_ALLMULTI = 1 };
enum { VIRTIO_NET_CTRL_MAC_TABLE_SET = 0, VIRTIO_NET_CTRL_MAC_ADDR_SET = 1 };
enum { VIRTIO_NET_CTRL_VLAN_ADD = 0, VIRTIO_NET_CTRL_VLAN_DEL = 1 };
enum { VIRTIO_NET_CTRL_ANNOUNCE_ACK = 0 };
enum { VIRTIO_NET_CTRL_MQ_HASH_CONFIG = 2 };
enum { VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET = 0 };
enum { VIRTIO_NET_CTRL_NOTF_COAL_TX_SET = 0, VIRTIO_NET_CTRL_NOTF_COAL_RX_SET = 1 };
enum { VIRTIO_NET_OK = 0 };

#define VNET_CTRL_MEM    512  /* bytes of a batch */
#define VNET_CTRL_BATCH  4    /* commands of a batch */
#define VNET_CTRL_SEGS   4    /* of a command: header, two tables, answer */
#define VNET_CTRL_FAILED 2    /* failures in a row that end the use of the queue */
#define VNET_CTRL_WAITS  0xff /* an answer that was not written yet */
/* Bytes of the data of a command. */
#define VNET_CTRL_DATA (VNET_CTRL_MEM - 3)

/*
 * One command, for as long as the device exists. A file that makes commands embeds this in a
 * structure of its own.
 */
struct vnet_command {
    struct vnet_command *next; /* in the order in which they are sent */
    uint8_t what;              /* enum vnet_ctrl_command */
    uint8_t class, code;
    bool once;       /* an event, which a reset ends; else a state, which is set again */
    bool wanted;     /* to be sent */
    bool refused;    /* the last time, which the log has said */
    uint16_t most;   /* bytes of data at most; VNET_CTRL_DATA at most */
    uint16_t split;  /* bytes of the first of two tables; 0: the data is one */
    uint16_t ack_at; /* while the device has it: offset of the answer in vnet_ctrl.mem */
    int result;      /* as vnet_ctrl_result() tells it */
    /* Writes the data and returns its length. May set class, code and split. NULL: no data. */
    unsigned (*fill)(struct vnet *v, struct vnet_command *c, uint8_t *data);
    /* The device has answered what fill() wrote last: c->result says how. NULL: nobody cares. */
    void (*answered)(struct vnet *v, struct vnet_command *c);
    /* The device was reset: nothing of this kind is set any more. NULL: nothing to note. */
    void (*forgotten)(struct vnet_command *c);
};

/* The control queue of a device. Commands are sent in batches; the next one waits for the answers.
 */
struct vnet_ctrl {
    struct virtq *q;
    struct vnet_command *commands;
    uint8_t *mem; /* VNET_CTRL_MEM bytes: commands and answers of a batch. NULL: there is none */
    uint64_t dma; /* of mem */
    unsigned out; /* commands that the device has */
    uint64_t deadline_ns; /* of those */
    unsigned failures;    /* in a row: batches without an answer */
    bool down;            /* given up */
    const struct vnet_ctrl_client *client;
    struct vnet_command announced;
    bool announce_again; /* asked for while `announced` had no answer */
    struct virtq_seg segs[VNET_CTRL_BATCH][VNET_CTRL_SEGS]; /* while a batch is made */
    struct virtq_request reqs[VNET_CTRL_BATCH];
    bool table_full;    /* the stack has more groups than a table holds */
    bool table_refused; /* by the device */
};

/* Puts a command into the list of its device, if it is new, and has it sent. */
void vnet_ctrl_want(struct vnet *v, struct vnet_command *c);

/* The command of this kind; NULL: there is none yet. */
struct vnet_command *vnet_ctrl_find(const struct vnet *v, enum vnet_ctrl_command what);

#endif
