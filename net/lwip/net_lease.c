/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_lease.c - what lwIP's DHCP client lacks (RFC 2131): leases by the second instead of by the
 * minute, refusal of values that cannot be, what a refusal of the server means, a search for
 * another machine with the address (RFC 5227), and the options for MTU (RFC 2132, 5.1), time
 * servers (RFC 2132, 8.3) and routes (RFC 3442). lwIP's client asks, and its own timers of a lease
 * stay at rest.
 */
#include <errno.h>

#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/prot/dhcp.h"
#include "lwip/prot/iana.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "net_hooks.h"
#include "net_impl.h"
#include "netif/ethernet.h"
#include "tcp_mtu.h"

#define LEAST_MTU        68               /* RFC 791 */
#define LEAST_REQUEST_NS (60 * HAL_SEC)   /* between two requests of a long lease (RFC 2131) */
#define WATCH_NS         (10 * HAL_SEC)   /* after the start: then an address is kept */
#define DEFEND_NS        (10 * HAL_SEC)   /* between two announcements (RFC 5227, 2.4) */
#define DECLINED_MS      10000            /* until the next question (RFC 2131, 3.1) */
#define NAK_MOST_MS      60000            /* between a refusal and the next question */
#define TIMER_MOST_MS    (60 * 60 * 1000) /* lwIP's timers go no further than some days */

enum { OPTION_MASK = 1, OPTION_MTU = 26, OPTION_LEASE = 51, OPTION_OVERLOAD = 52 };
enum { OPTION_TIME_SERVERS = 42, OPTION_ROUTES = 121, OPTION_PAD = 0, OPTION_END = 255 };
enum { ARP_SENDER_MAC = 8, ARP_SENDER = 14, ARP_TARGET = 24, ARP_BYTES = 28 };

/* ---- options --------------------------------------------------------------------------------- */

/* The message that lwIP is about to act on. */
static const struct pbuf *lease_message;

/* Appends what the options of this code between two places hold (RFC 3396). The length so far. */
static unsigned lease_option_in(unsigned at, unsigned end, unsigned code, uint8_t *out,
                                unsigned len, unsigned room)
{
    while (at < end) {
        unsigned have = pbuf_get_at(lease_message, (u16_t)at);
        unsigned bytes = at + 1 < end ? pbuf_get_at(lease_message, (u16_t)(at + 1)) : 0;

        if (have == OPTION_END)
            break;
        at += have == OPTION_PAD ? 1 : 2 + bytes;
        if (have == code && at <= end && len + bytes <= room)
            len += pbuf_copy_partial(lease_message, out + len, (u16_t)bytes, (u16_t)(at - bytes));
    }
    return len;
}

/* An option of the message. The number of bytes; 0: the message has none that fits. */
static unsigned lease_option(unsigned code, uint8_t *out, unsigned room)
{
    unsigned end = lease_message->tot_len, len;
    uint8_t overload = 0;

    lease_option_in(DHCP_OPTIONS_OFS, end, OPTION_OVERLOAD, &overload, 0, 1);
    len = lease_option_in(DHCP_OPTIONS_OFS, end, code, out, 0, room);
    if (overload & 1)
        len = lease_option_in(DHCP_FILE_OFS, DHCP_FILE_OFS + DHCP_FILE_LEN, code, out, len, room);
    if (overload & 2)
        len =
            lease_option_in(DHCP_SNAME_OFS, DHCP_SNAME_OFS + DHCP_SNAME_LEN, code, out, len, room);
    return len;
}

static uint32_t lease_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void lease_take_mtu(struct net_dev *d)
{
    unsigned most = vnet_mtu(d->vnet), mtu;
    uint8_t field[2];

    mtu = lease_option(OPTION_MTU, field, 2) == 2 ? field[0] * 256u + field[1] : most;
    d->netif.mtu = (u16_t)(mtu < LEAST_MTU || mtu > most ? most : mtu);
    tcp_mtu_follow(NULL);
}

/* The first that can be, in the order of the server. The log names them when they change. */
static void lease_take_time_servers(struct net_dev *d)
{
    char list[NET_LEASE_TIME_SERVERS * IP4ADDR_STRLEN_MAX + 1] = "", *at = list;
    struct net_lease *l = &d->lease;
    uint32_t old = (uint32_t)net_hash(l->time_server, sizeof(l->time_server));
    unsigned n = 0, len;
    uint8_t text[255];

    len = lease_option(OPTION_TIME_SERVERS, text, sizeof(text));
    memset(l->time_server, 0, sizeof(l->time_server));
    for (unsigned i = 0; i + 4 <= len && n < NET_LEASE_TIME_SERVERS; i += 4)
        if (net_ip4_of_one_machine(lease_get32(text + i), 0xffffffff)) {
            memcpy(&l->time_server[n], text + i, 4);
            *at++ = ' ';
            ip4addr_ntoa_r(&l->time_server[n++], at, IP4ADDR_STRLEN_MAX);
            at += strlen(at);
        }
    if (n && old != (uint32_t)net_hash(l->time_server, sizeof(l->time_server)))
        hal_log(HAL_INFO, d->name, "time servers%s (DHCP)", list);
}

