# SPDX-License-Identifier: BSD-2-Clause
"""Room in lwIP's control blocks and segments for Vireo's part of TCP (net/lwip/tcp_pcb.h)."""

# What Vireo's files do not compile without: never left out.
ALWAYS = [
    ('src/include/lwip/tcp.h', 'room in each control block',
     '''/** the TCP protocol control block */
struct tcp_pcb {
''', '''#include "tcp_pcb.h"
/** the TCP protocol control block */
struct tcp_pcb {
'''),
    ('src/include/lwip/tcp.h', 'the same',
     '''  u8_t snd_scale;
  u8_t rcv_scale;
#endif
};
''', '''  u8_t snd_scale;
  u8_t rcv_scale;
#endif
  struct net_tcp net;
};
'''),
    ('src/include/lwip/priv/tcp_priv.h', 'room in each segment of a queue',
     '''struct tcp_seg {
  struct tcp_seg *next;    /* used when putting segments on a queue */
''', '''struct tcp_seg {
  struct tcp_seg *next;    /* used when putting segments on a queue */
  struct net_tcp_seg net;
'''),
]
