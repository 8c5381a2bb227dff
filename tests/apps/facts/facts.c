/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts.c - what the files of this program use, whatever it runs on.
 */
#include "facts.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#ifdef __linux__
#include <pthread.h>
#else
#include "vireo.h"
#endif

/* ---- facts ----------------------------------------------------------------------------------- */

const char *error_name(int error)
{
#define NAME(e)                                                                                    \
    {                                                                                              \
        e, #e                                                                                      \
    }
    static const struct {
        int value;
        const char *name;
    } names[] = {
        NAME(EACCES),          NAME(EADDRINUSE), NAME(EADDRNOTAVAIL), NAME(EAFNOSUPPORT),
        NAME(EAGAIN),          NAME(EALREADY),   NAME(EBADF),         NAME(ECONNABORTED),
        NAME(ECONNREFUSED),    NAME(ECONNRESET), NAME(EDESTADDRREQ),  NAME(EDOM),
        NAME(EEXIST),          NAME(EFAULT),     NAME(EHOSTUNREACH),  NAME(EINPROGRESS),
        NAME(EINTR),           NAME(EINVAL),     NAME(EIO),           NAME(EISCONN),
        NAME(EMFILE),          NAME(EMSGSIZE),   NAME(ENETDOWN),      NAME(ENETUNREACH),
        NAME(ENOBUFS),         NAME(ENODEV),     NAME(ENOMEM),        NAME(ENOPROTOOPT),
        NAME(ENOSPC),          NAME(ENOTCONN),   NAME(ENOTSOCK),      NAME(ENOTSUP),
        NAME(ENOTTY),          NAME(ENXIO),      NAME(EPERM),         NAME(EPIPE),
        NAME(EPROTONOSUPPORT), NAME(EPROTOTYPE), NAME(ESPIPE),        NAME(ESOCKTNOSUPPORT),
        NAME(ETIMEDOUT),       NAME(ENOENT),
    };
#undef NAME

    if (error == EOPNOTSUPP)
        return "EOPNOTSUPP"; /* on some systems the number of ENOTSUP */
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].value == error)
            return names[i].name;
    return error ? "another error" : "0";
}

void fact(const char *name, const char *value, ...)
{
    va_list ap;

    printf("fact %s: ", name);
    va_start(ap, value);
    vprintf(value, ap);
    va_end(ap);
    printf("\n");
}

void result(const char *name, long r)
{
    if (r == -1)
        fact(name, "%s", error_name(errno));
    else
        fact(name, "%ld", r);
}

const char *text(const char *format, ...)
{
    static char room[32][160];
    static unsigned n;
    char *out = room[n++ % 32];
    va_list ap;

    va_start(ap, format);
    vsnprintf(out, sizeof(room[0]), format, ap);
    va_end(ap);
    return out;
}

/* ---- addresses ------------------------------------------------------------------------------- */

struct address at(const char *ip, int port)
{
    struct address a;

    memset(&a, 0, sizeof(a));
    if (strchr(ip, ':')) {
        a.len = sizeof(a.u.in6);
        a.u.in6.sin6_family = AF_INET6;
        a.u.in6.sin6_port = htons((uint16_t)port);
        inet_pton(AF_INET6, ip, &a.u.in6.sin6_addr);
    } else {
        a.len = sizeof(a.u.in);
        a.u.in.sin_family = AF_INET;
        a.u.in.sin_port = htons((uint16_t)port);
        inet_pton(AF_INET, ip, &a.u.in.sin_addr);
    }
    return a;
}

const char *shown(const struct address *a, int known)
{
    bool six = a->u.any.sa_family == AF_INET6;
    int port = ntohs(six ? a->u.in6.sin6_port : a->u.in.sin_port);
    char ip[INET6_ADDRSTRLEN];

    if (a->len == 0)
        return "no address";
    if (a->u.any.sa_family != AF_INET && !six)
        return "another family";
    inet_ntop(a->u.any.sa_family, six ? (void *)&a->u.in6.sin6_addr : (void *)&a->u.in.sin_addr, ip,
              sizeof(ip));
    if (port < 32768) /* none that the system chose */
        return text("%s:%d", ip, port);
    return text("%s:%s", ip, port == known ? "that port" : "a port");
}

const char *local_name(int fd, int known)
{
    struct address a = {.len = sizeof(a.u)};

    return getsockname(fd, &a.u.any, &a.len) ? error_name(errno) : shown(&a, known);
}

const char *peer_name(int fd, int known)
{
    struct address a = {.len = sizeof(a.u)};

    return getpeername(fd, &a.u.any, &a.len) ? error_name(errno) : shown(&a, known);
}