/* RFC 3442: prefix length, the bytes of the prefix that count, router. */
static void lease_take_routes(struct net_dev *d, ip4_addr_t *gateway)
{
    uint8_t text[255];
    unsigned len = lease_option(OPTION_ROUTES, text, sizeof(text));
    struct net_lease *l = &d->lease;

    l->routes = 0;
    if (len)
        ip4_addr_set_any(gateway); /* that of option 3 does not count beside it */
    for (unsigned at = 0; at < len;) {
        unsigned bits = text[at], bytes = (bits + 7) / 8;
        uint8_t to[4] = {0};

        if (bits > 32 || at + 1 + bytes + 4 > len)
            return;
        memcpy(to, text + at + 1, bytes);
        at += 1 + bytes + 4;
        uint32_t mask = bits ? 0xffffffffu << (32 - bits) : 0;
        uint32_t via = lwip_htonl(lease_get32(text + at - 4));
        if (!bits) {
            ip4_addr_set_u32(gateway, via);
        } else if (l->routes < NET_LEASE_ROUTES) {
            ip4_addr_set_u32(&l->route[l->routes].to, lwip_htonl(lease_get32(to) & mask));
            ip4_addr_set_u32(&l->route[l->routes].mask, lwip_htonl(mask));
            ip4_addr_set_u32(&l->route[l->routes++].via, via);
        }
    }
}

const ip4_addr_t *net_lease_gateway(const struct netif *netif, const ip4_addr_t *to, unsigned *bits)
{
    const struct net_lease *l = &((const struct net_dev *)netif->state)->lease;
    const ip4_addr_t *via = NULL;
    uint32_t longest = 0;

    for (unsigned i = 0; i < l->routes; i++) {
        uint32_t mask = lwip_ntohl(ip4_addr_get_u32(&l->route[i].mask));

        if (mask > longest && ip4_addr_netcmp(to, &l->route[i].to, &l->route[i].mask)) {
            longest = mask;
            *bits = (unsigned)__builtin_popcount(mask);
            via = ip4_addr_isany_val(l->route[i].via) ? to : &l->route[i].via;
        }
    }
    return via;
}

int net_time_server(unsigned n, char text[NET_ADDRESS_TEXT])
{
    for (const struct net_dev *d = net_core.devs; d; d = d->next)
        for (unsigned i = 0; i < NET_LEASE_TIME_SERVERS; i++)
            if (!ip4_addr_isany_val(d->lease.time_server[i]) && n-- == 0) {
                ip4addr_ntoa_r(&d->lease.time_server[i], text, NET_ADDRESS_TEXT);
                return 0;
            }
    return -ENOENT;
}

/* ---- times ----------------------------------------------------------------------------------- */

static void lease_timer(void *arg);

static uint64_t lease_earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void lease_set_timer(struct net_dev *d)
{
    const struct net_lease *l = &d->lease;
    uint64_t now = hal_now_ns(), ms = 0;
    uint64_t next = lease_earlier(l->end_ns, lease_earlier(l->t1_ns, l->t2_ns));

    sys_untimeout(lease_timer, d);
    if (next == HAL_NEVER)
        return;
    if (next > now)
        ms = (next - now + HAL_MS - 1) / HAL_MS;
    sys_timeout((u32_t)lease_earlier(ms, TIMER_MOST_MS), lease_timer, d);
}

