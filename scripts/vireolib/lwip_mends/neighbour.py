# SPDX-License-Identifier: BSD-2-Clause
"""Mends of lwIP's neighbour discovery and routes: its tables are those of net_nd6.c, which grow,
and cards and routers are chosen by net_route.c and net_route6.c."""

ND6 = 'src/core/ipv6/nd6.c'
NETIF = 'src/core/netif.c'
FRAG4, FRAG6 = 'src/core/ipv4/ip4_frag.c', 'src/core/ipv6/ip6_frag.c'
FAIR = 'the sender of most fragments makes room for others (net_reass.c)'
WHY = 'tables of neighbours that grow, and routes of several cards'

ALWAYS = [
    (FRAG4, 'room for fragments is by memory (net_reass.c)',
     '#include "lwip/ip4_frag.h"\n', '#include "lwip/ip4_frag.h"\n#include LWIP_HOOK_FILENAME\n'),
    (FRAG6, 'the same',
     '#include "lwip/ip6_frag.h"\n', '#include "lwip/ip6_frag.h"\n#include LWIP_HOOK_FILENAME\n'),
    ('src/include/lwip/priv/nd6_priv.h', WHY,
     '''extern struct nd6_neighbor_cache_entry neighbor_cache[];
extern struct nd6_destination_cache_entry destination_cache[];
''', '''extern struct nd6_neighbor_cache_entry *neighbor_cache;
extern struct nd6_destination_cache_entry *destination_cache;
'''),
    ('src/include/lwip/priv/nd6_priv.h', 'the same',
     '  u8_t cached_neighbor_idx;', '  u16_t cached_neighbor_idx;'),
    (ND6, 'the same',
     '''struct nd6_neighbor_cache_entry neighbor_cache[LWIP_ND6_NUM_NEIGHBORS];
struct nd6_destination_cache_entry destination_cache[LWIP_ND6_NUM_DESTINATIONS];
''', ''),
    (ND6, 'the same', 'static u8_t nd6_queue_size = 0;', 'static u16_t nd6_queue_size = 0;'),
    (ND6, 'the same',
     '/* Forward declarations. */\n',
     '/* Forward declarations. Numbers of rows have 16 bits. */\n#define s8_t s16_t\n'),
    (ND6, 'the same',
     'nd6_adjust_mld_membership(struct netif *netif, s8_t addr_idx, u8_t new_state)\n{',
     'nd6_adjust_mld_membership(struct netif *netif, int8_t addr_idx, u8_t new_state)\n{'),
    (ND6, 'the same',
     '''nd6_find_neighbor_cache_entry(const ip6_addr_t *ip6addr)
{
  s8_t i;
''', '''nd6_find_neighbor_cache_entry(const ip6_addr_t *ip6addr)
{
  s8_t i;
  return net_nd6_find(ip6addr, ip_current_input_netif());
'''),
    (ND6, 'the same',
     '''        i = nd6_new_neighbor_cache_entry();
        if (i < 0) {
''', '''        i = net_nd6_new(ip6_current_src_addr(), inp, 0);
        if (i < 0) {
'''),
    (ND6, 'the same',
     '''          i = nd6_new_neighbor_cache_entry();
          if (i >= 0) {
''', '''          i = net_nd6_new(&target_address, inp, 0);
          if (i >= 0) {
'''),
    (ND6, 'the same',
     '''    i = nd6_find_neighbor_cache_entry(&dest->next_hop_addr);
    if (i >= 0) {
      /* Found''', '''    i = net_nd6_find(&dest->next_hop_addr, netif);
    if (i >= 0) {
      /* Found'''),
    (ND6, 'the same',
     '''      i = nd6_new_neighbor_cache_entry();
      if (i >= 0) {
        /* got''', '''      i = net_nd6_new(&dest->next_hop_addr, netif, 1);
      if (i >= 0) {
        /* got'''),
    (ND6, 'the same',
     '    neighbor_index = nd6_new_neighbor_cache_entry();',
     '    neighbor_index = net_nd6_new(router_addr, netif, 1);'),
    (ND6, 'the same',
     '''                   &(neighbor_cache[dest->cached_neighbor_idx].next_hop_address))) {
    /* Cache hit. */
''', '''                   &(neighbor_cache[dest->cached_neighbor_idx].next_hop_address)) &&
      neighbor_cache[dest->cached_neighbor_idx].netif == netif) {
    /* Cache hit. */
'''),
    (ND6, 'the same',
     '''  /* Reset this destination's age. */
''', '''  net_nd6_used(dest->cached_neighbor_idx);
  /* Reset this destination's age. */
'''),
    (ND6, 'the same',
     '''      neighbor_cache[i].netif = inp;
      neighbor_cache[i].state = ND6_REACHABLE;
''', '''      neighbor_cache[i].netif = inp;
      if (neighbor_cache[i].state == ND6_INCOMPLETE || neighbor_cache[i].state == ND6_PROBE) {
        net_nd6_known(i);
      }
      neighbor_cache[i].state = ND6_REACHABLE;
'''),
    (ND6, 'the same',
     '''  /* Set reachability state. */
''', '''  net_nd6_known(i);
  /* Set reachability state. */
'''),
    (ND6, 'the same',
     '''  ip6_addr_set_zero(&(neighbor_cache[i].next_hop_address));
}
''', '''  ip6_addr_set_zero(&(neighbor_cache[i].next_hop_address));
  net_nd6_freed(i);
}

bool net_nd6_release(unsigned i)
{
  nd6_free_neighbor_cache_entry((s16_t)i);
  return neighbor_cache[i].state == ND6_NO_ENTRY;
}
'''),
    (ND6, 'the same',
     '''nd6_find_destination_cache_entry(const ip6_addr_t *ip6addr)
{
  s16_t i;
''', '''nd6_find_destination_cache_entry(const ip6_addr_t *ip6addr)
{
  s16_t i;
  return net_nd6_destination(ip6addr, ip_current_input_netif());
'''),
    (ND6, 'the same',
     '  LWIP_ASSERT("sane cache index", nd6_cached_destination_index < '
     'LWIP_ND6_NUM_DESTINATIONS);\n', ''),
    (ND6, 'the same',
     '''  if (ip6_addr_eq(ip6addr, &dest->destination_addr)) {
''', '''  if (net_nd6_is_destination(nd6_cached_destination_index, ip6addr, netif)) {
'''),
    (ND6, 'the same',
     '''    dst_idx = nd6_find_destination_cache_entry(ip6addr);
    if (dst_idx >= 0) {
      /* found''', '''    dst_idx = net_nd6_destination(ip6addr, netif);
    if (dst_idx >= 0) {
      /* found'''),
    (ND6, 'the same',
     '      dst_idx = nd6_new_destination_cache_entry();',
     '      dst_idx = net_nd6_new_destination(ip6addr, netif);'),
    (ND6, 'the same',
     '''          /* No router found. */
          ip6_addr_set_any(&dest->destination_addr);
''', '''          /* No router found. */
          net_nd6_no_destination((unsigned)dst_idx);
'''),
    (ND6, 'the same',
     '''  i = nd6_find_destination_cache_entry(ip6addr);
  if (i >= 0) {
    if (dest''', '''  i = net_nd6_destination(ip6addr, netif);
  if (i >= 0) {
    if (dest'''),
    (ND6, 'the same',
     'ip6_addr_eq(ip6addr, &(destination_cache[nd6_cached_destination_index].destination_addr))',
     'net_nd6_is_destination(nd6_cached_destination_index, ip6addr, ip_current_input_netif())'),
    (ND6, 'the same',
     '''  for (i = 0; i < LWIP_ND6_NUM_DESTINATIONS; i++) {
    ip6_addr_set_any(&destination_cache[i].destination_addr);
  }
''', '''  net_nd6_forget_destinations(NULL);
  (void)i;
'''),
    (ND6, 'the same',
     '''  for (i = 0; i < LWIP_ND6_NUM_DESTINATIONS; i++) {
    destination_cache[i].age++;
  }
''', '''  net_nd6_second();
'''),
    (ND6, 'the same',
     '''        s8_t j;
        for (j = 0; j < LWIP_ND6_NUM_DESTINATIONS; j++) {
          if (ip6_addr_eq(&destination_cache[j].next_hop_addr,
               &default_router_list[i].neighbor_entry->next_hop_address)) {
             ip6_addr_set_any(&destination_cache[j].destination_addr);
          }
        }
        default_router_list[i].neighbor_entry->isrouter = 0;
''', '''        net_route_changed();
        default_router_list[i].neighbor_entry->isrouter = 0;
'''),
    (ND6, 'the same',
     '''        prefix_list[i].invalidation_timer = 0;
        prefix_list[i].netif = NULL;
''', '''        prefix_list[i].invalidation_timer = 0;
        prefix_list[i].netif = NULL;
        net_route_changed();
'''),
    (ND6, 'the same',
     '''  u8_t i;
  s8_t router_index;
  for''', '''  s16_t i;
  s8_t router_index;
  for'''),
    (ND6, 'the same',
     '  static s8_t last_router;\n',
     '  static s8_t last_router;\n  return (s16_t)net_nd6_router(netif);\n'),
    (ND6, 'the same',
     '    /* Re-set invalidation timer. */\n',
     '    net_route_changed();\n    /* Re-set invalidation timer. */\n'),
    (ND6, 'the same',
     '''  /* Check to see if the address matches an on-link prefix. */
''', '''  return net_route6_on_link(netif, ip6addr);
  /* Check to see if the address matches an on-link prefix. */
'''),
    ('src/core/ipv4/ip4.c', 'the same',
     '''    struct netif *netif = LWIP_HOOK_IP4_ROUTE_SRC(src, dest);
    if (netif != NULL) {
      return netif;
    }
''', '''    return LWIP_HOOK_IP4_ROUTE_SRC(src, dest);
'''),
    ('src/core/ipv4/ip4.c', 'the same',
     '''#if LWIP_MULTICAST_TX_OPTIONS
  /* Use administratively selected interface for multicast by default */
''', '''  return LWIP_HOOK_IP4_ROUTE_SRC(NULL, dest);
#if LWIP_MULTICAST_TX_OPTIONS
  /* Use administratively selected interface for multicast by default */
'''),
    *((NETIF, 'the same', text, text + ' net_route_changed();') for text in (
        'netif_set_flags(netif, NETIF_FLAG_UP);', 'netif_clear_flags(netif, NETIF_FLAG_UP);',
        'netif_set_flags(netif, NETIF_FLAG_LINK_UP);',
        'netif_clear_flags(netif, NETIF_FLAG_LINK_UP);',
        'ip4_addr_set(ip_2_ip4(&netif->netmask), netmask);',
        'ip4_addr_set(ip_2_ip4(&netif->gw), gw);',
        'ip4_addr_set(ip_2_ip4(&netif->ip_addr), ipaddr);', 'netif_list = netif;',
        'ip_addr_copy(netif->ip6_addr[addr_idx], new_ipaddr);',
        'netif->ip6_addr_state[addr_idx] = state;')),
    (NETIF, 'the same', '#include "lwip/netif.h"\n',
     '#include "lwip/netif.h"\nvoid net_route_changed(void);\n'),
    ('src/core/ipv6/ip6.c', 'the same',
     '''  netif = LWIP_HOOK_IP6_ROUTE(src, dest);
''', '''  return LWIP_HOOK_IP6_ROUTE(src, dest);
'''),
]

