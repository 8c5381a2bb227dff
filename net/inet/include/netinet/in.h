/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netinet/in.h - Internet addresses (POSIX.1-2017).
 */
#ifndef VIREO_NETINET_IN_H
#define VIREO_NETINET_IN_H

#include <stdint.h>
#include <sys/socket.h>

#ifndef _IN_PORT_T_DECLARED
typedef uint16_t in_port_t;
#define _IN_PORT_T_DECLARED
#endif
#ifndef _IN_ADDR_T_DECLARED
typedef uint32_t in_addr_t;
#define _IN_ADDR_T_DECLARED
#endif

struct in_addr {
    in_addr_t s_addr; /* network byte order */
};
struct sockaddr_in {
    sa_family_t sin_family;
    in_port_t sin_port; /* network byte order */
    struct in_addr sin_addr;
    uint8_t sin_zero[8];
};

struct in6_addr {
    union {
        uint8_t s6_bytes[16];
        uint32_t s6_words[4];
    } s6_u;
};
#define s6_addr   s6_u.s6_bytes
#define s6_addr32 s6_u.s6_words
struct sockaddr_in6 {
    sa_family_t sin6_family;
    in_port_t sin6_port;
    uint32_t sin6_flowinfo;
    struct in6_addr sin6_addr;
    uint32_t sin6_scope_id; /* number of the interface of a link-local address; 0: the first */
};

/* A group and the interface: by an address of it (0.0.0.0: by route), or by its number. */
struct ip_mreq {
    struct in_addr imr_multiaddr;
    struct in_addr imr_interface;
};
struct ip_mreqn {
    struct in_addr imr_multiaddr;
    struct in_addr imr_address;
    int imr_ifindex; /* not 0: counts instead of the address */
};
struct ipv6_mreq {
    struct in6_addr ipv6mr_multiaddr;
    unsigned ipv6mr_interface; /* 0: the first */
};

/* Ancillary data: where a datagram went to; where one shall come from. */
struct in_pktinfo {
    int ipi_ifindex;
    struct in_addr ipi_spec_dst; /* recvmsg: the address to answer from. sendmsg: the source */
    struct in_addr ipi_addr;     /* recvmsg: the destination in the header */
};
struct in6_pktinfo {
    struct in6_addr ipi6_addr;
    unsigned ipi6_ifindex;
};

#define IPPROTO_IP     0
#define IPPROTO_ICMP   1
#define IPPROTO_TCP    6
#define IPPROTO_UDP    17
#define IPPROTO_IPV6   41
#define IPPROTO_ICMPV6 58
#define IPPROTO_RAW    255

#define IP_TOS             1
#define IP_TTL             2
#define IP_ADD_MEMBERSHIP  3
#define IP_DROP_MEMBERSHIP 4
#define IP_MULTICAST_TTL   5
#define IP_MULTICAST_IF    6
#define IP_MULTICAST_LOOP  7
#define IP_PKTINFO         8  /* int; and a record of recvmsg and sendmsg */
#define IP_RECVTTL         9  /* int: recvmsg has a record IP_TTL, an int */
#define IP_RECVTOS         10 /* int: recvmsg has a record IP_TOS, a byte */

#define IP_MTU_DISCOVER 11 /* int: IP_PMTUDISC_... */
#define IP_MTU          14 /* int, read only: of the path to the peer */

/*
 * May datagrams be cut? Values of IP_MTU_DISCOVER and IPV6_MTU_DISCOVER. Segments of TCP are never
 * cut, whatever is set.
 */
#define IP_PMTUDISC_DONT      0 /* by anybody; at first */
#define IP_PMTUDISC_WANT      1 /* only those that are longer than the path */
#define IP_PMTUDISC_DO        2 /* never: EMSGSIZE if they are longer */
#define IP_PMTUDISC_PROBE     3 /* never: EMSGSIZE if they are longer than the first link's MTU */
#define IP_PMTUDISC_INTERFACE 4 /* by anybody, for the first link's MTU alone */
#define IP_PMTUDISC_OMIT      5 /* the same */

#define IPV6_UNICAST_HOPS   16
#define IPV6_MULTICAST_IF   17
#define IPV6_MULTICAST_HOPS 18
#define IPV6_MULTICAST_LOOP 19
#define IPV6_JOIN_GROUP     20
#define IPV6_LEAVE_GROUP    21
#define IPV6_MTU_DISCOVER   23 /* int: IPV6_PMTUDISC_... */
#define IPV6_MTU            24 /* int, read only: of the path to the peer */
#define IPV6_V6ONLY         27
#define IPV6_RECVPKTINFO    49 /* int: recvmsg has a record IPV6_PKTINFO */
#define IPV6_PKTINFO        50
#define IPV6_RECVHOPLIMIT   51 /* int: recvmsg has a record IPV6_HOPLIMIT, an int */
#define IPV6_HOPLIMIT       52
#define IPV6_RECVTCLASS     66 /* int: recvmsg has a record IPV6_TCLASS, an int */
#define IPV6_TCLASS         67
#define IPV6_DONTFRAG       62 /* int: 1 is IPV6_PMTUDISC_DO (RFC 3542, 11.2) */

