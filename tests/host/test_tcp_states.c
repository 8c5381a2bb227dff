/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_states.c - the states of a connection against RFC 9293, 3.10.7 (with RFC 5961): for
 * each state and kind of segment, what lwIP answers, the state after it, and the data that the
 * application gets. Side B is a script.
 */
#include <string.h>

#include "check.h"
#include "hal.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "path.h"
#include "tasks.h"

enum { WINDOW = 0x4000, DATA = 10, HEARD = 64, SIMULTANEOUS = TIME_WAIT + 1 };

/* Numbers of a segment, by what lwIP expects. */
enum seq {
    NEXT,   /* what it expects */
    BEFORE, /* one lower */
    LATER,  /* within the window */
    BEYOND  /* behind the window */
};
enum ack {
    NO_ACK, /* the flag is not set */
    ALL,    /* all that lwIP has sent, its SYN or FIN too */
    UNA,    /* what was acknowledged before; of a SYN that was not: its own number */
    TOO_OLD,
    UNSENT /* lwIP has not sent this */
};
enum answer {
    NOTHING,
    AN_ACK,    /* of what is expected after the segment */
    SOON,      /* the same; it may be a delayed one */
    A_SYN_ACK, /* with the peer's SYN acknowledged */
    A_RESET,   /* with the number that the segment acknowledged */
    A_RESET_0  /* with an acknowledgement of the segment */
};

struct row {
    unsigned state; /* of lwIP's enum; SIMULTANEOUS: SYN_RCVD after a SYN of its own */
    const char *name;
    unsigned flags; /* beside SEG_ACK */
    enum seq seq;
    enum ack ack;
    unsigned len;
    enum answer answer;
    unsigned after;
    unsigned delivered; /* bytes */
};

/* Rows that hold in each state that has seen both SYNs. */
#define SYNCHRONIZED(s)                                                                            \
    {s, "RST that is expected", SEG_RST, NEXT, NO_ACK, 0, NOTHING, CLOSED, 0},                     \
        {s, "RST within the window", SEG_RST, LATER, NO_ACK, 0, AN_ACK, s, 0},                     \
        {s, "RST beyond the window", SEG_RST, BEYOND, NO_ACK, 0, NOTHING, s, 0},                   \
        {s, "RST before the window", SEG_RST, BEFORE, NO_ACK, 0, NOTHING, s, 0},                   \
        {s, "SYN that is expected", SEG_SYN, NEXT, NO_ACK, 0, AN_ACK, s, 0},                       \
        {s, "SYN within the window", SEG_SYN, LATER, NO_ACK, 0, AN_ACK, s, 0},                     \
        {s, "SYN and ACK within the window", SEG_SYN, LATER, UNA, 0, AN_ACK, s, 0},                \
        {s, "SYN beyond the window", SEG_SYN, BEYOND, NO_ACK, 0, AN_ACK, s, 0},                    \
        {s, "nothing", 0, NEXT, NO_ACK, 0, NOTHING, s, 0},                                         \
        {s, "data without ACK", 0, NEXT, NO_ACK, DATA, NOTHING, s, 0},                             \
        {s, "FIN without ACK", SEG_FIN, NEXT, NO_ACK, 0, NOTHING, s, 0},                           \
        {s, "data before the window", 0, BEFORE, UNA, 1, AN_ACK, s, 0},                            \
        {s, "data beyond the window", 0, BEYOND, UNA, DATA, AN_ACK, s, 0},                         \
        {s, "FIN beyond the window", SEG_FIN, BEYOND, UNA, 0, AN_ACK, s, 0},                       \
        {s, "ACK of the unsent", 0, NEXT, UNSENT, 0, AN_ACK, s, 0},                                \
        {s, "data with ACK of the unsent", 0, NEXT, UNSENT, DATA, AN_ACK, s, 0},                   \
        {s, "FIN with ACK of the unsent", SEG_FIN, NEXT, UNSENT, 0, AN_ACK, s, 0},                 \
        {s, "ACK too old", 0, NEXT, TOO_OLD, 0, AN_ACK, s, 0},                                     \
        {s, "data with ACK too old", 0, NEXT, TOO_OLD, DATA, AN_ACK, s, 0},                        \
        {s, "FIN with ACK too old", SEG_FIN, NEXT, TOO_OLD, 0, AN_ACK, s, 0},                      \
        {s, "a probe", 0, BEFORE, UNA, 0, AN_ACK, s, 0},                                           \
    {                                                                                              \
        s, "ACK as before", 0, NEXT, UNA, 0, NOTHING, s, 0                                         \
    }