MENDS = [
    (ND6, 'no neighbour of IPv6 has more than its share of the packets that wait',
     'nd6_queue_size < MEMP_NUM_ND6_QUEUE) {',
     '''nd6_queue_size < MEMP_NUM_ND6_QUEUE &&
        net_nd6_may_wait(neighbor_cache[neighbor_index].q)) {'''),
    (ND6, 'a router that does not answer any more is left for another (RFC 4861, 6.3.6)',
     '''        /* Send a NS for this entry. */
        neighbor_cache[i].counter.probes_sent++;
        nd6_send_neighbor_cache_probe(&neighbor_cache[i], 0);
''', '''        /* Send a NS for this entry. */
        neighbor_cache[i].counter.probes_sent++;
        if (neighbor_cache[i].counter.probes_sent == LWIP_ND6_MAX_MULTICAST_SOLICIT) {
          net_route_changed();
        }
        nd6_send_neighbor_cache_probe(&neighbor_cache[i], 0);
'''),
    (FRAG4, FAIR,
     '''        } else if (r->timer <= oldest->timer) {
''', '''        } else if (net_reass_goes_first(&r->iphdr.src, r->timer, &oldest->iphdr.src,
                                        oldest->timer, 4)) {
'''),
    (FRAG4, 'the same',
     '  ip_reass_pbufcount = (u16_t)(ip_reass_pbufcount + clen);\n',
     '''  ip_reass_pbufcount = (u16_t)(ip_reass_pbufcount + clen);
  net_reass_count(&ipr->iphdr.src, 4, clen);
'''),
    (FRAG4, 'the same',
     '''  /* Then, unchain the struct ip_reassdata from the list and free it. */
''', '''  net_reass_count(&ipr->iphdr.src, 4, -pbufs_freed);
  /* Then, unchain the struct ip_reassdata from the list and free it. */
'''),
    (FRAG4, 'the same',
     '''    /* release the sources allocate for the fragment queue entry */
    ip''', '''    net_reass_count(&ipr->iphdr.src, 4, -pbuf_clen(p));
    /* release the sources allocate for the fragment queue entry */
    ip'''),
    (FRAG6, 'the same',
     '''        if (r->timer <= oldest->timer) {
''', '''        if (oldest == ipr ||
            net_reass_goes_first(&IPV6_FRAG_SRC(r), r->timer, &IPV6_FRAG_SRC(oldest),
                                 oldest->timer, 16)) {
'''),
    (FRAG6, 'the same',
     '  ip6_reass_pbufcount = (u16_t)(ip6_reass_pbufcount + clen);\n',
     '''  ip6_reass_pbufcount = (u16_t)(ip6_reass_pbufcount + clen);
  net_reass_count(&IPV6_FRAG_SRC(ipr), 16, clen);
'''),
    (FRAG6, 'the same',
     '''  /* Then, unchain the struct ip6_reassdata from the list and free it. */
''', '''  net_reass_count(&IPV6_FRAG_SRC(ipr), 16, -pbufs_freed);
  /* Then, unchain the struct ip6_reassdata from the list and free it. */
'''),
    (FRAG6, 'the same',
     '''    memp_free(MEMP_IP6_REASSDATA, ipr);

    /* adjust''', '''    net_reass_count(&IPV6_FRAG_SRC(ipr), 16, -pbuf_clen(p));
    memp_free(MEMP_IP6_REASSDATA, ipr);

    /* adjust'''),
]
