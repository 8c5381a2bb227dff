# SPDX-License-Identifier: BSD-2-Clause
"""Control blocks are found by hash (net/lwip/net_conn.c), and idle connections sleep."""

ALWAYS = [
    ('src/include/lwip/udp.h', 'room in each control block of UDP',
     '''/** the UDP protocol control block */
struct udp_pcb {
''', '''#include "net_conn.h"
/** the UDP protocol control block */
struct udp_pcb {
'''),
    ('src/include/lwip/udp.h', 'the same',
     '''  void *recv_arg;
};
''', '''  void *recv_arg;
  struct net_chain chain;
};
'''),
]

MENDS = [
    ('src/include/lwip/priv/tcp_priv.h', 'connections and listeners are found by hash',
     '''#endif /* LWIP_DEBUG */

#define TCP_REG_ACTIVE(npcb)                       \\
''', '''#endif /* LWIP_DEBUG */

#undef TCP_REG
#undef TCP_RMV
#define TCP_REG(pcbs, npcb) net_conn_enter(pcbs, npcb)
#define TCP_RMV(pcbs, npcb) net_conn_leave(pcbs, npcb)

#define TCP_REG_ACTIVE(npcb)                       \\
'''),
    ('src/core/tcp.c', 'the same',
     '''      /* Remove PCB from tcp_active_pcbs list. */
''', '''      net_conn_forget(pcb);
      /* Remove PCB from tcp_active_pcbs list. */
'''),
    ('src/core/tcp.c', 'the same',
     '''      /* Remove PCB from tcp_tw_pcbs list. */
''', '''      net_conn_forget(pcb);
      /* Remove PCB from tcp_tw_pcbs list. */
'''),
    ('src/core/tcp_in.c', 'the same',
     'for (pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {',
     'for (pcb = net_conn_of(tcphdr, false); pcb != NULL; pcb = NULL) {'),
    ('src/core/tcp_in.c', 'the same',
     'for (pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {',
     'for (pcb = net_conn_of(tcphdr, true); pcb != NULL; pcb = NULL) {'),
    ('src/core/tcp_in.c', 'the same',
     'for (lpcb = tcp_listen_pcbs.listen_pcbs; lpcb != NULL; lpcb = lpcb->next) {',
     'for (lpcb = net_conn_listener(ip_current_dest_addr(), tcphdr->dest); lpcb != NULL;\n'
     '         lpcb = NULL) {'),
    ('src/core/tcp_in.c', 'the same',
     '''          lpcb_any = lpcb;
          lpcb_prev = prev;
#else /* SO_REUSE */
          break;
#endif /* SO_REUSE */
        } else if''', '''          lpcb_any = lpcb;
#else /* SO_REUSE */
          break;
#endif /* SO_REUSE */
        } else if'''),
    ('src/core/tcp_in.c', 'the same',
     '''      prev = (struct tcp_pcb *)lpcb;
    }
''', '''    }
'''),
    ('src/core/tcp.c', 'connections that need nothing sleep',
     '''  while (pcb != NULL) {
    LWIP_DEBUGF(TCP_DEBUG, ("tcp_slowtmr: processing active pcb\\n"));
''', '''  while (pcb != NULL && !pcb->net.conn.sleeps) {
    LWIP_DEBUGF(TCP_DEBUG, ("tcp_slowtmr: processing active pcb\\n"));
'''),
    ('src/core/tcp.c', 'the same',
     '''  /* Steps through all of the TIME-WAIT PCBs. */
''', '''  net_conn_rest();
  /* Steps through all of the TIME-WAIT PCBs. */
'''),
    ('src/core/tcp.c', 'the same',
     '''  while (pcb != NULL) {
    if (pcb->last_timer != tcp_timer_ctr) {
''', '''  while (pcb != NULL && !pcb->net.conn.sleeps) {
    if (pcb->last_timer != tcp_timer_ctr) {
'''),
    ('src/core/tcp.c', 'the same',
     '''  pcb->pollinterval = interval;
''', '''  pcb->pollinterval = interval;
  if (pcb->net.conn.sleeps) {
    net_conn_wake(pcb);
  }
'''),
    ('src/core/tcp_out.c', 'the same',
     '''  LWIP_ASSERT("don't call tcp_output for listen-pcbs",
              pcb->state != LISTEN);
''', '''  LWIP_ASSERT("don't call tcp_output for listen-pcbs",
              pcb->state != LISTEN);
  if (pcb->net.conn.sleeps) {
    net_conn_wake(pcb);
  }
'''),
    ('src/core/udp.c', 'sockets of UDP are found by port',
     '''  for (pcb = udp_pcbs; pcb != NULL; pcb = pcb->next) {
    /* print the PCB local and remote address */
''', '''  for (pcb = net_conn_first_udp(dest); pcb != NULL; pcb = net_conn_next_udp(pcb)) {
    /* print the PCB local and remote address */
'''),
    ('src/core/udp.c', 'the same',
     '''    prev = pcb;
  }
  /* no fully matching''', '''  }
  /* no fully matching'''),
    ('src/core/udp.c', 'the same',
     '''        for (mpcb = udp_pcbs; mpcb != NULL; mpcb = mpcb->next) {
''', '''        for (mpcb = net_conn_first_udp(dest); mpcb != NULL;
             mpcb = net_conn_next_udp(mpcb)) {
'''),
    ('src/core/udp.c', 'the same',
     '''  pcb->local_port = port;
  mib2_udp_bind(pcb);
''', '''  pcb->local_port = port;
  net_conn_enter_udp(pcb);
  mib2_udp_bind(pcb);
'''),
    ('src/core/udp.c', 'the same',
     '''  mib2_udp_unbind(pcb);
  /* pcb to be removed is first in list? */
''', '''  mib2_udp_unbind(pcb);
  net_conn_leave_udp(pcb);
  /* pcb to be removed is first in list? */
'''),
]
