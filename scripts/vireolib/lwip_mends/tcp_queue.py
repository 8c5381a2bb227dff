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
]
