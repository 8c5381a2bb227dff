/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * talker.c - the scripted ends of talker.h.
 */
#include "talker.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "hal.h"
#include "host.h"
#include "lwip/priv/tcp_priv.h"
#include "tasks.h"

static struct talker *by_port[65536];
static void (*listener)(struct talker *t, const struct segment *s);

void talker_listen(void (*fn)(struct talker *t, const struct segment *s))
{
    listener = fn;
}

static void hear_syn(struct talker *t, const struct segment *s)
{
    t->image_isn = s->seq;
    if (t->scale != SEG_NO_OPTS && s->scale != SEG_NO_OPTS)
        t->image_scale = s->scale;
    else
        t->scale = 0;
    t->sack &= s->sack_ok;
    t->stamped &= s->stamped;
}

static void hear(const struct path_seen *seen)
{
    const struct segment *s = &seen->tcp;
    struct talker *t = by_port[s->dport];
    uint32_t end = s->seq + segment_span(s);

    if (!t)
        return;
    t->count++;
    t->heard = *s;
    t->room = s->window << t->image_scale;
    if (s->flags & SEG_SYN)
        hear_syn(t, s);
    if (s->stamped)
        t->echo = s->stamp;
    if (s->flags & SEG_SYN || (int32_t)(end - t->ack) > 0)
        t->ack = end;
    if (listener)
        listener(t, s);
}

static void say(struct talker *t, uint32_t seq, unsigned flags, uint32_t len)
{
    static uint8_t data[65000], packet[65100]; /* more than a link carries: it was joined */
    struct segment s = {.sport = t->port,
                        .dport = t->image_port,
                        .seq = seq,
                        .ack = flags & SEG_ACK ? t->ack : 0,
                        .flags = flags,
                        .scale = SEG_NO_OPTS,
                        .stamped = t->stamped,
                        .stamp = t->stamp,
                        .echo = flags & SEG_ACK ? t->echo : 0,
                        .data = data,
                        .len = len};
    uint32_t window = t->window;

    for (uint32_t i = 0; i < len; i++)
        data[i] = talker_byte(seq + i);
    if (flags & SEG_SYN) {
        s.mss = t->mss ? t->mss : 1460;
        s.scale = t->scale;
        s.sack_ok = t->sack;
    } else if (t->scale > 0) {
        window >>= t->scale;
    }
    s.window = window > 0xffff ? 0xffff : window;
    path_send(PATH_B, packet, segment_make(&s, PATH_OWN(PATH_B), PATH_ALIAS(PATH_B), packet));
}

void talker_queue(struct talker *t, unsigned flags, uint32_t len)
{
    say(t, t->seq, flags, len);
    t->seq += len + !!(flags & SEG_SYN) + !!(flags & SEG_FIN);
}

void talker_send(struct talker *t, unsigned flags, uint32_t len)
{
    talker_queue(t, flags, len);
    path_settle(HAL_SEC);
}

void talker_ahead(struct talker *t, int32_t ahead, unsigned flags, uint32_t len)
{
    say(t, t->seq + (uint32_t)ahead, flags, len);
    path_settle(HAL_SEC);
}

void talker_ack(struct talker *t)
{
    talker_send(t, SEG_ACK, 0);
}

void talker_syn(struct talker *t)
{
    by_port[t->port] = t;
    if (!t->seq)
        t->seq = 5000;
    if (!t->window)
        t->window = 0xffff;
    talker_send(t, SEG_SYN, 0);
}

void talker_connect(struct talker *t)
{
    talker_syn(t);
    CHECK_EQ(t->heard.flags & (SEG_SYN | SEG_ACK | SEG_RST), SEG_SYN | SEG_ACK);
    talker_ack(t);
}

void talker_boot(void)
{
    path_boot(1);
    path_both(0, 0);
    path_script(PATH_B, hear);
}

/* ---- with the image's sockets ---------------------------------------------------------------- */

int talker_socket(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    fd_set_nonblock(fd, true);
    return fd;
}

int talker_accepted(struct talker *t, int listener)
{
    int fd;

    talker_connect(t);
    fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0);
    fd_set_nonblock(fd, true);
    return fd;
}

int talker_pair(struct talker *t, int scale)
{
    int listener;

    host_set_ram(256 << 20);
    talker_boot();
    listener = talker_socket(80);
    CHECK_EQ(listen(listener, 128), 0);
    t->port = 4000;
    t->image_port = 80;
    t->scale = scale;
    return talker_accepted(t, listener);
}

struct tcp_pcb *talker_pcb(const struct talker *t)
{
    struct tcp_pcb *pcb = tcp_active_pcbs;

    while (pcb && pcb->remote_port != t->port)
        pcb = pcb->next;
    CHECK(pcb != NULL);
    return pcb;
}

void talker_pass_ms(unsigned ms)
{
    path_run_for(ms * HAL_MS);
}

ssize_t talker_take(int fd, size_t n)
{
    static char buf[1 << 20];
    ssize_t r = recv(fd, buf, n < sizeof(buf) ? n : sizeof(buf), 0);

    path_settle(HAL_SEC);
    return r;
}

size_t talker_write_all(int fd)
{
    static char buf[30000];
    size_t total = 0;
    ssize_t n;

    while ((n = send(fd, buf, sizeof(buf), 0)) > 0)
        total += (size_t)n;
    CHECK_EQ(errno, EAGAIN);
    return total;
}

uint32_t talker_may_send(const struct talker *t)
{
    return t->heard.ack + t->room - t->seq;
}

uint32_t talker_fill(struct talker *t, uint32_t n)
{
    uint32_t sent = 0;

    for (; sent + TALKER_MSS <= n && talker_may_send(t) >= TALKER_MSS; sent += TALKER_MSS)
        talker_send(t, SEG_ACK, TALKER_MSS);
    return sent;
}
