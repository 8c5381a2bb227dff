/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls.c - facts about socket() itself, and about calls with wrong arguments or sockets.
 */
#include "facts.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

static void opened(const char *name, int family, int type, int protocol)
{
    int fd = socket(family, type, protocol);

    if (fd < 0) {
        fact(text("socket %s", name), "%s", error_name(errno));
        return;
    }
    fact(text("socket %s", name), "%s%s protocol %d nonblock %d",
         get_int(fd, SOL_SOCKET, SO_DOMAIN) == family ? "" : "another family, ",
         get_int(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM  ? "stream"
         : get_int(fd, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM ? "dgram"
                                                          : "raw",
         get_int(fd, SOL_SOCKET, SO_PROTOCOL), (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    close(fd);
}

static void kinds_of_sockets(void)
{
    opened("inet stream", AF_INET, SOCK_STREAM, 0);
    opened("inet stream tcp", AF_INET, SOCK_STREAM, IPPROTO_TCP);
    opened("inet stream udp", AF_INET, SOCK_STREAM, IPPROTO_UDP);
    opened("inet dgram", AF_INET, SOCK_DGRAM, 0);
    opened("inet dgram udp", AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    opened("inet dgram tcp", AF_INET, SOCK_DGRAM, IPPROTO_TCP);
    opened("inet raw 0", AF_INET, SOCK_RAW, 0);
    opened("inet raw icmp", AF_INET, SOCK_RAW, IPPROTO_ICMP);
    opened("inet raw 1000", AF_INET, SOCK_RAW, 1000);
    opened("inet stream 1000", AF_INET, SOCK_STREAM, 1000);
    opened("inet stream icmp", AF_INET, SOCK_STREAM, IPPROTO_ICMP);
    opened("inet type 4", AF_INET, 4, 0);
    opened("inet stream -1", AF_INET, SOCK_STREAM, -1);
    opened("inet type 0", AF_INET, 0, 0);
    opened("inet type 77", AF_INET, 77, 0);
    opened("inet6 stream", AF_INET6, SOCK_STREAM, 0);
    opened("inet6 dgram", AF_INET6, SOCK_DGRAM, 0);
    opened("inet6 raw icmp6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    opened("inet stream nonblock", AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    opened("inet dgram nonblock cloexec", AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    opened("family 0", AF_UNSPEC, SOCK_STREAM, 0);
    opened("family 99", 99, SOCK_STREAM, 0);
    opened("family -1", -1, SOCK_STREAM, 0);
}

/* Calls on what is no socket, and with addresses that are none. */
static void wrong_descriptors(void)
{
    struct address a = at("127.0.0.1", 9);
    char c = 0;
    int value = 0;
    socklen_t len = sizeof(value);

    result("bind of no descriptor", bind(-1, &a.u.any, a.len));
    result("bind of a closed descriptor", bind(999, &a.u.any, a.len));
    result("bind of no socket", bind(0, &a.u.any, a.len));
    result("connect of no socket", connect(0, &a.u.any, a.len));
    result("listen of no socket", listen(0, 1));
    result("accept of no socket", accept(0, NULL, NULL));
    result("send of no socket", send(0, &c, 1, 0));
    result("recv of no socket", recv(0, &c, 1, 0));
    result("shutdown of no socket", shutdown(0, SHUT_RD));
    result("getsockopt of no socket", getsockopt(0, SOL_SOCKET, SO_TYPE, &value, &len));
    result("setsockopt of no socket", set_int(0, SOL_SOCKET, SO_REUSEADDR, 1));
    result("getsockname of no socket", getsockname(0, &a.u.any, &a.len));
    result("send of a closed descriptor", send(999, &c, 1, 0));
    result("recv of no descriptor", recv(-1, &c, 1, 0));
}

static void wrong_addresses(int type, const char *kind)
{
    struct address a = at("127.0.0.1", new_port()), six = at("::1", 9);
    int fd = socket(AF_INET, type, 0);

    result(text("%s bind with a short address", kind), bind(fd, &a.u.any, 4));
    result(text("%s bind with length 0", kind), bind(fd, &a.u.any, 0));
    result(text("%s bind of another family", kind), bind(fd, &six.u.any, six.len));
    a.u.any.sa_family = AF_UNSPEC;
    result(text("%s bind of AF_UNSPEC", kind), bind(fd, &a.u.any, a.len));
    a = at("0.0.0.0", 0);
    a.u.any.sa_family = AF_UNSPEC;
    result(text("%s bind of AF_UNSPEC, any address", kind), bind(fd, &a.u.any, a.len));
    close(fd);
    fd = socket(AF_INET, type, 0);
    a = at("127.0.0.1", 9);
    result(text("%s connect with a short address", kind), connect(fd, &a.u.any, 4));
    result(text("%s connect with length 0", kind), connect(fd, &a.u.any, 0));
    result(text("%s connect of another family", kind), connect(fd, &six.u.any, six.len));
    close(fd);
    fd = socket(AF_INET6, type, 0);
    result(text("%s bind of IPv4 to an IPv6 socket", kind), bind(fd, &a.u.any, a.len));
    result(text("%s connect of IPv4 by an IPv6 socket", kind), connect(fd, &a.u.any, a.len));
    result(text("%s bind with a length for IPv4", kind), bind(fd, &six.u.any, 16));
    close(fd);
}

/* Room for an address that is too short: as much as fits, and the whole length. */
static void short_room(void)
{
    int fd = udp_socket(AF_INET);
    struct address a = {.len = 4};

    bind_to(fd, "127.0.0.1", new_port());
    memset(&a.u, 0x55, sizeof(a.u));
    result("getsockname with 4 bytes of room", getsockname(fd, &a.u.any, &a.len));
    fact("getsockname with 4 bytes of room, then", "length %d, byte 4 is %x", (int)a.len,
         ((unsigned char *)&a.u)[4]);
    a.len = 0;
    result("getsockname with no room", getsockname(fd, &a.u.any, &a.len));
    fact("getsockname with no room, then", "length %d", (int)a.len);
    a.len = sizeof(a.u);
    result("getsockname with much room", getsockname(fd, &a.u.any, &a.len));
    fact("getsockname with much room, then", "length %d", (int)a.len);
    close(fd);
}

static void as_files(void)
{
    struct pair p = connected("127.0.0.1");
    struct iovec parts[2] = {{"ab", 2}, {"cde", 3}};
    struct stat st;
    char a[2], b[8];
    int n = -1;

    result("fstat of a socket", fstat(p.near, &st));
    fact("its mode", "socket %d", S_ISSOCK(st.st_mode));
    result("lseek of a socket", (long)lseek(p.near, 0, SEEK_CUR));
    result("pread of a socket", pread(p.near, a, 1, 0));
    result("pwrite of a socket", pwrite(p.near, a, 1, 0));
    result("fsync of a socket", fsync(p.near));
    result("ftruncate of a socket", ftruncate(p.near, 0));
    result("isatty of a socket", isatty(p.near));
    fact("errno of isatty", "%s", error_name(errno));
    result("writev to a socket", writev(p.near, parts, 2));
    readable(p.far);
    result("FIONREAD", ioctl(p.far, FIONREAD, &n));
    fact("bytes that FIONREAD tells", "%d", n);
    parts[0] = (struct iovec){a, sizeof(a)};
    parts[1] = (struct iovec){b, sizeof(b)};
    result("readv from a socket", readv(p.far, parts, 2));
    result("writev of nothing", writev(p.near, parts, 0));
    result("write of nothing", write(p.near, a, 0));
    result("read of nothing", read(p.far, a, 0));
    result("send of nothing", send(p.near, a, 0, 0));
    result("recv of nothing", recv(p.far, a, 0, MSG_DONTWAIT));
    close_pair(p);
}

void call_facts(void)
{
    kinds_of_sockets();
    wrong_descriptors();
    wrong_addresses(SOCK_STREAM, "tcp");
    wrong_addresses(SOCK_DGRAM, "udp");
    short_room();
    as_files();
}