/* Takes the address away, and lets lwIP ask anew: at once, or after that time. */
static void lease_drop(struct net_dev *d, unsigned ms)
{
    struct dhcp *dhcp = netif_dhcp_data(&d->netif);

    memset(&d->lease, 0, sizeof(d->lease));
    sys_untimeout(lease_timer, d);
    lease_message = NULL;
    dhcp->state = DHCP_STATE_BACKING_OFF;
    dhcp->tries = 0;
    dhcp->request_timeout = (u16_t)(ms / DHCP_FINE_TIMER_MSECS + 1);
    netif_set_addr(&d->netif, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
}

/*
 * lwIP's client asks when its own counters, of minutes, get to zero: they are set so that its
 * timer, called here, finds them there. Those of other interfaces are at rest. The next request
 * comes after half of the time that is left (RFC 2131, 4.4.5).
 */
static void lease_ask(struct net_dev *d, bool rebind)
{
    struct net_lease *l = &d->lease;
    struct dhcp *dhcp = netif_dhcp_data(&d->netif);
    uint64_t now = hal_now_ns(), until = rebind ? l->end_ns : l->t2_ns, next = HAL_NEVER;

    if (until != HAL_NEVER && until > now) {
        next = (until - now) / 2;
        next = now + (next < l->least_ns ? l->least_ns : next);
    }
    if (rebind) {
        l->t1_ns = HAL_NEVER;
        l->t2_ns = next;
        dhcp->t2_rebind_time = 1;
    } else {
        l->t1_ns = next;
        dhcp->t1_renew_time = 1;
    }
    dhcp_coarse_tmr();
    dhcp->t1_renew_time = dhcp->t2_rebind_time = 0;
}

static void lease_timer(void *arg)
{
    struct net_dev *d = arg;
    struct net_lease *l = &d->lease;
    uint64_t now = hal_now_ns();

    if (now >= l->end_ns) {
        hal_log(HAL_WARN, d->name, "the DHCP lease ended: no server has renewed it");
        lease_drop(d, 0);
        return;
    }
    if (now >= l->t2_ns)
        lease_ask(d, true);
    else if (now >= l->t1_ns)
        lease_ask(d, false);
    lease_set_timer(d);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* A NAK: to start again at once would be a storm of questions where each answer is one. */
static void lease_refused(struct net_dev *d)
{
    const struct dhcp *dhcp = netif_dhcp_data(&d->netif);
    unsigned ms =
        d->naks ? (unsigned)lease_earlier(500ull << (d->naks < 8 ? d->naks : 8), NAK_MOST_MS) : 0;
    char text[IP4ADDR_STRLEN_MAX];

    if (dhcp->state != DHCP_STATE_REQUESTING && dhcp->state != DHCP_STATE_REBOOTING &&
        dhcp->state != DHCP_STATE_RENEWING && dhcp->state != DHCP_STATE_REBINDING)
        return;
    if (!d->naks++)
        hal_log(HAL_WARN, d->name, "DHCP: a server refuses %s (NAK): asking for another address",
                ip4addr_ntoa_r(&dhcp->offered_ip_addr, text, sizeof(text)));
    lease_drop(d, ms);
}

bool net_lease_agreeable(struct netif *netif, const struct pbuf *p, u8_t type)
{
    struct net_dev *d = netif->state;
    const struct dhcp_msg *m = p->payload;
    uint32_t address = lwip_ntohl(m->yiaddr.addr), mask = 0xffffffff;
    char text[IP4ADDR_STRLEN_MAX];
    uint8_t field[4];
    ip4_addr_t told;
    bool timed;

    lease_message = p;
    if (type == DHCP_NAK)
        lease_refused(d);
    if (type != DHCP_OFFER && type != DHCP_ACK)
        return false;
    if (lease_option(OPTION_MASK, field, 4) == 4)
        mask = lease_get32(field);
    timed = lease_option(OPTION_LEASE, field, 4) == 4 && lease_get32(field);
    if (timed && mask && net_ip4_mask_ok(mask) && net_ip4_of_one_machine(address, mask))
        return true;
    if (!d->lease_refused) {
        ip4_addr_set_u32(&told, lwip_htonl(address));
        hal_log(HAL_WARN, d->name,
                "DHCP: the server's %s with netmask 0x%08x%s cannot be: refused. Correct the "
                "server, or give ip=ADDRESS/PREFIX",
                ip4addr_ntoa_r(&told, text, sizeof(text)), (unsigned)mask,
                timed ? "" : " and no time");
    }
    d->lease_refused = true;
    return false;
}

/* ---- another machine with the address (RFC 5227) --------------------------------------------- */

/* Asks who has the address. sender "any": a probe, which changes nobody's table. */
static void lease_arp(struct net_dev *d, const ip4_addr_t *sender, const ip4_addr_t *target)
{
    static const uint8_t request[] = {0, 1, 8, 0, 6, 4, 0, 1};
    struct pbuf *p = pbuf_alloc(PBUF_LINK, ARP_BYTES, PBUF_RAM);
    uint8_t *arp;

    if (!p)
        return;
    arp = p->payload;
    memset(arp, 0, ARP_BYTES);
    memcpy(arp, request, sizeof(request));
    memcpy(arp + ARP_SENDER_MAC, d->netif.hwaddr, ETH_HWADDR_LEN);
    memcpy(arp + ARP_SENDER, &sender->addr, 4);
    memcpy(arp + ARP_TARGET, &target->addr, 4);
    ethernet_output(&d->netif, p, (const struct eth_addr *)d->netif.hwaddr, &ethbroadcast,
                    ETHTYPE_ARP);
    pbuf_free(p);
}

/* RFC 2131, 4.4.4. lwIP's own function for it belongs to its slow check. */
static void lease_decline(struct net_dev *d)
{
    const struct dhcp *dhcp = netif_dhcp_data(&d->netif);
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, sizeof(struct dhcp_msg), PBUF_RAM);
    struct udp_pcb *pcb = udp_new();
    ip_addr_t everybody = IPADDR4_INIT(IPADDR_BROADCAST);
    struct dhcp_msg *m;
    uint8_t *o;

    if (p && pcb) {
        m = p->payload;
        memset(m, 0, sizeof(*m));
        m->op = DHCP_BOOTREQUEST;
        m->htype = 1;
        m->hlen = ETH_HWADDR_LEN;
        m->xid = lwip_htonl(dhcp->xid);
        memcpy(m->chaddr, d->netif.hwaddr, ETH_HWADDR_LEN);
        m->cookie = PP_HTONL(DHCP_MAGIC_COOKIE);
        o = m->options;
        memcpy(o, "\x35\1\4\x32\4", 5);
        memcpy(o + 5, &d->lease.address, 4);
        memcpy(o + 9, "\x36\4", 2);
        memcpy(o + 11, &ip_2_ip4(&dhcp->server_ip_addr)->addr, 4);
        o[15] = OPTION_END;
        pcb->local_port = LWIP_IANA_PORT_DHCP_CLIENT;
        ip_set_option(pcb, SOF_BROADCAST);
        udp_sendto_if_src(pcb, p, &everybody, LWIP_IANA_PORT_DHCP_SERVER, &d->netif, IP4_ADDR_ANY);
    }
    if (pcb)
        udp_remove(pcb);
    if (p)
        pbuf_free(p);
}

void net_lease_arp(struct net_dev *d, const uint8_t *arp)
{
    struct net_lease *l = &d->lease;
    char text[IP4ADDR_STRLEN_MAX];
    const uint8_t *mac = arp + ARP_SENDER_MAC;

    if (ip4_addr_isany_val(l->address) || memcmp(arp + ARP_SENDER, &l->address, 4) != 0 ||
        memcmp(mac, d->netif.hwaddr, ETH_HWADDR_LEN) == 0)
        return;
    if (hal_now_ns() < l->watch_ns && !l->claimed) { /* one packet may be a stray: ask again */
        l->claimed = true;
        lease_arp(d, IP4_ADDR_ANY4, &l->address);
    } else if (hal_now_ns() < l->watch_ns) {
        hal_log(HAL_WARN, d->name,
                "%s belongs to %02x:%02x:%02x:%02x:%02x:%02x as well: declined; DHCP is asked "
                "again in %d s",
                ip4addr_ntoa_r(&l->address, text, sizeof(text)), mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5], DECLINED_MS / 1000);
        lease_decline(d);
        lease_drop(d, DECLINED_MS);
    } else if (hal_now_ns() >= l->defended_ns + DEFEND_NS) {
        l->defended_ns = hal_now_ns();
        lease_arp(d, &l->address, &l->address);
    }
}

