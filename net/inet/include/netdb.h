/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netdb.h - names and addresses (POSIX.1-2017). A service is a number or one of a dozen well-known
 * names. There is no file of hosts.
 */
#ifndef VIREO_NETDB_H
#define VIREO_NETDB_H

#include <netinet/in.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo {
    int ai_flags;
    int ai_family;
    int ai_socktype;
    int ai_protocol;
    socklen_t ai_addrlen;
    struct sockaddr *ai_addr;
    char *ai_canonname;
    struct addrinfo *ai_next;
};

struct hostent {
    char *h_name;
    char **h_aliases;
    int h_addrtype;
    int h_length;
    char **h_addr_list;
};
#define h_addr h_addr_list[0]

struct servent {
    char *s_name;
    char **s_aliases;
    int s_port; /* in network order */
    char *s_proto;
};

struct protoent {
    char *p_name;
    char **p_aliases;
    int p_proto;
};

struct netent {
    char *n_name;
    char **n_aliases;
    int n_addrtype;
    uint32_t n_net;
};

#define AI_PASSIVE     1
#define AI_CANONNAME   2
#define AI_NUMERICHOST 4
#define AI_V4MAPPED    8
#define AI_ALL         16
#define AI_ADDRCONFIG  32
#define AI_NUMERICSERV 1024

#define NI_NUMERICHOST 1
#define NI_NUMERICSERV 2
#define NI_NOFQDN      4
#define NI_NAMEREQD    8
#define NI_DGRAM       16
#define NI_MAXHOST     256
#define NI_MAXSERV     32

#define EAI_BADFLAGS   (-1)
#define EAI_NONAME     (-2)
#define EAI_AGAIN      (-3)
#define EAI_FAIL       (-4)
#define EAI_NODATA     (-5)
#define EAI_FAMILY     (-6)
#define EAI_SOCKTYPE   (-7)
#define EAI_SERVICE    (-8)
#define EAI_ADDRFAMILY (-9)
#define EAI_MEMORY     (-10)
#define EAI_SYSTEM     (-11)
#define EAI_OVERFLOW   (-12)

#define HOST_NOT_FOUND 1
#define TRY_AGAIN      2
#define NO_RECOVERY    3
#define NO_DATA        4
extern int h_errno;

/*
 * The addresses of a host, and the port of a service, as hints ask for them (RFC 3493,
 * section 6.1): an entry for each address and socket type. IPv4 addresses come first, unless the
 * image has IPv6 addresses alone. Names are asked for at the servers of DHCP, of router
 * advertisements or of ip=, each in its turn, in three rounds of ten seconds together; an answer is
 * kept as long as it allows. While a card still asks for the first address of the machine, a lookup
 * waits, vireo.net_wait_ms at most. 0: *result is a list that freeaddrinfo frees. EAI_NONAME: no
 * such name, or the text cannot be a name; EAI_NODATA: no address of this family; EAI_AGAIN: nobody
 * could say, and gai_strerror() tells why; EAI_FAIL: the servers answered with what is no answer.
 * From a task only. [parks]
 */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result);
void freeaddrinfo(struct addrinfo *list);
/* A text that stays; of EAI_AGAIN: why the last lookup of the image failed for now. */
const char *gai_strerror(int error);
/*
 * Name and service of an address. Without NI_NUMERICHOST the name servers are asked, as above; if
 * they know no name, the address is written as number, or NI_NAMEREQD gives an error. [parks]
 */
int getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t hostlen,
                char *service, socklen_t servicelen, int flags);
/* IPv4, up to 32 addresses. The result is valid until the next call. NULL: see h_errno. [parks] */
struct hostent *gethostbyname(const char *name);
/* The name of an address; len: its bytes. [parks] */
struct hostent *gethostbyaddr(const void *addr, socklen_t len, int family);
const char *hstrerror(int error);
void herror(const char *text);

/*
 * Tables of well-known services and protocols. protocol: "tcp", "udp", or NULL. A result is valid
 * until the next call of its kind. NULL: no such entry, or no more.
 */
struct servent *getservbyname(const char *name, const char *protocol);
struct servent *getservbyport(int port, const char *protocol); /* in network order */
struct servent *getservent(void);
void setservent(int stay);
void endservent(void);
struct protoent *getprotobyname(const char *name);
struct protoent *getprotobynumber(int number);
struct protoent *getprotoent(void);
void setprotoent(int stay);
void endprotoent(void);

/* There are no files of hosts and of networks: NULL. */
struct hostent *gethostent(void);
void sethostent(int stay);
void endhostent(void);
struct netent *getnetbyname(const char *name);
struct netent *getnetbyaddr(uint32_t net, int family);
struct netent *getnetent(void);
void setnetent(int stay);
void endnetent(void);

#ifdef __cplusplus
}
#endif

#endif
