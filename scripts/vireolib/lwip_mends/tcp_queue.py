# SPDX-License-Identifier: BSD-2-Clause
"""Mends of TCP's queues: what is received out of order, and what is sent."""

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
]
