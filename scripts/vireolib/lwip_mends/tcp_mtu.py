# SPDX-License-Identifier: BSD-2-Clause
"""Segments that fit the path: net/lwip/tcp_mtu.c, and net_path_mtu.c for all of IP."""

MENDS = [
    ('src/core/ipv4/ip4.c', 'segments of IPv4 are not cut on their way',
     '    IPH_OFFSET_SET(iphdr, 0);\n',
     '    IPH_OFFSET_SET(iphdr, net_ip4_flags(p, proto, dest));\n'),
    ('src/core/ipv4/ip4.c', 'the same',
     '    chk_sum += iphdr->_id;\n', '    chk_sum += iphdr->_id + IPH_OFFSET(iphdr);\n'),
    ('src/core/tcp_in.c', 'the size of segments is by peer, path and application',
     ' pcb->mss = tcp_eff_send_mss(pcb->mss, &pcb->local_ip, &pcb->remote_ip);',
     ' tcp_mtu_begin(pcb);'),
    ('src/core/tcp_in.c', 'the same',
     'npcb->mss = tcp_eff_send_mss(npcb->mss, &npcb->local_ip, &npcb->remote_ip);',
     'tcp_mtu_begin(npcb);'),
    ('src/core/tcp_out.c', 'the same',
     'mss = tcp_eff_send_mss_netif(TCP_MSS, netif, &pcb->remote_ip);',
     'mss = tcp_mtu_offer(pcb, netif);'),
    ('src/core/tcp_in.c', 'the peer names its largest segment in a SYN alone',
     'pcb->mss = ((mss > TCP_MSS) || (mss == 0)) ? TCP_MSS : mss;',
     'if (flags & TCP_SYN) pcb->mss = ((mss > TCP_MSS) || (mss == 0)) ? TCP_MSS : mss;'),
    ('src/core/ipv6/nd6.c', 'a "too big" of IPv6 is believed about packets that were sent',
     '''    u32_t pmtu;
    ip6_addr_t destination_address;
''', '''    u32_t pmtu;
    ip6_addr_t destination_address;

    net_icmp6_input(p);
'''),
    ('src/core/ipv6/ip6.c', 'the same',
     '(p->tot_len > nd6_get_destination_mtu(dest, netif))',
     '(p->tot_len > net_path_ip6_mtu(p, netif, dest))'),
    ('src/core/ipv6/ip6_frag.c', 'the same',
     '#include "lwip/ip6_frag.h"\n', '#include "lwip/ip6_frag.h"\n#include LWIP_HOOK_FILENAME\n'),
    ('src/core/ipv6/ip6_frag.c', 'the same',
     'const u16_t mtu = nd6_get_destination_mtu(dest, netif);',
     'const u16_t mtu = net_path_ip6_mtu(p, netif, dest);'),
    ('src/core/ipv6/nd6.c', 'a router may raise the MTU of a link again',
     'inp->mtu6 = LWIP_MIN(LWIP_MIN(inp->mtu, inp->mtu6), (u16_t)mtu32);',
     'net_path_ip6_link(inp, (u16_t)mtu32);'),
]
