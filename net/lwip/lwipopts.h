/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwipopts.h - lwIP 2.2.1 as Vireo uses it: the core with its callback interface, on one
 * cooperative thread. The sockets above are Vireo's own (net/inet/), so lwIP's threads, mailboxes
 * and sequential interfaces are left out.
 */
#ifndef VIREO_LWIPOPTS_H
#define VIREO_LWIPOPTS_H

/* One thread: services and socket calls enter lwIP in turn (net_enter, net_leave). */
#define NO_SYS               1
#define LWIP_TIMERS          1
#define MEMP_NUM_SYS_TIMEOUT 48 /* a dozen of lwIP's, and one for each device */
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#ifdef VIREO_DEBUG
#define LWIP_ASSERT_CORE_LOCKED() net_assert_entered()
#else
#define LWIP_ASSERT_CORE_LOCKED()
#endif

/* Memory: all from the allocator of net_mem.c, as needed, within one limit. */
#define MEM_CUSTOM_ALLOCATOR 1
#define MEMP_MEM_MALLOC      1
#define MEM_ALIGNMENT        8
#define MEM_CUSTOM_MALLOC    net_malloc
#define MEM_CUSTOM_CALLOC    net_calloc
#define MEM_CUSTOM_FREE      net_free
#define PBUF_POOL_BUFSIZE    1600
#define PBUF_POOL_FREE_OOSEQ 1

/* Link: room for the virtio header (20) keeps a contiguous frame in one descriptor. */
#define LWIP_ETHERNET                  1
#define PBUF_LINK_ENCAPSULATION_HLEN   20
#define ETH_PAD_SIZE                   0
#define LWIP_ARP                       1
#define ARP_TABLE_SIZE                 256 /* lwIP's numbers of rows have 16 bits then */
#define ARP_QUEUEING                   1
#define LWIP_NETIF_STATUS_CALLBACK     1
#define LWIP_NETIF_LINK_CALLBACK       1
#define LWIP_NETIF_EXT_STATUS_CALLBACK 0
#define LWIP_NETIF_HOSTNAME            1
#define LWIP_HAVE_LOOPIF               1
#define LWIP_NETIF_LOOPBACK            1
#define LWIP_LOOPBACK_MAX_PBUFS        64
#define LWIP_SUPPORT_CUSTOM_PBUF       1

/* IP */
#define LWIP_IPV4               1
#define IP_FORWARD              0
#define IP_DEFAULT_TTL          64
#define IP_REASSEMBLY           1
#define IP_REASS_MAX_PBUFS      net_reass_most /* of net_reass.c */
#define MEMP_NUM_REASSDATA      0              /* no limit of its own */
#define IP_FRAG                 1
#define IP_OPTIONS_ALLOWED      1
#define IP_SOF_BROADCAST        1
#define IP_SOF_BROADCAST_RECV   0
#define LWIP_ICMP               1
#define LWIP_BROADCAST_PING     0
#define LWIP_MULTICAST_PING     0
#define LWIP_IGMP               1
#define LWIP_RAW                1
#define LWIP_IPV6               1
#define LWIP_IPV6_NUM_ADDRESSES 12 /* two prefixes, with five temporary addresses of each */
#define LWIP_IPV6_FORWARD       0
#define LWIP_IPV6_FRAG          1
#define LWIP_IPV6_REASS         1
/* lwIP's note in a waiting fragment holds a pointer: with 64 bits it would cover data. And the
 * sender is asked for when the packet is gone. */
#define IPV6_FRAG_COPYHEADER            1
#define LWIP_IPV6_AUTOCONFIG            1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT   1
#define LWIP_IPV6_DHCP6                 0
#define LWIP_ND6_QUEUEING               1
#define MEMP_NUM_ND6_QUEUE              512                /* packets that wait for neighbours */
#define LWIP_ND6_NUM_NEIGHBORS          net_nd6_neighbours /* of net_nd6.c */
#define LWIP_ND6_NUM_DESTINATIONS       net_nd6_destinations
#define LWIP_ND6_NUM_ROUTERS            12
#define LWIP_ND6_NUM_PREFIXES           24
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS  1
#define LWIP_ND6_TCP_REACHABILITY_HINTS 1
#define MEMP_NUM_MLD6_GROUP             16

