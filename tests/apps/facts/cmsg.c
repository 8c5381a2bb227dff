/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmsg.c - facts about sendmsg(), recvmsg() and ancillary data.
 */
#include "facts.h"

#include <stdlib.h>
#include <sys/uio.h>

static union {
    struct cmsghdr first;
    char room[256];
} control;

static struct msghdr message(struct iovec *iov, int n, size_t room)
{
    struct msghdr m;

    memset(&control, 0, sizeof(control));
    memset(&m, 0, sizeof(m));
    m.msg_iov = iov;
    m.msg_iovlen = n;
    m.msg_control = room ? &control : NULL;
    m.msg_controllen = room;
    return m;
}

static const char *flags_of(const struct msghdr *m)
{
    return text("%s%s%s", m->msg_flags & MSG_TRUNC ? "TRUNC " : "",
                m->msg_flags & MSG_CTRUNC ? "CTRUNC " : "",
                m->msg_flags & ~(MSG_TRUNC | MSG_CTRUNC) ? "others" : "");
}

static void macros(void)
{
    struct iovec iov;
    struct msghdr m = message(&iov, 1, sizeof(control));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    fact("CMSG_LEN of an int", "%d",
         CMSG_LEN(sizeof(int)) == (size_t)((char *)CMSG_DATA(c) - (char *)c) + sizeof(int));
    fact("CMSG_SPACE of an int", "%d",
         CMSG_SPACE(sizeof(int)) >= CMSG_LEN(sizeof(int)) &&
             CMSG_SPACE(sizeof(int)) % sizeof(size_t) == 0);
    fact("CMSG_FIRSTHDR", "%d", (void *)c == (void *)&control);
    c->cmsg_len = CMSG_LEN(sizeof(int));
    fact("CMSG_NXTHDR", "%d", (char *)CMSG_NXTHDR(&m, c) == (char *)c + CMSG_SPACE(sizeof(int)));
    m.msg_controllen = CMSG_SPACE(sizeof(int));
    fact("CMSG_NXTHDR at the end", "%d", CMSG_NXTHDR(&m, c) == NULL);
    m.msg_controllen = sizeof(struct cmsghdr) - 1;
    fact("CMSG_FIRSTHDR of too little", "%d", CMSG_FIRSTHDR(&m) == NULL);
}

/* What a datagram brings: the kinds of its records, and what IP_PKTINFO says. */
static const char *records(struct msghdr *m)
{
    char out[120] = "";

    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        char ip[INET6_ADDRSTRLEN];

        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof(info));
            inet_ntop(AF_INET, &info.ipi_addr, ip, sizeof(ip));
            sprintf(out + strlen(out), "IP_PKTINFO to %s", ip);
            inet_ntop(AF_INET, &info.ipi_spec_dst, ip, sizeof(ip));
            sprintf(out + strlen(out), " local %s%s ", ip, info.ipi_ifindex ? "" : " index 0");
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof(info));
            inet_ntop(AF_INET6, &info.ipi6_addr, ip, sizeof(ip));
            sprintf(out + strlen(out), "IPV6_PKTINFO to %s%s ", ip,
                    info.ipi6_ifindex ? "" : " index 0");
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
            int ttl;

            memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
            sprintf(out + strlen(out), "IP_TTL %d ", ttl);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
            int hops;

            memcpy(&hops, CMSG_DATA(c), sizeof(hops));
            sprintf(out + strlen(out), "IPV6_HOPLIMIT %d ", hops);
        } else {
            strcat(out, "another ");
        }
    }
    return *out ? text("%s", out) : "none";
}

static void received_with(const char *name, int fd, size_t room)
{
    char data[100];
    struct iovec iov = {data, sizeof(data)};
    struct msghdr m = message(&iov, 1, room);
    long n;

    readable(fd);
    n = recvmsg(fd, &m, MSG_DONTWAIT);
    if (n < 0)
        fact(name, "%s", error_name(errno));
    else
        fact(name, "%ld bytes, flags %s, records %s", n, flags_of(&m), records(&m));
}

static void where_to(void)
{
    int port = new_port(), a = udp_socket(AF_INET), b = udp_socket(AF_INET);

    bind_to(a, "0.0.0.0", port);
    send_to(b, "one", "127.0.0.1", port);
    received_with("a datagram without IP_PKTINFO", a, 256);
    result("IP_PKTINFO on", set_int(a, IPPROTO_IP, IP_PKTINFO, 1));
    result("IP_PKTINFO is on", get_int(a, IPPROTO_IP, IP_PKTINFO));
    send_to(b, "two", "127.0.0.1", port);
    received_with("a datagram to lo", a, 256);
    send_to(b, "three", OWN, port);
    received_with("a datagram to own", a, 256);
    set_int(b, SOL_SOCKET, SO_BROADCAST, 1);
    send_to(b, "four", "10.0.2.255", port);
    received_with("a broadcast", a, 256);
    set_int(a, IPPROTO_IP, IP_RECVTTL, 1);
    set_int(b, IPPROTO_IP, IP_TTL, 77);
    send_to(b, "five", OWN, port);
    received_with("a datagram with its TTL", a, 256);
    send_to(b, "six", OWN, port);
    received_with("no room for records", a, 0);
    send_to(b, "seven", OWN, port);
    received_with("room for one record", a, CMSG_SPACE(sizeof(struct in_pktinfo)));
    send_to(b, "eight", OWN, port);
    received_with("room for a part of one", a, CMSG_LEN(4));
    set_int(a, IPPROTO_IP, IP_PKTINFO, 0);
    set_int(a, IPPROTO_IP, IP_RECVTTL, 0);
    send_to(b, "nine", OWN, port);
    received_with("IP_PKTINFO off again", a, 256);
    close(a);
    close(b);
}

