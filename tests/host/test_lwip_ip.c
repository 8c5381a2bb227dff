/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_ip.c - what lwIP's IP layer does wrong by itself, with another machine on the cable:
 * the mends of scripts/fix-lwip and the checks in front.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "host.h"
#include "lwip/netif.h"
#include "net_impl.h"
#include "peer.h"
#include "tasks.h"

/* ---- fragments (RFC 791, 3.2) ---------------------------------------------------------------- */

static struct {
    uint8_t data[9000], seen[9000];
    uint32_t end; /* where the last fragment ends; 0: not seen */
    unsigned lasts, longest;
} whole;

static void collect(const struct heard *h)
{
    const uint8_t *ip = h->data - 28;
    uint32_t at = (peer_get16(ip + 6) & 0x1fff) * 8, len = peer_get16(ip + 2) - 20;

    if (h->proto != PEER_UDP)
        return;
    if (len + 20 > whole.longest)
        whole.longest = len + 20;
    CHECK(at + len <= sizeof(whole.data));
    memcpy(whole.data + at, ip + 20, len);
    memset(whole.seen + at, 1, len);
    if (!(peer_get16(ip + 6) & 0x2000)) {
        whole.lasts++;
        whole.end = at + len;
    }
}

static void fragments_at_any_mtu(void)
{
    static uint8_t sent[4000];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd;

    peer_boot("ip=10.0.2.15/24");
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    to.sin_addr.s_addr = htonl(PEER_IP);
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    AWAIT(peer_count(PEER_UDP) == 1, 1);
    peer_listen(collect);
    for (unsigned i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)(i * 7 + i / 251);
    for (unsigned mtu = case_variant; mtu < case_variant + 8; mtu++)
        for (uint32_t len = 1; len < sizeof(sent); len += len < 3 * mtu ? 1 + mtu / 40 : 411) {
            if (len > 1500 && mtu < 100)
                break;
            memset(&whole, 0, sizeof(whole));
            net_core.devs->netif.mtu = (u16_t)mtu;
            CHECK_EQ(sendto(fd, sent, len, 0, (struct sockaddr *)&to, sizeof(to)), len);
            AWAIT(whole.end, 1);
            CHECK(whole.lasts == 1 && whole.end == 8 + len && whole.longest <= mtu);
            CHECK(!memchr(whole.seen, 0, whole.end));
            CHECK(!memcmp(whole.data + 8, sent, len));
        }
}

int main(int argc, char **argv)
{
    static const struct test_variant mtus[] = {
        {"68", 68}, {"576", 576}, {"1280", 1280}, {"1493", 1493}, {NULL, 0}};
    static const struct test_case cases[] = {
        {"fragments_at_any_mtu", fragments_at_any_mtu, NULL, 0, mtus},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
