# SPDX-License-Identifier: BSD-2-Clause
"""Mends of TCP's queues: what is received out of order, and what is sent."""

# What tcp_queue.c calls.
ALWAYS = [
    ('src/core/tcp_out.c', 'segments are made by tcp_queue.c',
     '#include "lwip/priv/tcp_priv.h"\n',
     '#include "lwip/priv/tcp_priv.h"\n#include "tcp_queue.h"\n'),
    ('src/core/tcp_out.c', 'the same',
     'static struct tcp_seg *\ntcp_create_segment(', 'struct tcp_seg *\ntcp_create_segment('),
    ('src/core/tcp_out.c', 'the same',
     'static err_t\ntcp_write_checks(', 'err_t\ntcp_write_checks('),
]

MENDS = [
    ('src/core/tcp_in.c', 'data beyond the window is not kept: in its turn, rcv_wnd would wrap',
     '''        if (pcb->ooseq == NULL) {
          pcb->ooseq = tcp_seg_copy(&inseg);
''', '''        if (TCP_SEQ_GT(seqno + tcplen, pcb->rcv_nxt + pcb->rcv_wnd)) {
          /* for its sender to repeat */
        } else if (pcb->ooseq == NULL) {
          pcb->ooseq = tcp_seg_copy(&inseg);
'''),
    ('src/core/tcp_in.c', 'a FIN is no data that the application has not read: a close within the'
     ' callback of the data before it would reset the connection',
     '''        while (recv_data != NULL) {
          struct pbuf *rest = NULL;
''', '''        pcb->rcv_wnd += (recv_flags & TF_GOT_FIN) && pcb->rcv_wnd != TCP_WND_MAX(pcb);
        while (recv_data != NULL) {
          struct pbuf *rest = NULL;
'''),
    ('src/core/tcp_in.c', 'the same',
     '''            if (pcb->rcv_wnd != TCP_WND_MAX(pcb)) {
              pcb->rcv_wnd++;
            }
            TCP_EVENT_CLOSED''', '''            TCP_EVENT_CLOSED'''),
    ('src/core/tcp.c', 'the same',
     '''        if (pcb->rcv_wnd != TCP_WND_MAX(pcb)) {
          pcb->rcv_wnd++;
        }
        TCP_EVENT_CLOSED''', '''        TCP_EVENT_CLOSED'''),
    ('src/core/tcp_in.c', 'an application may end its stream when it accepts a connection,'
     " though the peer's FIN came with the first acknowledgement: both FINs are on their way",
     '''            tcp_ack_now(pcb);
            pcb->state = CLOSE_WAIT;
          }
        } else {
''', '''            tcp_ack_now(pcb);
            pcb->state = pcb->state == ESTABLISHED ? CLOSE_WAIT : CLOSING;
          }
        } else {
'''),
    ('src/core/tcp_out.c', 'a segment of a queue stands for many packets (net/lwip/tcp_queue.c)',
     '''  queuelen = pcb->snd_queuelen;

''', '''  return tcp_queue_write(pcb, arg, len, apiflags);

'''),
    ('src/core/tcp_out.c', 'the same',
     '''  seg = pcb->unsent;

  if (seg == NULL) {
''', '''  if (pcb->unsent != NULL && tcp_queue_fit(pcb, wnd) != ERR_OK) {
    tcp_set_flags(pcb, TF_NAGLEMEMERR);
    return ERR_MEM;
  }
  seg = pcb->unsent;

  if (seg == NULL) {
'''),
    ('src/core/tcp_out.c', 'the same',
     '''    seg = pcb->unsent;
  }
#if TCP_OVERSIZE
''', '''    if (pcb->unsent != NULL && tcp_queue_fit(pcb, wnd) != ERR_OK) {
      tcp_set_flags(pcb, TF_NAGLEMEMERR);
      return ERR_MEM;
    }
    seg = pcb->unsent;
  }
#if TCP_OVERSIZE
'''),
    ('src/core/tcp.c', 'the same',
     'if (tcp_split_unsent_seg(pcb, (u16_t)pcb->snd_wnd) == ERR_OK) {',
     'if (tcp_queue_divide(pcb, pcb->unsent, TCPWND_MIN16(pcb->snd_wnd)) == ERR_OK) {'),
    ('src/core/tcp.c', 'the same',
     '#include "lwip/priv/tcp_priv.h"\n',
     '#include "lwip/priv/tcp_priv.h"\n#include "tcp_queue.h"\n'),
    ('src/core/tcp_out.c', 'sums and packets of a segment are made when it is handed down'
     ' (net/lwip/net_tx.c)',
     '''#if CHECKSUM_GEN_TCP
  IF__NETIF_CHECKSUM_ENABLED(netif, NETIF_CHECKSUM_GEN_TCP) {
#if TCP_CHECKSUM_ON_COPY
''', '''  tcp_queue_seal(pcb, seg, netif);
#if 0
  {
#if TCP_CHECKSUM_ON_COPY
'''),
    ('src/core/ipv4/ip4.c', 'the same',
     '''  if (netif->mtu && (p->tot_len > netif->mtu)) {
    return ip4_frag''', '''  if (netif->mtu && (p->tot_len > netif->mtu) && !p->tx_size) {
    return ip4_frag'''),
    ('src/core/ipv6/ip6.c', 'the same',
     'if (netif_mtu6(netif) && (p->tot_len >',
     'if (netif_mtu6(netif) && !p->tx_size && (p->tot_len >'),
    ('src/core/netif.c', 'the same',
     '''  /* Put the packet on a linked list which gets emptied through calling
''', '''  if (p->tx_size) net_tx_complete(r);
  /* Put the packet on a linked list which gets emptied through calling
'''),
    ('src/core/netif.c', 'the same',
     '#include "lwip/snmp.h"\n', '#include "lwip/snmp.h"\n#include "net_tx.h"\n'),
]