static const struct row rows[] = {
    {CLOSED, "RST", SEG_RST, NEXT, NO_ACK, 0, NOTHING, CLOSED, 0},
    {CLOSED, "RST and ACK", SEG_RST, NEXT, UNSENT, 0, NOTHING, CLOSED, 0},
    {CLOSED, "SYN", SEG_SYN, NEXT, NO_ACK, 0, A_RESET_0, CLOSED, 0},
    {CLOSED, "ACK", 0, NEXT, UNSENT, 0, A_RESET, CLOSED, 0},
    {CLOSED, "FIN and ACK", SEG_FIN, NEXT, UNSENT, 0, A_RESET, CLOSED, 0},
    {CLOSED, "data", 0, NEXT, UNSENT, DATA, A_RESET, CLOSED, 0},
    {CLOSED, "data without ACK", 0, NEXT, NO_ACK, DATA, A_RESET_0, CLOSED, 0},

    {LISTEN, "RST", SEG_RST, NEXT, NO_ACK, 0, NOTHING, CLOSED, 0},
    {LISTEN, "RST and ACK", SEG_RST, NEXT, UNSENT, 0, NOTHING, CLOSED, 0},
    {LISTEN, "RST and SYN", SEG_RST | SEG_SYN, NEXT, NO_ACK, 0, NOTHING, CLOSED, 0},
    {LISTEN, "ACK", 0, NEXT, UNSENT, 0, A_RESET, CLOSED, 0},
    {LISTEN, "SYN and ACK", SEG_SYN, NEXT, UNSENT, 0, A_RESET, CLOSED, 0},
    {LISTEN, "SYN", SEG_SYN, NEXT, NO_ACK, 0, A_SYN_ACK, SYN_RCVD, 0},
    {LISTEN, "FIN", SEG_FIN, NEXT, NO_ACK, 0, NOTHING, CLOSED, 0},
    {LISTEN, "data without ACK", 0, NEXT, NO_ACK, DATA, NOTHING, CLOSED, 0},
    {LISTEN, "nothing", 0, NEXT, NO_ACK, 0, NOTHING, CLOSED, 0},

    {SYN_SENT, "ACK of the unsent", 0, NEXT, UNSENT, 0, A_RESET, SYN_SENT, 0},
    {SYN_SENT, "ACK too old", 0, NEXT, TOO_OLD, 0, A_RESET, SYN_SENT, 0},
    {SYN_SENT, "SYN and ACK of its own number", SEG_SYN, NEXT, UNA, 0, A_RESET, SYN_SENT, 0},
    {SYN_SENT, "SYN and ACK of the unsent", SEG_SYN, NEXT, UNSENT, 0, A_RESET, SYN_SENT, 0},
    {SYN_SENT, "RST and ACK of the unsent", SEG_RST, NEXT, UNSENT, 0, NOTHING, SYN_SENT, 0},
    {SYN_SENT, "RST and ACK of its own number", SEG_RST, NEXT, UNA, 0, NOTHING, SYN_SENT, 0},
    {SYN_SENT, "RST", SEG_RST, NEXT, NO_ACK, 0, NOTHING, SYN_SENT, 0},
    {SYN_SENT, "RST and ACK", SEG_RST, NEXT, ALL, 0, NOTHING, CLOSED, 0},
    {SYN_SENT, "ACK without SYN", 0, NEXT, ALL, 0, NOTHING, SYN_SENT, 0},
    {SYN_SENT, "data without SYN", 0, NEXT, ALL, DATA, NOTHING, SYN_SENT, 0},
    {SYN_SENT, "FIN without SYN", SEG_FIN, NEXT, ALL, 0, NOTHING, SYN_SENT, 0},
    {SYN_SENT, "FIN without ACK", SEG_FIN, NEXT, NO_ACK, 0, NOTHING, SYN_SENT, 0},
    {SYN_SENT, "SYN and ACK", SEG_SYN, NEXT, ALL, 0, AN_ACK, ESTABLISHED, 0},
    {SYN_SENT, "SYN", SEG_SYN, NEXT, NO_ACK, 0, A_SYN_ACK, SYN_RCVD, 0},

    {SYN_RCVD, "RST that is expected", SEG_RST, NEXT, NO_ACK, 0, NOTHING, CLOSED, 0},
    {SYN_RCVD, "RST within the window", SEG_RST, LATER, NO_ACK, 0, AN_ACK, SYN_RCVD, 0},
    {SYN_RCVD, "RST beyond the window", SEG_RST, BEYOND, NO_ACK, 0, NOTHING, SYN_RCVD, 0},
    {SYN_RCVD, "SYN again", SEG_SYN, BEFORE, NO_ACK, 0, A_SYN_ACK, SYN_RCVD, 0},
    {SYN_RCVD, "data beyond the window", 0, BEYOND, ALL, DATA, AN_ACK, SYN_RCVD, 0},
    {SYN_RCVD, "nothing", 0, NEXT, NO_ACK, 0, NOTHING, SYN_RCVD, 0},
    {SYN_RCVD, "data without ACK", 0, NEXT, NO_ACK, DATA, NOTHING, SYN_RCVD, 0},
    {SYN_RCVD, "ACK of the unsent", 0, NEXT, UNSENT, 0, A_RESET, SYN_RCVD, 0},
    {SYN_RCVD, "ACK of its own number", 0, NEXT, UNA, 0, A_RESET, SYN_RCVD, 0},
    {SYN_RCVD, "data with ACK of the unsent", 0, NEXT, UNSENT, DATA, A_RESET, SYN_RCVD, 0},
    {SYN_RCVD, "ACK", 0, NEXT, ALL, 0, NOTHING, ESTABLISHED, 0},
    {SYN_RCVD, "ACK with data", 0, NEXT, ALL, DATA, SOON, ESTABLISHED, DATA},
    {SYN_RCVD, "FIN and ACK", SEG_FIN, NEXT, ALL, 0, AN_ACK, CLOSE_WAIT, 0},

    {SIMULTANEOUS, "SYN again", SEG_SYN, BEFORE, NO_ACK, 0, A_SYN_ACK, SYN_RCVD, 0},
    {SIMULTANEOUS, "SYN and ACK", SEG_SYN, BEFORE, ALL, 0, SOON, ESTABLISHED, 0},
    {SIMULTANEOUS, "ACK", 0, NEXT, ALL, 0, NOTHING, ESTABLISHED, 0},
    {SIMULTANEOUS, "RST that is expected", SEG_RST, NEXT, NO_ACK, 0, NOTHING, CLOSED, 0},
    {SIMULTANEOUS, "ACK of the unsent", 0, NEXT, UNSENT, 0, A_RESET, SYN_RCVD, 0},

    SYNCHRONIZED(ESTABLISHED),
    {ESTABLISHED, "data", 0, NEXT, UNA, DATA, SOON, ESTABLISHED, DATA},
    {ESTABLISHED, "data later", 0, LATER, UNA, DATA, AN_ACK, ESTABLISHED, 0},
    {ESTABLISHED, "FIN", SEG_FIN, NEXT, UNA, 0, AN_ACK, CLOSE_WAIT, 0},
    {ESTABLISHED, "data and FIN", SEG_FIN, NEXT, UNA, DATA, AN_ACK, CLOSE_WAIT, DATA},
    {ESTABLISHED, "FIN later", SEG_FIN, LATER, UNA, 0, AN_ACK, ESTABLISHED, 0},

    SYNCHRONIZED(FIN_WAIT_1),
    {FIN_WAIT_1, "ACK of the FIN", 0, NEXT, ALL, 0, NOTHING, FIN_WAIT_2, 0},
    {FIN_WAIT_1, "data", 0, NEXT, UNA, DATA, SOON, FIN_WAIT_1, DATA},
    {FIN_WAIT_1, "data and ACK of the FIN", 0, NEXT, ALL, DATA, SOON, FIN_WAIT_2, DATA},
    {FIN_WAIT_1, "FIN", SEG_FIN, NEXT, UNA, 0, AN_ACK, CLOSING, 0},
    {FIN_WAIT_1, "FIN and ACK of the FIN", SEG_FIN, NEXT, ALL, 0, AN_ACK, TIME_WAIT, 0},
    {FIN_WAIT_1, "data and FIN", SEG_FIN, NEXT, ALL, DATA, AN_ACK, TIME_WAIT, DATA},

    SYNCHRONIZED(FIN_WAIT_2),
    {FIN_WAIT_2, "data", 0, NEXT, ALL, DATA, SOON, FIN_WAIT_2, DATA},
    {FIN_WAIT_2, "FIN", SEG_FIN, NEXT, ALL, 0, AN_ACK, TIME_WAIT, 0},
    {FIN_WAIT_2, "data and FIN", SEG_FIN, NEXT, ALL, DATA, AN_ACK, TIME_WAIT, DATA},

    SYNCHRONIZED(CLOSE_WAIT),
    {CLOSE_WAIT, "FIN again", SEG_FIN, BEFORE, UNA, 0, AN_ACK, CLOSE_WAIT, 0},
    {CLOSE_WAIT, "data behind the FIN", 0, NEXT, UNA, DATA, NOTHING, CLOSE_WAIT, 0},
    {CLOSE_WAIT, "FIN behind the FIN", SEG_FIN, NEXT, UNA, 0, NOTHING, CLOSE_WAIT, 0},

    SYNCHRONIZED(CLOSING),
    {CLOSING, "FIN again", SEG_FIN, BEFORE, UNA, 0, AN_ACK, CLOSING, 0},
    {CLOSING, "ACK of the FIN", 0, NEXT, ALL, 0, NOTHING, TIME_WAIT, 0},
    /* The numbers are old ones, but lwIP takes the ACK: the wait ends sooner. */
    {CLOSING, "FIN again and ACK of the FIN", SEG_FIN, BEFORE, ALL, 0, AN_ACK, TIME_WAIT, 0},
    {CLOSING, "data behind the FIN", 0, NEXT, UNA, DATA, NOTHING, CLOSING, 0},

    SYNCHRONIZED(LAST_ACK),
    {LAST_ACK, "FIN again", SEG_FIN, BEFORE, UNA, 0, AN_ACK, LAST_ACK, 0},
    {LAST_ACK, "data behind the FIN", 0, NEXT, UNA, DATA, NOTHING, LAST_ACK, 0},
    {LAST_ACK, "ACK of the FIN", 0, NEXT, ALL, 0, NOTHING, CLOSED, 0},

    {TIME_WAIT, "FIN again", SEG_FIN, BEFORE, ALL, 0, AN_ACK, TIME_WAIT, 0},
    {TIME_WAIT, "ACK", 0, NEXT, ALL, 0, NOTHING, TIME_WAIT, 0},
    {TIME_WAIT, "data before the window", 0, BEFORE, ALL, 1, AN_ACK, TIME_WAIT, 0},
    {TIME_WAIT, "data beyond the window", 0, BEYOND, ALL, DATA, AN_ACK, TIME_WAIT, 0},
    /* RFC 1337: a RST does not end TIME_WAIT. */
    {TIME_WAIT, "RST that is expected", SEG_RST, NEXT, NO_ACK, 0, NOTHING, TIME_WAIT, 0},
    {TIME_WAIT, "RST beyond the window", SEG_RST, BEYOND, NO_ACK, 0, NOTHING, TIME_WAIT, 0},
    {TIME_WAIT, "an old SYN", SEG_SYN, BEFORE, NO_ACK, 0, AN_ACK, TIME_WAIT, 0},
};