/* UDP, and its users. The DHCP client hands as many servers over as the resolver holds. */
#define LWIP_UDP                  1
#define LWIP_DHCP                 1
#define LWIP_DHCP_DOES_ACD_CHECK  0 /* it keeps every start waiting for seven seconds */
#define DHCP_OPTIONS_LEN          128
#define LWIP_DHCP_MAX_DNS_SERVERS DNS_MAX_SERVERS
#define LWIP_DHCP_MAX_NTP_SERVERS 0
#define LWIP_DHCP_GET_NTP_SRV     0
#define LWIP_DNS                  1 /* net_names.c, not lwIP's resolver */
#define DNS_MAX_SERVERS           6

/*
 * TCP. 2 * MSL, two minutes, is also the time in which a connection in LAST_ACK must deliver what
 * is unsent. No more than NET_TIME_WAIT_MAX connections stay in TIME_WAIT that long.
 */
#define LWIP_TCP                           1
#define LWIP_CALLBACK_API                  1
#define TCP_MSS                            8960 /* at most, of an mtu of 9000; most mtus say less */
#define LWIP_DISABLE_TCP_SANITY_CHECKS     1    /* TCP_SND_BUF is where a buffer begins to grow */
#define LWIP_WND_SCALE                     1
#define TCP_RCV_SCALE                      tcp_window_scale /* of tcp_window.c, as these limits: */
#define TCP_WND                            65535
#define TCP_SND_BUF                        16384
#define TCP_SND_QUEUELEN                   0xfff0
#define TCP_SNDLOWAT                       8192
#define TCP_SNDQUEUELOWAT                  256
#define TCP_MSL                            60000
#define TCP_SYNMAXRTX                      6
#define TCP_MAXRTX                         10
#define TCP_QUEUE_OOSEQ                    1
#define LWIP_TCP_SACK_OUT                  1
#define LWIP_TCP_MAX_SACK_NUM              4
#define TCP_LISTEN_BACKLOG                 1
#define TCP_DEFAULT_LISTEN_BACKLOG         128
#define TCP_OVERSIZE                       1460
#define LWIP_TCP_KEEPALIVE                 1
#define LWIP_TCP_TIMESTAMPS                1 /* tcp_stamp.c */
#define SO_REUSE                           1
#define SO_REUSE_RXTOALL                   1
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1

/* Checksums: those of net_chksum.c. TCP's are made when a packet is handed down (net_tx.c). */
#define LWIP_CHKSUM           net_chksum
#define LWIP_CHECKSUM_ON_COPY 0

/* What a frame that is sent tells net_tx.c: 0, or its sum is that of the pseudo header, and its
 * packets have no more data than this. */
#define LWIP_PBUF_CUSTOM_DATA         u16_t tx_size;
#define LWIP_PBUF_CUSTOM_DATA_INIT(p) ((p)->tx_size = 0)
#define LWIP_PBUF_REF_T               u16_t /* segments that are cut share their data */

#define LWIP_HOOK_FILENAME                                       "net_hooks.h"
#define LWIP_HOOK_TCP_ISN                                        net_tcp_choose_isn
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, hdr, len, len1, opt2, p) net_tcp_check(pcb, hdr, p)
#define LWIP_HOOK_IP4_ROUTE_SRC(from, to)                        net_route4(from, to)
#define LWIP_HOOK_IP6_ROUTE(from, to)                            net_route6(from, to)

/* Counters, for status pages. lwIP's assertions, which a packet could fail, in debug builds. */
#define LWIP_STATS         1
#define LWIP_STATS_LARGE   1
#define LWIP_STATS_DISPLAY 0
#define MEM_STATS          0
#define MEMP_STATS         0
#define SYS_STATS          0
#ifndef VIREO_DEBUG
#define LWIP_NOASSERT 1
#endif

#endif
