# SPDX-License-Identifier: BSD-2-Clause
"""Mends of TCP against segments that do not fit, and floods (net/lwip/tcp_guard.c)."""

ALWAYS = [
    ('src/include/lwip/tcp.h', 'room in each listener',
     '''/** the TCP protocol control block for listening pcbs */
''', '''#include "tcp_half_open.h"
/** the TCP protocol control block for listening pcbs */
'''),
    ('src/include/lwip/tcp.h', 'the same',
     '''  u8_t accepts_pending;
''', '''  u8_t accepts_pending;
  struct net_tcp_listen net;
'''),
    ('src/core/tcp.c', 'the same',
     '''  lpcb->accepts_pending = 0;
''', '''  lpcb->accepts_pending = 0;
  lpcb->net = (struct net_tcp_listen){0};
'''),
]

MENDS = [
    ('src/core/tcp_in.c', 'an acknowledgement at the edge of the window is not answered',
     'if (!TCP_SEQ_BETWEEN(seqno, pcb->rcv_nxt, pcb->rcv_nxt + pcb->rcv_wnd - 1)) {',
     'if (!TCP_SEQ_BETWEEN(seqno, pcb->rcv_nxt, pcb->rcv_nxt + pcb->rcv_wnd)) {'),
    ('src/core/tcp_in.c', 'both ends may open a connection at once',
     '''      /* received ACK? possibly a half-open connection */
      else if (flags & TCP_ACK) {
''', '''      else if (!(flags & TCP_ACK)) {
        net_tcp_meet(pcb, tcphdr);
      }
      /* received ACK? possibly a half-open connection */
      else if (flags & TCP_ACK) {
'''),
    ('src/core/tcp_in.c', 'the same',
     '''      if (flags & TCP_SYN) {
        if (seqno == pcb->rcv_nxt - 1) {
''', '''      if ((flags & TCP_SYN) && !((flags & TCP_ACK) && net_tcp_met(pcb, ackno))) {
        if (seqno == pcb->rcv_nxt - 1) {
'''),
    ('src/core/tcp_in.c', 'the same',
     '''          if (pcb->listener == NULL) {
            /* listen pcb might be closed by now */
''', '''          if (net_tcp_met(pcb, ackno)) {
            TCP_EVENT_CONNECTED(pcb, ERR_OK, err);
          } else if (pcb->listener == NULL) {
            /* listen pcb might be closed by now */
'''),
    ('src/core/tcp_in.c', 'resets of strangers are limited',
     'if (!(TCPH_FLAGS(tcphdr) & TCP_RST)) {',
     'if (!(TCPH_FLAGS(tcphdr) & TCP_RST) && net_tcp_may_reset()) {'),
]
