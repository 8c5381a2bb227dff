/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * talker.h - the other end of connections to side A of a path (path.h): it keeps what it hears, and
 * sends what a test says, with the options of TCP.
 */
#ifndef VIREO_TESTS_NET_TALKER_H
#define VIREO_TESTS_NET_TALKER_H

#include <sys/types.h>

#include "path.h"

#define TALKER_MSS 1460u

/* One end. The first fields are the test's, before talker_connect(). */
struct tcp_pcb;

struct talker {
    uint16_t port, image_port;
    int scale;          /* SEG_NO_OPTS: the option is not sent */
    bool sack, stamped; /* options that are offered */
    uint16_t mss;       /* 0: 1460 */

    uint32_t seq, ack;    /* next to send, next expected */
    uint32_t window;      /* bytes; told in units of the scale, but in a SYN */
    uint32_t stamp;       /* of the next segment */
    uint32_t echo;        /* the stamp heard last */
    unsigned count;       /* segments heard */
    int image_scale;      /* of the windows that are heard */
    uint32_t image_isn;   /* the number of the image's SYN */
    struct segment heard; /* the last one; its data is gone */
    uint32_t room;        /* bytes of the window that it announced */
};

/* Boots a path of no delay, whose side B is the talkers'. */
void talker_boot(void);
/* Opens a connection to a port of side A that listens; CHECKs that it is accepted. */
void talker_connect(struct talker *t);
/* The byte of each stream at a sequence number. */
static inline uint8_t talker_byte(uint32_t seq)
{
    return (uint8_t)(seq ^ seq >> 7 ^ seq >> 15);
}
/* Only sends the SYN. */
void talker_syn(struct talker *t);
/* One segment with the next numbers, which arrives with all others that are on their way. */
void talker_queue(struct talker *t, unsigned flags, uint32_t len);
/* The same. Runs until all is settled. */
void talker_send(struct talker *t, unsigned flags, uint32_t len);
/* One segment of data whose number is `ahead` bytes from the next one, which stays. */
void talker_ahead(struct talker *t, int32_t ahead, unsigned flags, uint32_t len);
/* Acknowledges all that was heard. */
void talker_ack(struct talker *t);
/* Called for each segment that a talker hears; NULL: nobody. May not send. */
void talker_listen(void (*fn)(struct talker *t, const struct segment *s));

/* ---- with the image's sockets, which do not wait --------------------------------------------- */

/* A socket of the image, bound to a port of side A. */
int talker_socket(uint16_t port);
/* Connects t to a listening socket; the image's end of the connection. */
int talker_accepted(struct talker *t, int listener);
/* Boots, and connects t from port 4000 to port 80 with a window scale or without. The same. */
int talker_pair(struct talker *t, int scale);
/* What lwIP has of the connection. */
struct tcp_pcb *talker_pcb(const struct talker *t);
void talker_pass_ms(unsigned ms);
/* recv(), without the data; what that sends arrives. */
ssize_t talker_take(int fd, size_t n);
/* send() until the buffer is full: bytes that it took. */
size_t talker_write_all(int fd);
/* Bytes that the talker may send now. */
uint32_t talker_may_send(const struct talker *t);
/* Sends whole segments, n bytes at most, as long as the window has room for them: how much. */
uint32_t talker_fill(struct talker *t, uint32_t n);

#endif
