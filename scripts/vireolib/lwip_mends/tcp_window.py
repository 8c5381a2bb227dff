# SPDX-License-Identifier: BSD-2-Clause
"""Mends of TCP's windows and send buffers, which grow (net/lwip/tcp_window.c)."""

# Vireo's limits in place of constants.
ALWAYS = [
    ('src/include/lwip/tcp.h', 'room for sizes that an application has set on a listener',
     '''/** the TCP protocol control block for listening pcbs */
''', '''#include "tcp_window.h"
/** the TCP protocol control block for listening pcbs */
'''),
    ('src/include/lwip/tcp.h', 'the same',
     '''  /* Function to call when a listener has been connected. */
''', '''  struct tcp_fixed fixed;
  /* Function to call when a listener has been connected. */
'''),
    ('src/core/tcp.c', 'the same',
     '''  lpcb->netif_idx = pcb->netif_idx;
''', '''  lpcb->netif_idx = pcb->netif_idx;
  lpcb->fixed = pcb->net.win.fixed;
'''),
    ('src/core/tcp_in.c', 'the window of a connection that is accepted',
     '''    npcb->callback_arg = pcb->callback_arg;
''', '''    tcp_window_open(npcb, &pcb->fixed);
    npcb->callback_arg = pcb->callback_arg;
'''),
    ('src/core/tcp.c', 'the window of a connection that is begun',
     '''  pcb->snd_wnd = TCP_WND;
''', '''  tcp_window_open(pcb, &pcb->net.win.fixed);
  pcb->snd_wnd = TCP_WND;
'''),
    ('src/include/lwip/tcp.h', "the limit of a connection's window",
     '(((pcb)->flags & TF_WND_SCALE) ? TCP_WND : TCPWND16(TCP_WND))', '(pcb)->net.win.receive'),
    ('src/core/tcp_in.c', 'the same',
     'LWIP_ASSERT("window not at default value", pcb->rcv_wnd == TCPWND_MIN16(TCP_WND));', ''),
    ('src/core/tcp_in.c', 'the same',
     'LWIP_ASSERT("window not at default value", pcb->rcv_ann_wnd == TCPWND_MIN16(TCP_WND));', ''),
    ('src/core/tcp_in.c', 'the same',
     'pcb->rcv_wnd = pcb->rcv_ann_wnd = TCP_WND;', 'tcp_window_scaled(pcb);'),
]

MENDS = [
    ('src/core/tcp.c', 'a window grows when its application reads as fast as the peer sends',
     '''  wnd_inflation = tcp_update_rcv_ann_wnd(pcb);
''', '''  tcp_window_read(pcb, len);
  wnd_inflation = tcp_update_rcv_ann_wnd(pcb);
'''),
    ('src/core/tcp.c', 'the edge of a scaled window does not move back',
     '''  LWIP_ASSERT("tcp_update_rcv_ann_wnd: invalid pcb", pcb != NULL);
''', '''  LWIP_ASSERT("tcp_update_rcv_ann_wnd: invalid pcb", pcb != NULL);
  return tcp_window_announce(pcb);
'''),
    ('src/core/tcp.c', 'a window is told in a segment of its own only where the peer may need it',
     'if (wnd_inflation >= TCP_WND_UPDATE_THRESHOLD) {',
     'if (tcp_window_tell(pcb, wnd_inflation)) {'),
    ('src/core/tcp_in.c', 'a send buffer grows with the congestion window',
     '''      pcb->snd_buf = (tcpwnd_size_t)(pcb->snd_buf + recv_acked);
''', '''      pcb->snd_buf = (tcpwnd_size_t)(pcb->snd_buf + recv_acked);
      tcp_window_acked(pcb);
'''),
    ('src/core/tcp_out.c', 'a queue of tiny writes has a limit of its own',
     'if (pcb->snd_queuelen >= LWIP_MIN(TCP_SND_QUEUELEN, (TCP_SNDQUEUELEN_OVERFLOW + 1))) {',
     'if (tcp_window_queue_full(pcb)) {'),
]