/* ---- lwIP's end ------------------------------------------------------------------------------ */

static struct tcp_pcb *pcb; /* NULL: gone, or not yet there */
static struct tcp_pcb *listener;
static unsigned got;
static uint16_t port = 1000;

static err_t on_recv(void *arg, struct tcp_pcb *p, struct pbuf *data, err_t err)
{
    (void)arg, (void)err;
    if (data) {
        got += data->tot_len;
        tcp_recved(p, data->tot_len);
        pbuf_free(data);
    }
    return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
    (void)arg, (void)err;
    pcb = NULL;
}

static void take(struct tcp_pcb *p)
{
    pcb = p;
    tcp_recv(p, on_recv);
    tcp_err(p, on_err);
}

static err_t on_accept(void *arg, struct tcp_pcb *p, err_t err)
{
    (void)arg, (void)err;
    if (p)
        take(p);
    return ERR_OK;
}

static err_t on_connect(void *arg, struct tcp_pcb *p, err_t err)
{
    (void)arg, (void)p, (void)err;
    return ERR_OK;
}

static struct tcp_pcb *bound(void)
{
    ip_addr_t own = IPADDR4_INIT(lwip_htonl(PATH_OWN(PATH_A)));
    struct tcp_pcb *p = tcp_new();

    CHECK_EQ(tcp_bind(p, &own, port), ERR_OK);
    return p;
}