/* ---- a lease --------------------------------------------------------------------------------- */

static uint64_t lease_moment(uint32_t seconds)
{
    return seconds == 0xffffffff ? HAL_NEVER : hal_now_ns() + seconds * HAL_SEC;
}

void net_lease_bound(struct netif *netif, ip4_addr_t *gateway)
{
    struct net_dev *d = netif->state;
    struct net_lease *l = &d->lease;
    struct dhcp *dhcp = netif_dhcp_data(netif);
    uint32_t time = dhcp->offered_t0_lease, t1 = dhcp->offered_t1_renew,
             t2 = dhcp->offered_t2_rebind;

    dhcp->t0_timeout = dhcp->t1_renew_time = dhcp->t2_rebind_time = 0;
    dhcp->t1_timeout = dhcp->t2_timeout = 0;
    dhcp->request_timeout = 0;
    if (time == 0xffffffff) {
        t1 = t2 = time;
    } else if (!(t1 && t1 < t2 && t2 < time)) { /* RFC 2131, 4.4.5 */
        t1 = time / 2;
        t2 = (uint32_t)(time * 7ull / 8);
    }
    l->end_ns = lease_moment(time);
    l->t1_ns = lease_moment(t1);
    l->t2_ns = lease_moment(t2);
    l->least_ns = lease_earlier(LEAST_REQUEST_NS, time * HAL_SEC / 16 + HAL_SEC / 2);
    d->lease_refused = false;
    d->naks = 0;
    lease_take_mtu(d);
    lease_take_time_servers(d);
    lease_take_routes(d, gateway);
    if (!ip4_addr_cmp(&l->address, &dhcp->offered_ip_addr)) {
        ip4_addr_copy(l->address, dhcp->offered_ip_addr);
        l->watch_ns = hal_now_ns() + WATCH_NS;
        l->claimed = false;
        lease_arp(d, IP4_ADDR_ANY4, &l->address); /* lwIP announces it after this */
    }
    lease_set_timer(d);
    net_route_changed();
}
