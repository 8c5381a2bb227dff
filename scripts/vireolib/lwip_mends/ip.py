# SPDX-License-Identifier: BSD-2-Clause
"""Mends of lwIP below TCP: timers, neighbours, IP, ICMP, DHCP."""

ALWAYS = [
    ('src/core/ipv6/nd6.c', 'the port announces its addresses where the machine was moved',
     'static void nd6_send_na(struct netif *netif, const ip6_addr_t *target_addr, u8_t flags);\n',
     'void nd6_send_na(struct netif *netif, const ip6_addr_t *target_addr, u8_t flags);\n'),
    ('src/core/ipv6/nd6.c', 'the same', 'static void\nnd6_send_na(', 'void\nnd6_send_na('),
]

MENDS = [
    ('src/core/ipv6/nd6.c', 'a packet that no memory is left to queue is not counted as waiting',
     '''    if (nd6_queue_size < MEMP_NUM_ND6_QUEUE) {
      new_entry = (struct nd6_q_entry *)memp_malloc(MEMP_ND6_QUEUE);
      nd6_queue_size++;
''', '''    if (nd6_queue_size < MEMP_NUM_ND6_QUEUE) {
      new_entry = (struct nd6_q_entry *)memp_malloc(MEMP_ND6_QUEUE);
      nd6_queue_size += (new_entry != NULL);
'''),
    ('src/core/ipv6/nd6.c', 'the same',
     '''      nd6_free_q(r);
      new_entry = (struct nd6_q_entry *)memp_malloc(MEMP_ND6_QUEUE);
      nd6_queue_size++;
''', '''      nd6_free_q(r);
      new_entry = (struct nd6_q_entry *)memp_malloc(MEMP_ND6_QUEUE);
      nd6_queue_size += (new_entry != NULL);
'''),
    ('src/core/timeouts.c', 'a timer that is not set again when memory is short is lost',
     '''static struct sys_timeo *next_timeout;
''', '''static struct sys_timeo *next_timeout;
static struct sys_timeo timer_pool[MEMP_NUM_SYS_TIMEOUT];

static struct sys_timeo *timer_get(void)
{
  for (int i = 0; i < MEMP_NUM_SYS_TIMEOUT; i++) {
    if (timer_pool[i].h == NULL && timer_pool[i].arg == NULL) {
      return &timer_pool[i];
    }
  }
  return NULL;
}

static void timer_put(struct sys_timeo *timeout)
{
  timeout->h = NULL;
  timeout->arg = NULL;
}
'''),
    ('src/core/timeouts.c', 'the same',
     '  timeout = (struct sys_timeo *)memp_malloc(MEMP_SYS_TIMEOUT);',
     '  timeout = timer_get();'),
    ('src/core/timeouts.c', 'the same',
     'memp_free(MEMP_SYS_TIMEOUT, tmptimeout);', 'timer_put(tmptimeout);'),
    ('src/core/timeouts.c', 'the same',
     'memp_free(MEMP_SYS_TIMEOUT, t);', 'timer_put(t);'),
    ('src/core/ipv4/ip4.c', 'all of 127.0.0.0/8 is this machine',
     '''        ip4_addr_isbroadcast(ip4_current_dest_addr(), netif)
#if LWIP_NETIF_LOOPBACK''', '''        ip4_addr_isbroadcast(ip4_current_dest_addr(), netif)
        || (ip4_addr_isloopback(ip4_current_dest_addr()) &&
            ip4_addr_isloopback(netif_ip4_addr(netif)))
#if LWIP_NETIF_LOOPBACK'''),
    ('src/core/ipv4/icmp.c', 'errors reach the sockets (net_icmp.c)',
     '''      if (type == ICMP_DUR) {
        MIB2''', '''      net_icmp4_input(p);
      if (type == ICMP_DUR) {
        MIB2'''),
    ('src/core/ipv6/icmp6.c', 'the same',
     '#include "lwip/icmp6.h"\n', '#include "lwip/icmp6.h"\n#include LWIP_HOOK_FILENAME\n'),
    ('src/core/ipv6/icmp6.c', 'the same',
     '''  default:
    ICMP6_STATS_INC(icmp6.proterr);''', '''  default:
    net_icmp6_input(p);
    ICMP6_STATS_INC(icmp6.proterr);'''),
    ('src/core/ipv6/nd6.c', 'a missing neighbour of IPv6 is told, too',
     '''    case ND6_INCOMPLETE:
      if ((neighbor_cache[i].counter.probes_sent >= LWIP_ND6_MAX_MULTICAST_SOLICIT) &&
          (!neighbor_cache[i].isrouter)) {
''', '''    case ND6_INCOMPLETE:
      if ((neighbor_cache[i].counter.probes_sent >= LWIP_ND6_MAX_MULTICAST_SOLICIT) &&
          (!neighbor_cache[i].isrouter)) {
        net_nd6_failed(neighbor_cache[i].netif, &neighbor_cache[i].next_hop_address);
'''),
    ('src/core/ipv4/dhcp.c', 'leases by the second, and values that can be (net_lease.c)',
     '''  netif_set_addr(netif, &dhcp->offered_ip_addr, &sn_mask, &gw_addr);
''', '''  net_lease_bound(netif, &gw_addr);
  netif_set_addr(netif, &dhcp->offered_ip_addr, &sn_mask, &gw_addr);
'''),
    ('src/core/ipv4/dhcp.c', 'the same',
     '''  /* message type is DHCP ACK? */
''', '''  if (!net_lease_agreeable(netif, p, msg_type)) {
    goto free_pbuf_and_return;
  }
  /* message type is DHCP ACK? */
'''),
    ('src/core/ipv4/dhcp.c', 'routes, the MTU and time servers are asked for as well',
     '''static u8_t dhcp_discover_request_options[] = {
''', '''static u8_t dhcp_discover_request_options[] = {
  121, 26, 42,
'''),
    ('src/core/ipv4/dhcp.c', 'below an MTU of 576 messages come in fragments',
     '#define DHCP_MAX_MSG_LEN(netif)        (netif->mtu)',
     '#define DHCP_MAX_MSG_LEN(netif)        LWIP_MAX(netif->mtu, 576)'),
    ('src/core/ipv4/dhcp.c', 'the same',
     'if (netif->mtu < DHCP_MAX_MSG_LEN_MIN_REQUIRED) {', 'if (netif->mtu < 68) {'),
    ('src/core/ipv4/ip4_frag.c', 'the last fragment is the one that takes the rest',
     'last = (left <= netif->mtu - IP_HLEN);', 'last = (left <= fragsize);'),
    ('src/core/ipv4/icmp.c', 'errors are limited (net_icmp.c)',
     '''  /* Keep IP header + up to 8 bytes */
''', '''  if (!net_icmp_allowed()) {
    return;
  }
  /* Keep IP header + up to 8 bytes */
'''),
    ('src/core/ipv6/icmp6.c', 'the same',
     '''  /* ICMPv6 header + datalen (as much of the offending packet as possible) */
''', '''  if (!net_icmp_allowed()) {
    return;
  }
  /* ICMPv6 header + datalen (as much of the offending packet as possible) */
'''),
    ('src/core/ipv6/nd6.c', 'a solicitation without a link-layer address is answered',
     '''      if (p->len < (sizeof(struct ns_header) + (lladdr_opt->length << 3))) {
''', '''      if (p->len < (sizeof(struct ns_header) + (lladdr_opt->length << 3)) ||
          lladdr_opt->type != ND6_OPTION_TYPE_SOURCE_LLADDR) {
'''),
    ('src/core/ipv6/nd6.c', 'the same',
     '''        /* Not a valid message. */
        pbuf_free(p);
        ND6_STATS_INC(nd6.proterr);
        ND6_STATS_INC(nd6.drop);
        return;
      }

      i = nd6_find_neighbor_cache_entry(ip6_current_src_addr());
''', '''        /* its address is asked for before the answer goes out */
        nd6_send_na(inp, &target_address, ND6_FLAG_SOLICITED | ND6_FLAG_OVERRIDE);
        pbuf_free(p);
        return;
      }

      i = nd6_find_neighbor_cache_entry(ip6_current_src_addr());
'''),
    ('src/core/ipv6/nd6.c', 'a prefix has temporary addresses beside its own (net_privacy.c)',
     '''&& !netif_ip6_addr_isstatic(netif, i) &&
        ip6_addr_net_eq''', '''&& !netif_ip6_addr_isstatic(netif, i) &&
        !net_privacy_temporary(netif, i) && ip6_addr_net_eq'''),
    ('src/core/ipv6/ip6.c', 'connections begin from them (RFC 6724, section 5, rule 7)',
     '''    cand_pref = ip6_addr_ispreferred(netif_ip6_addr_state(netif, i));
''', '''    cand_pref = ip6_addr_ispreferred(netif_ip6_addr_state(netif, i));
    cand_pref = (u8_t)(cand_pref << 1 | net_privacy_temporary(netif, i));
'''),
    ('src/core/ipv4/ip4.c', 'identifiers of packets cannot be guessed (net_random.c)',
     'IPH_ID_SET(iphdr, lwip_htons(ip_id));',
     'IPH_ID_SET(iphdr, net_ip4_id(IPH_OFFSET(iphdr)));'),
    ('src/core/ipv4/ip4.c', 'the same', '    ++ip_id;\n', ''),
    ('src/core/ipv4/ip4.c', 'the same', 'static u16_t ip_id;\n', ''),
    ('src/core/ipv6/ip6_frag.c', 'the same',
     '  static u32_t identification;\n', '  u32_t identification = net_random32();\n'),
    ('src/core/ipv6/ip6_frag.c', 'the same', '  identification++;\n', ''),
    ('src/core/netif.c', 'packets to the image itself are told when they are queued',
     '#include "lwip/netif.h"\n', '#include "lwip/netif.h"\n#include LWIP_HOOK_FILENAME\n'),
    ('src/core/netif.c', 'the same',
     '''    netif->loop_first = r;
    netif->loop_last = last;
''', '''    netif->loop_first = r;
    netif->loop_last = last;
    net_loop_queued();
'''),
    ('src/core/ipv4/dhcp.c', 'name servers are those of a card (net_names.c)',
     '    dns_setserver(n, &dns_addr);', '    net_names_set(netif, n, &dns_addr);'),
    ('src/core/ipv6/nd6.c', 'the same',
     '              dns_setserver(rdnss_server_idx++, &rdnss_address);',
     '              net_names_set(inp, rdnss_server_idx++, &rdnss_address);'),
]
