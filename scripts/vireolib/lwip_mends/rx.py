# SPDX-License-Identifier: BSD-2-Clause
"""Packets that the port has judged before lwIP sees them (net/lwip/net_input.c)."""

ALWAYS = [
    ('src/core/raw.c', 'the port asks whether there are raw sockets',
     'static struct raw_pcb *raw_pcbs;', 'struct raw_pcb *raw_pcbs;'),
    ('src/core/udp.c', 'what the port knows of a packet',
     '#include "lwip/udp.h"\n', '#include "lwip/udp.h"\n#include LWIP_HOOK_FILENAME\n'),
]

MENDS = [
    ('src/core/tcp_in.c', 'sums that were checked before are not checked again',
     '  IF__NETIF_CHECKSUM_ENABLED(inp, NETIF_CHECKSUM_CHECK_TCP) {',
     '  if (!net_arriving.summed) {'),
    ('src/core/udp.c', 'the same',
     '    IF__NETIF_CHECKSUM_ENABLED(inp, NETIF_CHECKSUM_CHECK_UDP) {',
     '    if (!net_arriving.summed) {'),
    ('src/core/tcp_in.c', 'the same',
     '  if (ip_addr_isbroadcast(ip_current_dest_addr(), ip_current_netif()) ||',
     '  if ((!net_arriving.ours && ip_addr_isbroadcast(ip_current_dest_addr(), '
     'ip_current_netif())) ||'),
    ('src/core/udp.c', 'the same',
     'broadcast = ip_addr_isbroadcast(', 'broadcast = !net_arriving.ours && ip_addr_isbroadcast('),
    ('src/core/tcp_in.c', 'data begins in the first pbuf that applications see',
     '          recv_data = inseg.p;\n', '          recv_data = net_payload(inseg.p);\n'),
    ('src/core/udp.c', 'the same',
     """      MIB2_STATS_INC(mib2.udpindatagrams);
""", """      MIB2_STATS_INC(mib2.udpindatagrams);
      p = net_payload(p);
"""),
    ('src/core/udp.c', 'an ICMP error quotes a sum that is whole',
     """        /* move payload pointer back to ip header */
""", """        net_icmp_quotes_udp(p);
        /* move payload pointer back to ip header */
"""),
]
