/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nameserver.h - messages of a name server (RFC 1035, section 4), and a server on the cable: each
 * question is handed to a function of the test, which says what comes back, and when.
 */
#ifndef VIREO_TESTS_NET_NAMESERVER_H
#define VIREO_TESTS_NET_NAMESERVER_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "peer.h"

enum { NAME_A = 1, NAME_CNAME = 5, NAME_PTR = 12, NAME_TXT = 16, NAME_AAAA = 28 };
enum {
    REPLY_OK = 0x8180,
    REPLY_SERVFAIL = 0x8182,
    REPLY_NO_NAME = 0x8183,
    REPLY_TRUNCATED = 0x0200
};

/* A question that the image asked: the name as text, in lower case. */
struct question {
    char name[256];
    unsigned type;
    uint32_t server; /* that was asked */
    uint16_t port;   /* of the image */
    uint16_t id;
    uint8_t message[300];
    size_t len;
};

struct reply {
    uint32_t from; /* address and ports, as those of the question ask for */
    uint16_t from_port, port;
    size_t len;
    uint8_t data[60000];
};

/* Reads a question; CHECKs that it is one, and all of the message. */
void question_read(struct question *q, const uint8_t *message, size_t len);

/* Begins a reply with the question and no record. */
void reply_begin(struct reply *r, const struct question *q, unsigned flags);
/* Adds a record to the answers. owner: NULL is the asked name. */
void reply_add(struct reply *r, const char *owner, unsigned type, uint32_t ttl, const void *data,
               size_t len);
void reply_add4(struct reply *r, const char *owner, uint32_t address);
/* 2001:db8::last */
void reply_add6(struct reply *r, const char *owner, uint8_t last);
/* CNAME and PTR */
void reply_add_name(struct reply *r, const char *owner, unsigned type, const char *name);
/* Bytes of a name in a message. */
size_t reply_name(uint8_t *out, const char *name);

/*
 * Boots the image with an address, and 10.0.2.2 as name server; more: that of a second one, or "".
 * answer is called for each question, within which nothing may be sent.
 */
void nameserver_boot(const char *more, void (*answer)(const struct question *q));
/* What nameserver_boot() sets, for tests that boot themselves: peer_listen(nameserver_hear). */
extern void (*nameserver_answer)(const struct question *q);
void nameserver_hear(const struct heard *h);
/* Sends a copy of the reply after `ms`. */
void nameserver_send(const struct reply *r, unsigned ms);
/*
 * many.example has 192.0.2.1 to .3 and 2001:db8::1 and ::2, six.example 2001:db8::6, each name that
 * begins with "one." 192.0.2.9. Any other does not exist. The answer takes 5 ms.
 */
void nameserver_honest(const struct question *q);
extern struct reply reply;        /* for the functions of tests */
extern unsigned nameserver_asked; /* questions so far */
extern struct question nameserver_last;

/* ---- what an application sees ---------------------------------------------------------------- */

/* getaddrinfo() for streams; *list is NULL after an error. */
int names_look_up(const char *name, int family, int flags, struct addrinfo **list);
/* The same, with no result but that of the call. */
int names_outcome(const char *name, int family);
/* The addresses as text, with a space behind each; or "error N". Valid until the next call. */
const char *names_addresses(const char *name, int family, int flags);
/* The addresses of names_addresses(...) are these. A macro, because the case names its place. */
#define CHECK_ADDRESSES(want, ...)                                                                 \
    do {                                                                                           \
        const char *got = names_addresses(__VA_ARGS__);                                            \
                                                                                                   \
        if (strcmp(got, want) != 0)                                                                \
            check_fail(__FILE__, __LINE__, "%s, not %s", got, want);                               \
    } while (0)

#endif
