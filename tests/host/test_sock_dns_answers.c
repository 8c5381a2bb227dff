/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_dns_answers.c - which answers of name servers count, and many lookups at once
 * (net/inet/dns_message.c, dns_query.c): RFC 1035, 5452.
 */
#include <netdb.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "lwip/dns.h"
#include "nameserver.h"
#include "net_impl.h"
#include "peer.h"
#include "tasks.h"

static uint64_t began;

static uint64_t seconds_since_began(void)
{
    return (hal_now_ns() - began) / HAL_SEC;
}

/* ---- answers of others ----------------------------------------------------------------------- */

static void (*lie)(const struct question *q);

static void answer_after_a_lie(const struct question *q)
{
    lie(q);
    nameserver_honest(q);
}

static void lie_with(const struct question *q, unsigned flags)
{
    reply_begin(&reply, q, flags);
    reply_add4(&reply, NULL, 0x06060606);
}

static void lie_from_elsewhere(const struct question *q)
{
    lie_with(q, REPLY_OK);
    reply.from = 0x0a000242;
    nameserver_send(&reply, 1);
    reply_begin(&reply, q, REPLY_NO_NAME);
    reply.from = 0x0a000242;
    nameserver_send(&reply, 1);
}

static void lie_from_another_port(const struct question *q)
{
    lie_with(q, REPLY_OK);
    reply.from_port = 54;
    nameserver_send(&reply, 1);
}

static void lie_to_other_ports(const struct question *q)
{
    lie_with(q, REPLY_OK);
    for (unsigned i = 1; i < 20; i++) {
        reply.port = (uint16_t)(q->port + i);
        nameserver_send(&reply, 1);
    }
}

static void lie_with_another_id(const struct question *q)
{
    lie_with(q, REPLY_OK);
    for (unsigned bit = 0; bit < 16; bit++) {
        peer_put16(reply.data, q->id ^ 1u << bit);
        nameserver_send(&reply, 1);
    }
}

static void lie_about_another_question(const struct question *q)
{
    struct question other = *q;

    for (size_t at = 12; at < q->len; at++) {
        other = *q;
        other.message[at] ^= 1;
        lie_with(&other, REPLY_OK);
        nameserver_send(&reply, 1);
        reply_begin(&reply, &other, REPLY_NO_NAME);
        nameserver_send(&reply, 1);
    }
}

static void lie_with_other_flags(const struct question *q)
{
    lie_with(q, 0x0180);
    nameserver_send(&reply, 1);
    for (unsigned opcode = 1; opcode < 16; opcode++) {
        lie_with(q, REPLY_OK | opcode << 11);
        nameserver_send(&reply, 1);
    }
}

static void lie_with_counts(const struct question *q)
{
    static const unsigned counts[] = {2, 3, 255, 256, 65535};

    for (unsigned i = 0; i < 5; i++) {
        lie_with(q, REPLY_OK);
        peer_put16(reply.data + 6, counts[i]); /* answers that are not there */
        nameserver_send(&reply, 1);
        lie_with(q, REPLY_OK);
        peer_put16(reply.data + 4, counts[i]); /* questions */
        nameserver_send(&reply, 1);
    }
    lie_with(q, REPLY_OK);
    peer_put16(reply.data + 4, 0);
    nameserver_send(&reply, 1);
}

/* Cut at each place; a reply of the header alone may say that the server cannot answer. */
static void lie_with_a_part(const struct question *q)
{
    lie_with(q, REPLY_OK);
    for (size_t len = reply.len; len-- > 0;) {
        reply.len = len;
        nameserver_send(&reply, 1);
    }
}