static void lwip_listens(void)
{
    net_enter();
    listener = tcp_listen(bound());
    tcp_accept(listener, on_accept);
    net_leave();
}

static void lwip_connects(void)
{
    ip_addr_t to = IPADDR4_INIT(lwip_htonl(PATH_ALIAS(PATH_A)));

    net_enter();
    take(bound());
    CHECK_EQ(tcp_connect(pcb, &to, 80, on_connect), ERR_OK);
    net_kick();
    net_leave();
    path_run_for(200 * HAL_MS);
}

static void lwip_ends_its_stream(void)
{
    net_enter();
    CHECK_EQ(tcp_shutdown(pcb, 0, 1), ERR_OK);
    net_kick();
    net_leave();
    path_run_for(20 * HAL_MS);
}

static unsigned state_now(void)
{
    const struct tcp_pcb *lists[] = {tcp_active_pcbs, tcp_tw_pcbs};

    for (unsigned i = 0; i < 2; i++)
        for (const struct tcp_pcb *p = lists[i]; p; p = p->next)
            if (p->local_port == port)
                return p->state;
    if (listener && ((const struct tcp_pcb_listen *)listener)->net.half_open)
        return SYN_RCVD; /* in a table of its own (net/lwip/tcp_half_open.c) */
    return CLOSED;
}

