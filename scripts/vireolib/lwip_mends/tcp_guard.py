# SPDX-License-Identifier: BSD-2-Clause
"""Mends of TCP against segments that do not fit (net/lwip/tcp_guard.c)."""

MENDS = [
    ('src/core/tcp_in.c', 'an acknowledgement at the edge of the window is not answered',
     'if (!TCP_SEQ_BETWEEN(seqno, pcb->rcv_nxt, pcb->rcv_nxt + pcb->rcv_wnd - 1)) {',
     'if (!TCP_SEQ_BETWEEN(seqno, pcb->rcv_nxt, pcb->rcv_nxt + pcb->rcv_wnd)) {'),
]
