/* SPDX-License-Identifier: BSD-2-Clause */
/* process.h - the files of this port: a process that drives the device of a vhost-user back-end. */
#ifndef KERNELS_VHOST_USER_PROCESS_H
#define KERNELS_VHOST_USER_PROCESS_H

#include "kernel.h"

/* ---- process.c: memory and interrupts of the process ----------------------------------------- */

/* Memory that the back-end maps as well: all that hal_dma_alloc() gives lies in it. */
extern uint8_t *process_memory;
extern int process_memory_fd;
#define PROCESS_MEMORY (16u << 20) /* bytes */

/* Raises the line whenever the descriptor can be read. */
void process_line_fd(hal_irq_t irq, int fd);

/* ---- frontend.c: the protocol ---------------------------------------------------------------- */

/* Requests, by the numbers of the protocol. */
enum vhost_request {
    VHOST_GET_FEATURES = 1,
    VHOST_SET_FEATURES = 2,
    VHOST_SET_OWNER = 3,
    VHOST_SET_MEM_TABLE = 5,
    VHOST_SET_VRING_NUM = 8,
    VHOST_SET_VRING_ADDR = 9,
    VHOST_SET_VRING_BASE = 10,
    VHOST_GET_VRING_BASE = 11,
    VHOST_SET_VRING_KICK = 12,
    VHOST_SET_VRING_CALL = 13,
    VHOST_GET_PROTOCOL_FEATURES = 15,
    VHOST_SET_PROTOCOL_FEATURES = 16,
    VHOST_GET_QUEUE_NUM = 17,
    VHOST_SET_VRING_ENABLE = 18,
    VHOST_GET_CONFIG = 24,
    VHOST_SET_CONFIG = 25,
};

/* Feature bits that are the protocol's own: log of pages, protocol features. */
#define VHOST_F_OWN      (1ull << 26 | 1ull << 30)
#define VHOST_F_PROTOCOL (1ull << 30)
/* Protocol features. */
#define VHOST_P_MANY_QUEUES (1ull << 0)
#define VHOST_P_CONFIG      (1ull << 9)

struct vhost_backend {
    int socket;        /* -1: the back-end is gone */
    uint64_t features; /* that it offers, the protocol's own included */
    uint64_t protocol; /* protocol features that both have */
    unsigned queues;
};

/* Connects to the socket at `path`, learns what is there, and shares the memory. False: logged. */
bool vhost_connect(struct vhost_backend *b, const char *path);
/* Sends a request with `len` bytes, and a descriptor (-1: none). False: the back-end is gone. */
bool vhost_send(struct vhost_backend *b, enum vhost_request request, const void *body, size_t len,
                int fd);
/* The same, and waits, a second at most, for the answer, `len` bytes in place of the body. */
bool vhost_ask(struct vhost_backend *b, enum vhost_request request, void *body, size_t len);
/* Has the back-end hung up? */
bool vhost_is_gone(struct vhost_backend *b);

/* ---- vhost_bus.c: the transport -------------------------------------------------------------- */

/* Before kernel_main(): a device of that type (VIRTIO_ID_*) is behind the socket at `path`. */
void vhost_add(uint32_t device_id, const char *path);

#endif
