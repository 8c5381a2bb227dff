/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * served.c - a socket of the image whose connection a peer on the cable has begun.
 */
#include "served.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "host.h"
#include "tasks.h"

int served(struct peer_tcp *c)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(80)};
    int l, s;

    peer_boot(NULL);
    l = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(l, (struct sockaddr *)&any, sizeof(any)), 0);
    CHECK_EQ(listen(l, 8), 0);
    peer_connect(c, 4000, 80);
    s = accept(l, NULL, NULL);
    CHECK(s >= 0);
    peer_forget();
    return s;
}

void served_sent_nothing(void)
{
    task_yield();
    CHECK_EQ(peer_count(PEER_TCP), 0);
}

void served_sent_once(struct peer_tcp *c, const char *data)
{
    struct heard h;

    task_yield();
    CHECK_EQ(peer_count(PEER_TCP), 1);
    h = peer_last(PEER_TCP);
    CHECK_EQ(h.len, strlen(data));
    CHECK(memcmp(h.data, data, h.len) == 0);
    c->ack = h.seq + h.len + (h.flags & PEER_FIN ? 1 : 0);
    peer_segment(c, PEER_ACK, NULL, 0);
    peer_forget();
}