#define IPV6_PMTUDISC_DONT      IP_PMTUDISC_DONT
#define IPV6_PMTUDISC_WANT      IP_PMTUDISC_WANT
#define IPV6_PMTUDISC_DO        IP_PMTUDISC_DO
#define IPV6_PMTUDISC_PROBE     IP_PMTUDISC_PROBE
#define IPV6_PMTUDISC_INTERFACE IP_PMTUDISC_INTERFACE
#define IPV6_PMTUDISC_OMIT      IP_PMTUDISC_OMIT

#define IPV6_ADD_MEMBERSHIP  IPV6_JOIN_GROUP
#define IPV6_DROP_MEMBERSHIP IPV6_LEAVE_GROUP

#define INADDR_ANY       ((in_addr_t)0)
#define INADDR_LOOPBACK  ((in_addr_t)0x7f000001)
#define INADDR_BROADCAST ((in_addr_t)0xffffffff)
#define INADDR_NONE      ((in_addr_t)0xffffffff)
#define INET_ADDRSTRLEN  16
#define INET6_ADDRSTRLEN 46

#define IN6ADDR_ANY_INIT                                                                           \
    {                                                                                              \
        {                                                                                          \
            {                                                                                      \
                0                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
#define IN6ADDR_LOOPBACK_INIT                                                                      \
    {                                                                                              \
        {                                                                                          \
            {                                                                                      \
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1                                     \
            }                                                                                      \
        }                                                                                          \
    }
extern const struct in6_addr in6addr_any;
extern const struct in6_addr in6addr_loopback;

#define IN_MULTICAST(a) (((a)&0xf0000000u) == 0xe0000000u)
#define IN6_IS_ADDR_UNSPECIFIED(a)                                                                 \
    (!((a)->s6_addr32[0] | (a)->s6_addr32[1] | (a)->s6_addr32[2] | (a)->s6_addr32[3]))
#define IN6_IS_ADDR_LOOPBACK(a)                                                                    \
    (!((a)->s6_addr32[0] | (a)->s6_addr32[1] | (a)->s6_addr32[2]) && (a)->s6_addr[12] == 0 &&      \
     (a)->s6_addr[13] == 0 && (a)->s6_addr[14] == 0 && (a)->s6_addr[15] == 1)
#define IN6_IS_ADDR_MULTICAST(a) ((a)->s6_addr[0] == 0xff)
#define IN6_IS_ADDR_LINKLOCAL(a) ((a)->s6_addr[0] == 0xfe && ((a)->s6_addr[1] & 0xc0) == 0x80)
#define IN6_IS_ADDR_V4MAPPED(a)                                                                    \
    (!((a)->s6_addr32[0] | (a)->s6_addr32[1]) && (a)->s6_addr[8] == 0 && (a)->s6_addr[9] == 0 &&   \
     (a)->s6_addr[10] == 0xff && (a)->s6_addr[11] == 0xff)

#define IN6_IS_ADDR_SITELOCAL(a) ((a)->s6_addr[0] == 0xfe && ((a)->s6_addr[1] & 0xc0) == 0xc0)
#define IN6_IS_ADDR_V4COMPAT(a)                                                                    \
    (!((a)->s6_addr32[0] | (a)->s6_addr32[1] | (a)->s6_addr32[2]) && (a)->s6_addr32[3] &&          \
     !IN6_IS_ADDR_LOOPBACK(a))
#define IN6_IS_ADDR_MC_SCOPE(a, scope)                                                             \
    (IN6_IS_ADDR_MULTICAST(a) && ((a)->s6_addr[1] & 0x0f) == (scope))
#define IN6_IS_ADDR_MC_NODELOCAL(a) IN6_IS_ADDR_MC_SCOPE(a, 1)
#define IN6_IS_ADDR_MC_LINKLOCAL(a) IN6_IS_ADDR_MC_SCOPE(a, 2)
#define IN6_IS_ADDR_MC_SITELOCAL(a) IN6_IS_ADDR_MC_SCOPE(a, 5)
#define IN6_IS_ADDR_MC_ORGLOCAL(a)  IN6_IS_ADDR_MC_SCOPE(a, 8)
#define IN6_IS_ADDR_MC_GLOBAL(a)    IN6_IS_ADDR_MC_SCOPE(a, 14)

/* Between the byte orders of host and network. */
static inline uint16_t htons(uint16_t x)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap16(x) : x;
}
static inline uint16_t ntohs(uint16_t x)
{
    return htons(x);
}
static inline uint32_t htonl(uint32_t x)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(x) : x;
}
static inline uint32_t ntohl(uint32_t x)
{
    return htonl(x);
}

/* Including this header links the family of these addresses, and with it the network stack. */
extern struct socket_family net_socket_family;
static struct socket_family *const net_socket_family_wanted __attribute__((used)) =
    &net_socket_family;

#endif