/* ---- the peer -------------------------------------------------------------------------------- */

static uint32_t peer_next, lwip_una, lwip_next; /* sequence numbers; lwip_next: after all it sent */
static struct segment heard[HEARD];
static uint64_t heard_at[HEARD];
static unsigned heard_count;

static void hear(const struct path_seen *s)
{
    uint32_t end = s->tcp.seq + segment_span(&s->tcp);

    if (s->side != PATH_A || !s->out || s->tcp.sport != port)
        return;
    if (s->tcp.flags & SEG_SYN || (int32_t)(end - lwip_next) > 0)
        lwip_next = s->tcp.flags & SEG_RST ? lwip_next : end;
    CHECK(heard_count < HEARD);
    heard_at[heard_count] = s->ns;
    heard[heard_count++] = s->tcp;
}

static void deaf(const struct path_seen *s)
{
    (void)s;
}

static void peer_sends(unsigned flags, uint32_t seq, uint32_t ack, unsigned len)
{
    static const uint8_t data[DATA];
    struct segment s = {.sport = 80,
                        .dport = port,
                        .seq = seq,
                        .ack = flags & SEG_ACK ? ack : 0,
                        .flags = flags,
                        .window = WINDOW,
                        .data = data,
                        .len = len,
                        .mss = flags & SEG_SYN ? 1000 : 0,
                        .scale = SEG_NO_OPTS};
    uint8_t packet[200];

    path_send(PATH_B, packet, segment_make(&s, PATH_OWN(PATH_B), PATH_ALIAS(PATH_B), packet));
    path_run_for(60 * HAL_MS);
}

