# SPDX-License-Identifier: BSD-2-Clause
"""What the short way of segments (net/lwip/tcp_fast.c) shares with lwIP's tcp_input()."""

ALWAYS = [
    ('src/core/tcp_in.c', 'an application may close within a callback of the short way',
     'static u8_t recv_flags;\n', '#define recv_flags tcp_recv_flags\nu8_t recv_flags;\n'),
    ('src/core/tcp_in.c', 'the same',
     'static int tcp_input_delayed_close(struct tcp_pcb *pcb);\n', ''),
    ('src/core/tcp_in.c', 'the same',
     'static int\ntcp_input_delayed_close(struct tcp_pcb *pcb)\n',
     'int\ntcp_input_delayed_close(struct tcp_pcb *pcb)\n'),
    ('src/include/lwip/priv/tcp_priv.h', 'the same',
     'void  tcp_trigger_input_pcb_close(void);\n',
     'void  tcp_trigger_input_pcb_close(void);\nextern u8_t tcp_recv_flags;\n'
     'int   tcp_input_delayed_close(struct tcp_pcb *pcb);\n'
     'err_t net_tcp_refused(struct tcp_pcb *pcb);\n'),
]

MENDS = [
    ('src/core/tcp_in.c', 'data is freed that came with the end of a connection',
     """            if (err == ERR_ABRT) {
              goto aborted;
            }
          }
          recv_acked = 0;
        }
        if (tcp_input_delayed_close(pcb)) {
          goto aborted;
        }
""", """            if (err == ERR_ABRT) {
              goto ended;
            }
          }
          recv_acked = 0;
        }
        if (tcp_input_delayed_close(pcb)) {
        ended:
          if (recv_data != NULL) {
            pbuf_free(recv_data);
          }
          goto aborted;
        }
"""),
    ('src/core/tcp_in.c', 'an application may close when it is shown data once more',
     '''      if ((tcp_process_refused_data(pcb) == ERR_ABRT) ||
          ((pcb->refused_data != NULL) && (tcplen > 0))) {
''', '''      if (net_tcp_refused(pcb) == ERR_ABRT) {
        goto aborted;
      }
      if ((pcb->refused_data != NULL) && (tcplen > 0)) {
'''),
    ('src/core/tcp.c', 'the same',
     '''        tcp_process_refused_data(pcb);
''', '''        net_tcp_refused(pcb);
'''),
]