/* Owners that are no names, or have no end (RFC 1035, 4.1.4), in front of an address. */
static void lie_with_names(const struct question *q)
{
    static const struct {
        const char *bytes;
        size_t len;
    } names[] = {{"\xc0", 1},
                 {"\xff\xff", 2},
                 {"\x40", 1},
                 {"\x80\0", 2},
                 {"\x3f"
                  "a",
                  2}};
    size_t at = q->len;

    for (unsigned i = 0; i < 5; i++) {
        reply_begin(&reply, q, REPLY_OK);
        peer_put16(reply.data + 6, 1);
        memcpy(reply.data + at, names[i].bytes, names[i].len);
        reply.len += names[i].len;
        nameserver_send(&reply, 1);
    }
    lie_with(q, REPLY_OK);
    for (unsigned to = (unsigned)at; to < reply.len; to++) { /* to itself, and forward */
        peer_put16(reply.data + at, 0xc000 | to);
        nameserver_send(&reply, 1);
    }
    lie_with(q, REPLY_OK);
    CHECK_EQ(reply.data[17],
             '8'); /* a label that begins in the question, and ends behind the record */
    peer_put16(reply.data + at, 0xc011);
    memset(reply.data + reply.len, 0, 60);
    reply.len += 60;
    nameserver_send(&reply, 1);
    reply_begin(&reply, q, REPLY_OK); /* longer than a name may be */
    for (unsigned i = 0; i < 5; i++, reply.len += 64)
        memset(memset(reply.data + reply.len, 63, 64) + 1, 'a', 63);
    reply.data[reply.len++] = 0;
    memcpy(reply.data + reply.len, "\0\1\0\1\0\0\0\1\0\4\6\6\6\6", 14);
    reply.len += 14;
    peer_put16(reply.data + 6, 1);
    nameserver_send(&reply, 1);
}

static void answers_of_others(void)
{
    static void (*const lies[])(const struct question *q) = {lie_from_elsewhere,
                                                             lie_from_another_port,
                                                             lie_to_other_ports,
                                                             lie_with_another_id,
                                                             lie_about_another_question,
                                                             lie_with_other_flags,
                                                             lie_with_counts,
                                                             lie_with_a_part,
                                                             lie_with_names};
    char name[32];

    nameserver_boot("", answer_after_a_lie);
    began = hal_now_ns();
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        lie = lies[i];
        snprintf(name, sizeof(name), "one.%u.example", i);
        CHECK_ADDRESSES("192.0.2.9 ", name, AF_INET, 0);
        CHECK_EQ(nameserver_asked, i + 1);
    }
    CHECK_EQ(seconds_since_began(), 0);
}

/* Records of other names, types, classes and sizes stand between those that count. */
static void answer_with_others(const struct question *q)
{
    size_t class;

    reply_begin(&reply, q, REPLY_OK);
    reply_add4(&reply, "example", 0x06060606);
    reply_add4(&reply, "xone.example", 0x06060606);
    reply_add6(&reply, NULL, 6);
    reply_add(&reply, NULL, NAME_TXT, 0, "\3abc", 4);
    reply_add(&reply, NULL, NAME_A, 0, "abc", 3);
    reply_add(&reply, NULL, NAME_A, 0, "abcde", 5);
    reply_add(&reply, NULL, NAME_A, 0, "", 0);
    class = reply.len + 4;
    reply_add4(&reply, NULL, 0x06060606);
    peer_put16(reply.data + class, 3);
    if (strcmp(q->name, "one.none") != 0)
        reply_add4(&reply, "ONE.example", 0xc0000209);
    nameserver_send(&reply, 1);
}

static void records_of_others(void)
{
    nameserver_boot("", answer_with_others);
    CHECK_ADDRESSES("192.0.2.9 ", "one.example", AF_INET, 0);
    CHECK_EQ(names_outcome("one.none", AF_INET), EAI_NODATA);
}

/* ---- many lookups ---------------------------------------------------------------------------- */

static uint16_t ports[400], ids[400];
static unsigned seen;

/* N.many has the address 10.9.0.N; the answers come in no order. */
static void answer_many(const struct question *q)
{
    unsigned n = (unsigned)atoi(q->name);

    if (seen < 400) {
        ports[seen] = q->port;
        ids[seen++] = q->id;
    }
    reply_begin(&reply, q, REPLY_OK);
    if (q->type == NAME_A)
        reply_add4(&reply, NULL, 0x0a090000 + n);
    nameserver_send(&reply, 1 + n * 37 % 100);
}

static unsigned found;

static void look_one_up(void *arg)
{
    unsigned n = *(unsigned *)arg;
    char name[32], want[32];

    snprintf(name, sizeof(name), "%u.many", n);
    snprintf(want, sizeof(want), "10.9.0.%u ", n);
    CHECK_ADDRESSES(want, name, AF_UNSPEC, 0);
    found++;
}