/* In its turn; and all that lwIP sent is acknowledged, if it is an ACK. */
static void peer_says(unsigned flags)
{
    if (flags & SEG_ACK)
        lwip_una = lwip_next;
    peer_sends(flags, peer_next, lwip_next, 0);
    peer_next += !!(flags & SEG_SYN) + !!(flags & SEG_FIN);
}

/* The peer's FIN, but lwIP's is not acknowledged. */
static void peer_ends_deaf(void)
{
    peer_sends(SEG_FIN | SEG_ACK, peer_next, lwip_una, 0);
    peer_next++;
}

static void come_to(unsigned state)
{
    if (state == LISTEN || state == SYN_RCVD)
        lwip_listens();
    if (state == SYN_RCVD)
        peer_says(SEG_SYN);
    if (state == CLOSED || state == LISTEN || state == SYN_RCVD)
        return;
    lwip_connects();
    if (state == SIMULTANEOUS)
        peer_says(SEG_SYN);
    if (state == SYN_SENT || state == SIMULTANEOUS)
        return;
    peer_says(SEG_SYN | SEG_ACK);
    if (state == CLOSE_WAIT || state == LAST_ACK)
        peer_says(SEG_FIN | SEG_ACK);
    if (state != ESTABLISHED && state != CLOSE_WAIT)
        lwip_ends_its_stream();
    if (state == FIN_WAIT_2 || state == TIME_WAIT)
        peer_says(SEG_ACK);
    if (state == CLOSING)
        peer_ends_deaf();
    if (state == TIME_WAIT)
        peer_says(SEG_FIN | SEG_ACK);
}

/* ---- a row ----------------------------------------------------------------------------------- */

static uint32_t number_of(enum seq s)
{
    return peer_next + (s == BEFORE ? UINT32_MAX : s == LATER ? 100 : s == BEYOND ? 8u << 20 : 0);
}

static uint32_t ack_of(enum ack a)
{
    return a == ALL       ? lwip_next
           : a == UNA     ? lwip_una
           : a == TOO_OLD ? lwip_una - (1u << 20)
                          : lwip_next + 5000;
}

/* Is this segment of lwIP the answer? taken: what it must acknowledge. */
static bool is_answer(const struct row *r, const struct segment *s, uint32_t taken)
{
    uint32_t seq = number_of(r->seq), ack = ack_of(r->ack);

    switch (r->answer) {
    case AN_ACK:
    case SOON:
        return !(s->flags & (SEG_RST | SEG_SYN)) && s->flags & SEG_ACK && s->ack == taken &&
               s->seq + segment_span(s) == lwip_next;
    case A_SYN_ACK:
        return (s->flags & (SEG_SYN | SEG_ACK | SEG_RST)) == (SEG_SYN | SEG_ACK) &&
               s->ack == (r->seq == BEFORE ? seq + 1 : taken);
    case A_RESET:
        return s->flags & SEG_RST && s->seq == ack;
    case A_RESET_0:
        return s->flags & SEG_RST && s->flags & SEG_ACK && s->seq == 0 &&
               s->ack == seq + r->len + !!(r->flags & SEG_SYN);
    default:
        return false;
    }
}

