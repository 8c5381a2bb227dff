# SPDX-License-Identifier: BSD-2-Clause
"""Loss recovery and congestion control of Vireo's own (net/lwip/tcp_recovery.h) in TCP."""

# What tcp_resend.c calls.
ALWAYS = [
    ('src/core/tcp_out.c', 'segments are sent again by tcp_resend.c',
     '/* Forward declarations.*/\nstatic err_t', '/* Forward declarations.*/\nerr_t'),
    ('src/core/tcp_out.c', 'the same',
     'static err_t\ntcp_output_segment(', 'err_t\ntcp_output_segment('),
    ('src/core/tcp_out.c', 'the same',
     'static struct netif *\ntcp_route(', 'struct netif *\ntcp_route('),
]

MENDS = [
    # The queue of unsent data has an end of its own.
    ('src/core/tcp_out.c', 'nothing walks a queue to find its end',
     '''    for (last_unsent = pcb->unsent; last_unsent->next != NULL;
         last_unsent = last_unsent->next);

    if (''', '''    last_unsent = pcb->net.unsent_last;

    if ('''),
    ('src/core/tcp_out.c', 'the same',
     '''    struct tcp_seg *useg;
    for (useg = pcb->unsent; useg->next != NULL; useg = useg->next);
    useg->next = seg;
  }
''', '''    pcb->net.unsent_last->next = seg;
  }
  pcb->net.unsent_last = seg;
'''),
    ('src/core/tcp_out.c', 'the same',
     '''  useg = pcb->unacked;
  if (useg != NULL) {
    for (; useg->next != NULL; useg = useg->next);
  }
''', '''  useg = pcb->unacked != NULL ? pcb->net.unacked_last : NULL;
'''),
    ('src/core/tcp.c', 'losses are found and repaired by net/lwip/tcp_recovery.c',
     '''    pcb->ssthresh = TCP_SND_BUF;
''', '''    pcb->ssthresh = TCP_SND_BUF;
    net_tcp_init(pcb);
'''),
    ('src/core/tcp.c', 'the same',
     '''  LWIP_ASSERT("tcp_free: LISTEN", pcb->state != LISTEN);
''', '''  LWIP_ASSERT("tcp_free: LISTEN", pcb->state != LISTEN);
  net_tcp_end(pcb);
'''),
    ('src/core/tcp.c', 'the same',
     '''    pcb->rtime = -1;

    tcp_segs_free''', '''    net_tcp_purge(pcb);

    tcp_segs_free'''),
    ('src/core/tcp.c', 'the same',
     'if (pcb->rtime >= pcb->rto) {', 'if (0) {'),
    ('src/core/tcp_out.c', 'the same',
     'wnd = LWIP_MIN(pcb->snd_wnd, pcb->cwnd);', 'wnd = net_tcp_window(pcb);'),
    ('src/core/tcp_out.c', 'the same',
     '''    if (TCP_TCPLEN(seg) > 0) {
      seg->next = NULL;
''', '''    if (TCP_TCPLEN(seg) > 0) {
      net_tcp_sent(pcb, seg);
      seg->next = NULL;
'''),
    ('src/core/tcp_out.c', 'the same',
     '''  if (pcb->rtime < 0) {
    pcb->rtime = 0;
  }

  if (pcb->rttest == 0) {
    pcb->rttest = tcp_ticks;
    pcb->rtseq''', '''  if (0) {
    pcb->rtseq'''),
    ('src/core/tcp_in.c', 'the same',
     '''        pcb->cwnd = LWIP_TCP_CALC_INITIAL_CWND(pcb->mss);
        LWIP_DEBUGF(TCP_CWND_DEBUG, ("tcp_process (SENT)''',
     '''        net_tcp_established(pcb);
        LWIP_DEBUGF(TCP_CWND_DEBUG, ("tcp_process (SENT)'''),
    ('src/core/tcp_in.c', 'the same',
     '''          pcb->state = ESTABLISHED;
          LWIP_DEBUGF''', '''          pcb->state = ESTABLISHED;
          net_tcp_established(pcb);
          LWIP_DEBUGF'''),
    ('src/core/tcp_in.c', 'the same',
     '''          pcb->rtime = 0;
          tcp_rexmit_rto(pcb);''', '''          net_tcp_resend_syn(pcb);'''),
    ('src/core/tcp_in.c', 'the same',
     '''          tcp_rexmit(pcb);''', '''          net_tcp_resend_syn(pcb);'''),
    ('src/core/tcp_in.c', 'the same',
     '''          if (pcb->rtime >= 0) {
            /* Clause 5 */''', '''          if (pcb->lastack == ackno) {
            net_tcp_dup_ack(pcb);
          }
          if (0) {
            /* Clause 5 */'''),
    ('src/core/tcp_in.c', 'the same',
     '''      if (pcb->state >= ESTABLISHED) {
        if (pcb->cwnd < pcb->ssthresh) {''', '''      if (0) {
        if (pcb->cwnd < pcb->ssthresh) {'''),
    ('src/core/tcp_in.c', 'the same',
     '''      pcb->unacked = tcp_free_acked_segments(''', '''      recv_acked = net_tcp_acked(pcb);
      pcb->unacked = tcp_free_acked_segments('''),
    ('src/core/tcp_in.c', 'the same',
     '''        pcb->rtime = 0;
      }

      pcb->polltmr = 0;''', '''      }

      pcb->polltmr = 0;'''),
    ('src/core/tcp_in.c', 'the same',
     '''    if (pcb->rttest && TCP_SEQ_LT(pcb->rtseq, ackno)) {''',
     '''    net_tcp_ack(pcb, ackno, tcphdr + 1, tcphdr_opt2 != NULL ? 0 : tcphdr_optlen);
    if (0) {'''),
]
