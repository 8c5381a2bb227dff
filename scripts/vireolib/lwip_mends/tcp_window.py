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
    ('src/core/tcp_in.c', 'data out of order is kept in pieces (net/lwip/tcp_ooseq.c)',
     '''if (pcb->ooseq == NULL) {
          pcb->ooseq = tcp_seg_copy(&inseg);
''', '''if (tcp_ooseq_keep(pcb, &inseg), 1) {
          /* kept, if there is room */
        } else if (pcb->ooseq == NULL) {
          pcb->ooseq = tcp_seg_copy(&inseg);
'''),
    ('src/core/tcp_out.c', 'the same',
     'num_sacks = tcp_get_num_sacks(pcb, optlen)', 'num_sacks = tcp_ooseq_blocks(pcb, optlen)'),
    ('src/core/tcp_out.c', 'the same',
     'tcp_build_sack_option(pcb, opts, num_sacks);',
     'tcp_ooseq_write(LWIP_CONST_CAST(struct tcp_pcb *, pcb), opts, num_sacks);'),
    ('src/core/tcp_in.c', 'data that comes twice is told (RFC 2883)',
     '''("tcp_receive: duplicate seqno %"U32_F"\\n", seqno));
''', '''("tcp_receive: duplicate seqno %"U32_F"\\n", seqno));
        tcp_ooseq_again(pcb, seqno, seqno + inseg.len);
'''),
    ('src/core/tcp_in.c', 'ACKs are delayed by bytes and for 40 ms (net/lwip/tcp_ack.c)',
     '        tcp_ack(pcb);\n', '        tcp_ack_data(pcb, inseg.len);\n'),
    ('src/core/tcp.c', 'the same',
     'if (pcb->flags & TF_ACK_DELAY) {', 'if (pcb->flags & TF_ACK_NOW) {'),
    ('src/core/tcp.c', 'the same',
     '  memp_free(MEMP_TCP_PCB, pcb);\n', '  tcp_ack_end(pcb);\n  memp_free(MEMP_TCP_PCB, pcb);\n'),
    ('src/core/tcp_in.c',
     'timestamps are of milliseconds, and tell old segments (net/lwip/tcp_stamp.c)',
     '  tcp_parseopt(pcb);\n',
     '''  if (!tcp_stamp_read(tcphdr, tcphdr_optlen, tcphdr_opt2)) tcp_parseopt(pcb);
  if (tcp_stamp_old(pcb, seqno, tcplen, flags)) return ERR_OK;
'''),
    ('src/core/tcp_in.c', 'the same',
     '''          tsval = tcp_get_next_optbyte();
          tsval |= (tcp_get_next_optbyte() << 8);
          tsval |= (tcp_get_next_optbyte() << 16);
          tsval |= (tcp_get_next_optbyte() << 24);
          if (flags & TCP_SYN) {
            pcb->ts_recent = lwip_ntohl(tsval);
            /* Enable sending timestamps in every segment now that we know
               the remote host supports it. */
            tcp_set_flags(pcb, TF_TIMESTAMP);
          } else if (TCP_SEQ_BETWEEN(pcb->ts_lastacksent, seqno, seqno + tcplen)) {
            pcb->ts_recent = lwip_ntohl(tsval);
          }
          /* Advance to next option (6 bytes already read) */
          tcp_optidx += LWIP_TCP_OPT_LEN_TS - 6;
''', '''          tcp_stamp_option(pcb, flags, tcp_get_next_optbyte);
'''),
    ('src/core/tcp_out.c', 'the same',
     '''  opts[0] = PP_HTONL(0x0101080A);
  opts[1] = lwip_htonl(sys_now());
  opts[2] = lwip_htonl(pcb->ts_recent);
''', '''  tcp_stamp_write(pcb, opts);
'''),
    ('src/core/tcp_out.c', 'the same',
     '((flags & TCP_SYN) && (pcb->state != SYN_RCVD))) {\n    /* Make',
     '(tcp_stamp_on && (flags & TCP_SYN) && (pcb->state != SYN_RCVD))) {\n    /* Make'),
    ('src/include/lwip/priv/tcp_priv.h', 'the same',
     '((tpcb)->unsent->len >= (tpcb)->mss)', '((tpcb)->unsent->len >= tcp_stamp_payload(tpcb))'),
    ('src/core/tcp_out.c', 'keep-alives and probes of closed windows have a timestamp, too',
     '''  u8_t optlen = LWIP_TCP_OPT_LENGTH_SEGMENT(0, pcb);

  LWIP_ASSERT("tcp_keepalive''',
     '''  u8_t optflags = pcb->flags & TF_TIMESTAMP ? TF_SEG_OPTS_TS : 0;
  u8_t optlen = LWIP_TCP_OPT_LENGTH_SEGMENT(optflags, pcb);

  LWIP_ASSERT("tcp_keepalive'''),
    ('src/core/tcp_out.c', 'the same',
     '''  tcp_output_fill_options(pcb, p, 0, 0);
  err = tcp_output_control''', '''  tcp_output_fill_options(pcb, p, optflags, 0);
  err = tcp_output_control'''),
    ('src/core/tcp_out.c', 'the same',
     '''  u8_t optlen = LWIP_TCP_OPT_LENGTH_SEGMENT(0, pcb);

  LWIP_ASSERT("tcp_zero''', '''  u8_t optflags = pcb->flags & TF_TIMESTAMP ? TF_SEG_OPTS_TS : 0;
  u8_t optlen = LWIP_TCP_OPT_LENGTH_SEGMENT(optflags, pcb);

  LWIP_ASSERT("tcp_zero'''),
    ('src/core/tcp_out.c', 'the same',
     '''  tcp_output_fill_options(pcb, p, 0, 0);

  err = ''', '''  tcp_output_fill_options(pcb, p, optflags, 0);

  err = '''),
    ('src/core/tcp_out.c', 'the same',
     '((char *)p->payload + TCP_HLEN);', '((char *)p->payload + TCP_HLEN + optlen);'),
]
