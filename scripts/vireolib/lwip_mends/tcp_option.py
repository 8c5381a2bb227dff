# SPDX-License-Identifier: BSD-2-Clause
"""Mends of TCP for socket options (net/lwip/tcp_option.c)."""

MENDS = [
    ('src/core/tcp_in.c', 'segments and bytes are counted for TCP_INFO',
     'err = tcp_process(pcb);',
     'tcp_option_heard(&pcb->net.opt, p->tot_len, tcp_ticks);\n      err = tcp_process(pcb);'),
    ('src/core/tcp_out.c', 'the same',
     '''  LWIP_ASSERT("tcp_output_alloc_header: invalid pcb", pcb != NULL);
''', '''  LWIP_ASSERT("tcp_output_alloc_header: invalid pcb", pcb != NULL);
  tcp_option_said(&pcb->net.opt, 0, 0, 0);
'''),
    ('src/core/tcp.c', 'a closed window is not waited for longer than TCP_USER_TIMEOUT',
     '    /* Check if this PCB has stayed too long in FIN-WAIT-2 */\n',
     '''    pcb_remove = (u8_t)(pcb_remove + tcp_option_tick(pcb));
    /* Check if this PCB has stayed too long in FIN-WAIT-2 */
'''),
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
