# SPDX-License-Identifier: BSD-2-Clause
"""Mends of TCP for socket options (net/lwip/tcp_option.c)."""

ALWAYS = [
    ('src/core/tcp.c', 'timers of options end with their connection',
     '''  LWIP_ASSERT("tcp_free: LISTEN", pcb->state != LISTEN);
''', '''  LWIP_ASSERT("tcp_free: LISTEN", pcb->state != LISTEN);
  tcp_option_end(pcb);
'''),
]

MENDS = [
    ('src/core/tcp_out.c', 'a corked connection sends full segments only',
     'if ((tcp_do_output_nagle(pcb) == 0) &&',
     'if ((tcp_do_output_nagle(pcb) == 0 || (pcb->net.opt.cork && tcp_option_holds(pcb))) &&'),
    ('src/core/tcp.c', 'an application sets how long a connection stays in FIN_WAIT_2',
     'TCP_FIN_WAIT_TIMEOUT / TCP_SLOW_INTERVAL) {', 'tcp_option_fin_wait(pcb)) {'),
    ('src/core/tcp.c', 'keep-alive watches connections that are half closed, and none that send',
     '''    if (ip_get_option(pcb, SOF_KEEPALIVE) &&
        ((pcb->state == ESTABLISHED) ||
         (pcb->state == CLOSE_WAIT))) {
''', '''    if (tcp_option_keeps_alive(pcb)) {
'''),
]
