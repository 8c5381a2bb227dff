# SPDX-License-Identifier: BSD-2-Clause
"""Mends of the way of datagrams that programs send by callbacks (net/lwip/net_flow_pcb.c)."""

MENDS = [
    ('src/core/udp.c', 'a datagram that goes where one went before takes the headers of that one',
     '#include "lwip/dhcp.h"\n', '#include "lwip/dhcp.h"\n#include "net_flow_pcb.h"\n'),
    ('src/core/udp.c', 'the same',
     '''  LWIP_DEBUGF(UDP_DEBUG | LWIP_DBG_TRACE, ("udp_send\\n"));

  if (pcb->netif_idx != NETIF_NO_INDEX) {
''', '''  err_t err;

  LWIP_DEBUGF(UDP_DEBUG | LWIP_DBG_TRACE, ("udp_send\\n"));
  if (net_flow_pcb_send(pcb, p, dst_ip, dst_port, &err)) {
    return err;
  }

  if (pcb->netif_idx != NETIF_NO_INDEX) {
'''),
    ('src/core/udp.c', 'the same',
     '''  return udp_sendto_if(pcb, p, dst_ip, dst_port, netif);
''', '''  return net_flow_pcb_sent(pcb, dst_ip, dst_port, netif,
                           udp_sendto_if(pcb, p, dst_ip, dst_port, netif));
'''),
]