int port_of(int fd)
{
    struct address a = {.len = sizeof(a.u)};

    if (getsockname(fd, &a.u.any, &a.len))
        return -1;
    return ntohs(a.u.any.sa_family == AF_INET6 ? a.u.in6.sin6_port : a.u.in.sin_port);
}

/* ---- calls ----------------------------------------------------------------------------------- */

int new_port(void)
{
    static int port = 20000;

    return ++port;
}

int bind_to(int fd, const char *ip, int port)
{
    struct address a = at(ip, port);

    return bind(fd, &a.u.any, a.len);
}

int connect_to(int fd, const char *ip, int port)
{
    struct address a = at(ip, port);

    return connect(fd, &a.u.any, a.len);
}

long send_to(int fd, const char *data, const char *ip, int port)
{
    struct address a = at(ip, port);

    return sendto(fd, data, strlen(data), MSG_NOSIGNAL, &a.u.any, a.len);
}

int set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value));
}

int get_int(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof(value);

    return getsockopt(fd, level, name, &value, &len) ? -1 : value;
}

int set_nonblocking(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK);
}

int tcp_socket(int family)
{
    return socket(family, SOCK_STREAM, 0);
}

int udp_socket(int family)
{
    return socket(family, SOCK_DGRAM, 0);
}

int listener_on(const char *ip, int *port)
{
    int fd = tcp_socket(strchr(ip, ':') ? AF_INET6 : AF_INET);

    *port = new_port();
    if (bind_to(fd, ip, *port) || listen(fd, 8))
        fact(text("listener on %s", ip), "%s", error_name(errno));
    return fd;
}

struct pair connected(const char *ip)
{
    int port, listener = listener_on(ip, &port);
    struct pair p = {tcp_socket(strchr(ip, ':') ? AF_INET6 : AF_INET), -1};

    if (connect_to(p.near, ip, port) || (p.far = accept(listener, NULL, NULL)) < 0)
        fact(text("pair on %s", ip), "%s", error_name(errno));
    set_int(p.near, IPPROTO_TCP, TCP_NODELAY, 1); /* what is sent arrives at once */
    set_int(p.far, IPPROTO_TCP, TCP_NODELAY, 1);
    close(listener);
    return p;
}

void close_pair(struct pair p)
{
    close(p.near);
    close(p.far);
}

/* ---- readiness ------------------------------------------------------------------------------- */

const char *events_of(int fd, int wanted, int ms)
{
    static const struct {
        int bit;
        const char *name;
    } names[] = {{POLLIN, "IN"},       {POLLPRI, "PRI"},       {POLLOUT, "OUT"},
                 {POLLERR, "ERR"},     {POLLHUP, "HUP"},       {POLLNVAL, "NVAL"},
                 {POLLRDHUP, "RDHUP"}, {POLLRDNORM, "RDNORM"}, {POLLWRNORM, "WRNORM"}};
    struct pollfd p = {.fd = fd, .events = (short)wanted};
    char out[80] = "";
    int n = poll(&p, 1, ms);

    if (n < 0)
        return error_name(errno);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (p.revents & names[i].bit) {
            strcat(out, *out ? "|" : "");
            strcat(out, names[i].name);
        }
    return *out ? text("%s", out) : "none";
}

bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 1000) == 1;
}

const char *received(int fd, int flags)
{
    char buf[100];
    ssize_t n;

    if (!readable(fd))
        return "nothing";
    n = recv(fd, buf, sizeof(buf) - 1, flags | MSG_DONTWAIT);
    if (n < 0)
        return error_name(errno);
    buf[n] = '\0';
    return n ? text("\"%s\"", buf) : "end";
}

/* ---- time ------------------------------------------------------------------------------------ */

long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct later {
    int ms;
    void (*fn)(void *);
    void *arg;
};

static void run_later(void *arg)
{
    struct later *l = arg;

    usleep((useconds_t)l->ms * MS);
    l->fn(l->arg);
    free(l);
}

#ifdef __linux__
static void *run_thread(void *arg)
{
    run_later(arg);
    return NULL;
}
#endif

void later(int ms, void (*fn)(void *), void *arg)
{
    struct later *l = malloc(sizeof(*l));

    *l = (struct later){ms, fn, arg};
#ifdef __linux__
    pthread_t thread;

    pthread_create(&thread, NULL, run_thread, l);
    pthread_detach(thread);
#else
    task_spawn("later", run_later, l, 0);
#endif
}