/* "" or what is wrong. In SYN_SENT, lwIP sends its SYN again beside the answer. */
static const char *judge(const struct row *r, unsigned first, uint64_t at, uint32_t taken)
{
    unsigned at_once = first;

    while (at_once < heard_count && heard_at[at_once] == at)
        at_once++;
    if (state_now() != r->after)
        return "the state";
    if (got != r->delivered)
        return "the data";
    if (r->answer == NOTHING)
        return at_once > first ? "an answer" : "";
    for (unsigned i = first; i < (r->answer == SOON ? heard_count : at_once); i++)
        if (is_answer(r, &heard[i], taken))
            return at_once > first + 1 && r->state != SYN_SENT ? "two answers" : "";
    return "no such answer";
}

static unsigned came_to(unsigned state)
{
    return state == SIMULTANEOUS ? SYN_RCVD : state == LISTEN ? CLOSED : state;
}

static bool try_row(const struct row *r)
{
    uint32_t taken;
    unsigned first;
    uint64_t at;
    const char *why;

    port++;
    pcb = listener = NULL;
    got = heard_count = 0;
    peer_next = path_random(UINT32_MAX);
    lwip_una = lwip_next = 0;
    path_both(50000, 0);
    come_to(r->state);
    if (state_now() != came_to(r->state)) {
        fprintf(stderr, "%s: the state before is %s\n", r->name, tcp_debug_state_str(state_now()));
        return false;
    }
    if (r->state == SYN_SENT || r->state == SYN_RCVD || r->state == SIMULTANEOUS)
        lwip_una = lwip_next - 1;
    path.link[PATH_B].delay_ns = 0;
    first = heard_count;
    at = hal_now_ns();
    taken = peer_next;
    if (r->delivered || r->after != came_to(r->state))
        taken += r->len + (r->seq == NEXT) * !!(r->flags & (SEG_SYN | SEG_FIN));
    peer_sends(r->flags | (r->ack == NO_ACK ? 0 : SEG_ACK), number_of(r->seq), ack_of(r->ack),
               r->len);
    path_run_for(400 * HAL_MS);
    why = judge(r, first, at, taken);
    if (!*why)
        return true;
    fprintf(stderr, "%s, %s: %s is wrong; %s, %u bytes, %u segments",
            r->state == SIMULTANEOUS ? "SYN_RCVD of both" : tcp_debug_state_str(r->state), r->name,
            why, tcp_debug_state_str(state_now()), got, heard_count - first);
    for (unsigned i = first; i < heard_count; i++)
        fprintf(stderr, "; after %llu ms flags %#x seq %+d ack %+d",
                (unsigned long long)((heard_at[i] - at) / HAL_MS), heard[i].flags,
                (int)(heard[i].seq - lwip_next), (int)(heard[i].ack - taken));
    fprintf(stderr, "\n");
    return false;
}

static void forget_row(void)
{
    net_enter();
    if (listener)
        tcp_close(listener);
    while (tcp_active_pcbs)
        tcp_abort(tcp_active_pcbs);
    while (tcp_tw_pcbs)
        tcp_abort(tcp_tw_pcbs);
    net_leave();
    path_settle(HAL_SEC);
}

static void each_state_and_segment(void)
{
    unsigned failed = 0;

    path_boot(1);
    path_watch(hear);
    path_script(PATH_B, deaf);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        failed += !try_row(&rows[i]);
        forget_row();
    }
    CHECK_EQ(failed, 0);
}

static const struct test_case cases[] = {
    {"each_state_and_segment", each_state_and_segment},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
