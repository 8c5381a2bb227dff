/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsockmodel.h - a scripted virtio socket device: it keeps what the driver sends, judging what
 * every packet must be, and delivers what the test says (virtio 1.4, section 5.10).
 */
#ifndef VIREO_VSOCKMODEL_H
#define VIREO_VSOCKMODEL_H

#include "model.h"
#include "vsock/vsock.h"

enum { VS_REQUEST = 1, VS_RESPONSE, VS_RST, VS_SHUTDOWN, VS_RW, VS_UPDATE, VS_ASK };
enum { VS_STREAM = 0, VS_SEQPACKET = 1, VS_NO_IMPLIED_STREAM = 2 };

#define VS_ID    19
#define VS_CID   7
#define VS_HOST  2
#define VS_HDR   44
#define VS_RING  64
#define VS_TRACE 8192
#define VS_DATA  4096

/* A packet, in either direction. */
struct vs_packet {
    uint64_t src_cid, dst_cid;
    uint32_t src_port, dst_port, len;
    uint16_t type, op;
    uint32_t flags, buf_alloc, fwd_cnt;
    uint8_t data[VS_DATA];
};

struct vs {
    struct model *m;
    struct model_queue *rx, *tx, *event;
    bool hold_tx;       /* the device leaves what is sent in the ring */
    uint64_t cid;       /* that the driver must use */
    uint32_t buf_alloc; /* that vs_from announces */
    struct vs_packet sent[VS_TRACE];
    unsigned sent_count;
    unsigned notified; /* calls of vs_notify */
};
extern struct vs vs;

/* The device at slot 0, with those feature bits, and CID VS_CID. */
void vs_plug(enum model_transport t, const unsigned *bits, unsigned n);
void vs_boot(void);
void vs_boot_plain(void); /* both */
void vs_set_cid(uint64_t cid);
void vs_release(void); /* ends hold_tx, and serves */
void vs_notify(void *ctx);

/* A packet from a port of the host to one of the guest, with room for vs.buf_alloc. */
struct vs_packet vs_from(uint32_t host_port, uint32_t guest_port, uint16_t op);
/* Delivers it with p->len bytes of data; vs_deliver_as claims another length in the used ring. */
void vs_deliver(const struct vs_packet *p);
void vs_deliver_as(const struct vs_packet *p, uint32_t used);
/* The same for data of the pattern that starts at `seed`. */
void vs_deliver_data(uint32_t host_port, uint32_t guest_port, uint32_t seed, uint32_t len);
uint8_t vs_pattern(uint32_t at);

/* The last packet that was sent; it must have that op. NULL-safe: fails the case if there is none.
 */
const struct vs_packet *vs_last(uint16_t op);
unsigned vs_count(uint16_t op); /* packets with that op, so far */
void vs_event(uint32_t id, uint32_t len);

/* A connection from guest port 5000 to host port 80, answered with that much room. */
struct vsock_conn *vs_connected(uint32_t buf_alloc);

#endif