static void where_to6(void)
{
    int port = new_port(), a = udp_socket(AF_INET6), b = udp_socket(AF_INET6);

    bind_to(a, "::", port);
    result("IPV6_RECVPKTINFO on", set_int(a, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
    result("IPV6_RECVHOPLIMIT on", set_int(a, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1));
    set_int(b, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 55);
    send_to(b, "one", "::1", port);
    received_with("an IPv6 datagram to lo", a, 256);
    send_to(b, "two", "::ffff:127.0.0.1", port);
    received_with("a mapped datagram to lo", a, 256);
    close(a);
    close(b);
}

/* IP_PKTINFO of sendmsg() chooses the source. */
static void from_where(const char *name, const char *source)
{
    int port = new_port(), a = udp_socket(AF_INET), b = udp_socket(AF_INET);
    struct address to = at(OWN, port), from = {.len = sizeof(from.u)};
    struct iovec iov = {"hello", 5};
    struct msghdr m = message(&iov, 1, CMSG_SPACE(sizeof(struct in_pktinfo)));
    struct in_pktinfo info = {.ipi_ifindex = 0};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    char buf[8];

    bind_to(a, "0.0.0.0", port);
    inet_pton(AF_INET, source, &info.ipi_spec_dst);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(c), &info, sizeof(info));
    m.msg_name = &to.u;
    m.msg_namelen = to.len;
    result(text("sendmsg from %s", name), sendmsg(b, &m, 0));
    if (events_of(a, POLLIN, 100)[0] == 'I') {
        recvfrom(a, buf, sizeof(buf), 0, &from.u.any, &from.len);
        fact(text("source of a datagram from %s", name), "%s", shown(&from, 0));
    }
    close(a);
    close(b);
}

static void bad_records(void)
{
    int port = new_port(), b = udp_socket(AF_INET);
    struct address to = at("127.0.0.1", port);
    struct iovec iov = {"hello", 5};
    struct msghdr m = message(&iov, 1, CMSG_SPACE(4));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    m.msg_name = &to.u;
    m.msg_namelen = to.len;
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = 9999;
    c->cmsg_len = CMSG_LEN(4);
    result("sendmsg with an unknown record", sendmsg(b, &m, 0));
    c->cmsg_type = IP_PKTINFO;
    result("sendmsg with a short IP_PKTINFO", sendmsg(b, &m, 0));
    c->cmsg_len = 3;
    result("sendmsg with a record of 3 bytes", sendmsg(b, &m, 0));
    c->cmsg_len = 1000;
    result("sendmsg with a record beyond the end", sendmsg(b, &m, 0));
    c->cmsg_level = 9999;
    c->cmsg_len = CMSG_LEN(4);
    result("sendmsg with a record of an unknown level", sendmsg(b, &m, 0));
    close(b);
}

static void vectors(void)
{
    int port = new_port(), a = udp_socket(AF_INET), b = udp_socket(AF_INET);
    struct address to = at("127.0.0.1", port), from;
    char x[3], y[4];
    struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cdefgh", 6}}, in[2] = {{x, 3}, {y, 4}};
    struct msghdr m = message(out, 3, 0);

    bind_to(a, "127.0.0.1", port);
    m.msg_name = &to.u;
    m.msg_namelen = to.len;
    result("sendmsg of three parts", sendmsg(b, &m, 0));
    readable(a);
    m = message(in, 2, 0);
    m.msg_name = &from.u;
    m.msg_namelen = sizeof(from.u);
    result("recvmsg into two parts", recvmsg(a, &m, 0));
    from.len = m.msg_namelen;
    fact("what they hold", "%.3s %.4s, flags %s, from %s", x, y, flags_of(&m),
         shown(&from, port_of(b)));
    result("sendmsg without a name", sendmsg(b, &m, 0));
    m = message(in, 2, 0);
    result("recvmsg with nothing there", recvmsg(a, &m, MSG_DONTWAIT));
    m = message(in, -1, 0);
    result("recvmsg with -1 parts", recvmsg(a, &m, MSG_DONTWAIT));
    m = message(in, 2000, 0);
    result("recvmsg with 2000 parts", recvmsg(a, &m, MSG_DONTWAIT));
    close(a);
    close(b);
}

static void of_streams(void)
{
    struct pair p = connected("127.0.0.1");
    struct address name;
    char buf[8];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr m;

    send(p.near, "abc", 3, 0);
    readable(p.far);
    m = message(&iov, 1, 256);
    m.msg_name = &name.u;
    m.msg_namelen = sizeof(name.u);
    result("recvmsg of a stream", recvmsg(p.far, &m, 0));
    fact("recvmsg of a stream, then", "name of %d bytes, control of %d, flags %s",
         (int)m.msg_namelen, (int)m.msg_controllen, flags_of(&m));
    close_pair(p);
}

void control_facts(void)
{
    macros();
    where_to();
    where_to6();
    from_where("lo", "127.0.0.1");
    from_where("own", OWN);
    from_where("foreign", FOREIGN);
    bad_records();
    vectors();
    of_streams();
}