static void a_hundred_at_once(void)
{
    static unsigned numbers[100];
    uint64_t before;

    nameserver_boot("", answer_many);
    for (unsigned n = 200; n < 220; n++) /* fills what is kept */
        look_one_up(&n);
    task_sleep_until(hal_now_ns() + HAL_SEC); /* frames that were sent are given back */
    before = net_mem_lent();
    for (unsigned i = 0; i < 100; i++) {
        numbers[i] = i;
        task_spawn("lookup", look_one_up, &numbers[i], 0);
    }
    began = hal_now_ns();
    AWAIT(found == 120, 60);
    CHECK_EQ(seconds_since_began(), 0);
    CHECK_EQ(nameserver_asked, 240);
    task_sleep_until(hal_now_ns() + HAL_SEC);
    CHECK(net_mem_lent() <= before);
}

/* Ports and numbers that cannot be guessed: none twice in a row, and no order. */
static void ports_and_numbers(void)
{
    unsigned up = 0, near = 0;

    nameserver_boot("", answer_many);
    for (unsigned n = 0; n < 100; n++)
        look_one_up(&n);
    CHECK_EQ(seen, 200);
    for (unsigned i = 1; i < seen; i++) {
        CHECK(ports[i] >= 49152 && (ports[i] != ports[i - 1] || ids[i] != ids[i - 1]));
        up += ports[i] > ports[i - 1];
        near += (uint16_t)(ports[i] - ports[i - 1] + 8) < 16;
        near += (uint16_t)(ids[i] - ids[i - 1] + 8) < 16;
    }
    CHECK(up > 60 && up < 140 && near < 5);
}

static void no_memory(void)
{
    struct addrinfo *list;
    void *hog[20000];
    unsigned n = 0;

    host_set_ram(1 << 20);
    nameserver_boot("", nameserver_honest);
    CHECK_EQ(names_outcome("one.example", AF_INET), 0);
    while ((hog[n] = net_malloc(1000)))
        n++;
    while ((hog[n] = net_malloc(40)))
        n++;
    CHECK_EQ(names_look_up("one.other.example", AF_INET, 0, &list), EAI_MEMORY);
    CHECK(gethostbyname("one.other.example") == NULL && h_errno == NO_RECOVERY);
    while (n)
        net_free(hog[--n]);
    CHECK_EQ(names_outcome("one.other.example", AF_INET), 0);
}

/* ---- the list of servers --------------------------------------------------------------------- */

static bool is_server(u8_t i, const char *text)
{
    ip_addr_t addr;

    CHECK(ipaddr_aton(text, &addr));
    return ip_addr_cmp(dns_getserver(i), &addr);
}

static void set_server(u8_t i, const char *text)
{
    ip_addr_t addr;

    CHECK(ipaddr_aton(text, &addr));
    net_names_set(&net_core.devs->netif, i, &addr);
}

/* A router's servers (RFC 8106) do not take the places of those of DHCP, nor the reverse. */
static void servers_of_both_families(void)
{
    nameserver_boot("", nameserver_honest);
    CHECK(is_server(0, "10.0.2.2") && ip_addr_isany(dns_getserver(1)));
    set_server(0, "2001:db8::53");
    set_server(2, "2001:db8::55");
    CHECK(is_server(0, "10.0.2.2") && is_server(3, "2001:db8::53") && is_server(4, "2001:db8::55"));
    set_server(1, "10.0.2.3");
    CHECK(is_server(1, "10.0.2.3") && is_server(3, "2001:db8::53"));
    set_server(3, "10.0.2.4"); /* more than there are places for */
    set_server(5, "2001:db8::56");
    set_server(255, "10.0.2.4");
    CHECK(is_server(3, "2001:db8::53") && is_server(4, "2001:db8::55"));
    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++) /* as a router takes one back */
        if (is_server(i, "2001:db8::53"))
            dns_setserver(i, NULL);
    CHECK(is_server(3, "2001:db8::55") && ip_addr_isany(dns_getserver(4)) &&
          ip_addr_isany(dns_getserver(255)));
    CHECK_ADDRESSES("192.0.2.9 ", "one.example", AF_INET, 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(answers_of_others, NULL), SHOWS(records_of_others, NULL),
        SHOWS(a_hundred_at_once, NULL), SHOWS(ports_and_numbers, NULL),
        SHOWS(no_memory, NULL),         SHOWS(servers_of_both_families, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
