# SPDX-License-Identifier: BSD-2-Clause
"""Mends of TCP's way to the card (net/lwip/net_way.c)."""

MENDS = [
    ('src/core/tcp_out.c', 'a segment that goes where one went before takes the headers of that'
     ' one',
     '#include "tcp_queue.h"\n', '#include "net_way.h"\n#include "tcp_queue.h"\n'),
    ('src/core/tcp_out.c', 'the same',
     '''  err = ip_output_if(seg->p, &pcb->local_ip, &pcb->remote_ip, pcb->ttl,
                     pcb->tos, IP_PROTO_TCP, netif);
''', '''  err = net_way_tcp(seg->p, &pcb->local_ip, &pcb->remote_ip, pcb->ttl, pcb->tos, netif);
'''),
    ('src/core/tcp_out.c', 'the same',
     '  err = ip_output_if(p, src, dst, ttl, tos, IP_PROTO_TCP, netif);\n',
     '  err = net_way_tcp(p, src, dst, ttl, tos, netif);\n'),
    ('src/core/tcp_out.c', 'the same',
     '''  if (tcp_input_pcb == pcb) {
    return ERR_OK;
  }
''', '''  if (tcp_input_pcb == pcb) {
    return ERR_OK;
  }
  if (pcb->unsent != NULL && pcb->unacked == NULL && tcp_fast_output(pcb, &err)) {
    return err;
  }
'''),
    ('src/core/tcp_out.c', 'the same',
     '''  LWIP_ASSERT("tcp_send_empty_ack: invalid pcb", pcb != NULL);
''', '''  LWIP_ASSERT("tcp_send_empty_ack: invalid pcb", pcb != NULL);

  if (tcp_fast_ack(pcb, &err)) {
    return err;
  }
'''),
]
