/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/if.h - names and numbers of interfaces (POSIX.1-2017): "lo", and "vnet0" and so on for cards.
 */
#ifndef VIREO_NET_IF_H
#define VIREO_NET_IF_H

#ifdef __cplusplus
extern "C" {
#endif

#define IF_NAMESIZE 16
#define IFNAMSIZ    IF_NAMESIZE

/* What an interface is and can, of getifaddrs(). */
#define IFF_UP        0x0001
#define IFF_BROADCAST 0x0002
#define IFF_LOOPBACK  0x0008
#define IFF_RUNNING   0x0040 /* the cable is there */
#define IFF_MULTICAST 0x1000

struct if_nameindex {
    unsigned if_index; /* 0: the end of the list */
    char *if_name;
};

unsigned if_nametoindex(const char *name);        /* 0: there is none (ENODEV) */
char *if_indextoname(unsigned index, char *name); /* NULL: there is none (ENXIO) */
struct if_nameindex *if_nameindex(void);          /* NULL: ENOBUFS */
void if_freenameindex(struct if_nameindex *list);

#ifdef __cplusplus
}
#endif

#endif
