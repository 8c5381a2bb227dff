/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_bulk - /init of the Linux guest that benches compare an image with: loads the modules
 * /m/0.ko, /m/1.ko ..., gives eth0 the address in the boot argument guest_ip=, and does what
 * tests/apps/bulk does: port 5001 sends zeros until the client hangs up, port 5002 reads until
 * then, a process for each client.
 *
 * The guest has neither shell nor C library: calls of the kernel for AArch64 are made here, and
 * what they take is declared here.
 */
#include <stddef.h>
#include <stdint.h>

enum { SOURCE = 5001, SINK, CHUNK = 65536, BACKLOG = 8 };
enum { AT_FDCWD = -100, O_RDONLY = 0, O_WRONLY = 1 };
enum { AF_INET = 2, SOCK_STREAM = 1, SOL_SOCKET = 1, SO_REUSEADDR = 2, MSG_NOSIGNAL = 0x4000 };
enum { SIOCSIFFLAGS = 0x8914, SIOCSIFADDR = 0x8916, SIOCSIFNETMASK = 0x891c, IFF_UP = 1 };
enum { SIGCHLD = 17, SIG_IGN = 1 };

/* The numbers of the kernel's calls. */
enum {
    SYS_ioctl = 29,
    SYS_mount = 40,
    SYS_openat = 56,
    SYS_close = 57,
    SYS_write = 64,
    SYS_exit = 93,
    SYS_sigaction = 134,
    SYS_socket = 198,
    SYS_bind = 200,
    SYS_listen = 201,
    SYS_accept = 202,
    SYS_sendto = 206,
    SYS_recvfrom = 207,
    SYS_setsockopt = 208,
    SYS_clone = 220,
    SYS_finit_module = 273,
};

struct address {
    uint16_t family, port;
    uint32_t ip;
    uint8_t rest[8];
};

struct interface {
    char name[16];
    union {
        struct address address;
        int16_t flags;
        uint8_t size[24];
    };
};

static char chunk[CHUNK];

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

#define CALL(name, a, b, c) call(SYS_##name, (long)(a), (long)(b), (long)(c), 0, 0, 0)

static size_t length(const char *text)
{
    size_t n = 0;

    while (text[n])
        n++;
    return n;
}

static void say(const char *text)
{
    CALL(write, 1, text, length(text));
}

static void fail(const char *what)
{
    say("linux_bulk: failed: ");
    say(what);
    say("\n");
    CALL(exit, 1, 0, 0);
}

static int open_file(const char *path, int flags)
{
    return (int)CALL(openat, AT_FDCWD, path, flags);
}

static void load_modules(void)
{
    char path[] = "/m/0.ko";

    for (int fd; (fd = open_file(path, O_RDONLY)) >= 0; path[3]++) {
        if (CALL(finit_module, fd, "", 0) < 0)
            fail(path);
        CALL(close, fd, 0, 0);
    }
}

/* "a.b.c.d" in the order of the network. */
static uint32_t parse_ip(const char *text)
{
    uint32_t ip = 0, byte = 0;

    for (int shift = 0;; text++) {
        if (*text >= '0' && *text <= '9') {
            byte = byte * 10 + (uint32_t)(*text - '0');
            continue;
        }
        ip |= byte << shift;
        shift += 8;
        byte = 0;
        if (*text != '.')
            return ip;
    }
}

static void set_up_network(const char *ip)
{
    struct interface i = {.name = "eth0", .address = {.family = AF_INET, .ip = parse_ip(ip)}};
    int fd = (int)CALL(socket, AF_INET, SOCK_STREAM, 0);

    if (CALL(ioctl, fd, SIOCSIFADDR, &i) < 0)
        fail("the address of eth0");
    i.address.ip = 0x00ffffff;
    CALL(ioctl, fd, SIOCSIFNETMASK, &i);
    i.flags = IFF_UP;
    if (CALL(ioctl, fd, SIOCSIFFLAGS, &i) < 0)
        fail("eth0 up");
    CALL(close, fd, 0, 0);
}

/* A connection begins without what was learnt from an earlier one. */
static void forget_connections(void)
{
    int fd;

    call(SYS_mount, (long)"proc", (long)"/proc", (long)"proc", 0, 0, 0);
    fd = open_file("/proc/sys/net/ipv4/tcp_no_metrics_save", O_WRONLY);
    if (fd < 0 || CALL(write, fd, "1", 1) != 1)
        fail("tcp_no_metrics_save");
    CALL(close, fd, 0, 0);
}

static int listen_on(uint16_t port)
{
    struct address at = {.family = AF_INET, .port = (uint16_t)(port << 8 | port >> 8)};
    int fd = (int)CALL(socket, AF_INET, SOCK_STREAM, 0), one = 1;

    call(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, (long)&one, sizeof(one), 0);
    if (CALL(bind, fd, &at, sizeof(at)) < 0 || CALL(listen, fd, BACKLOG, 0) < 0)
        fail("a port to listen on");
    return fd;
}

static int fork_process(void)
{
    return (int)call(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
}

static void send_all(int fd)
{
    while (call(SYS_sendto, fd, (long)chunk, CHUNK, MSG_NOSIGNAL, 0, 0) > 0)
        ;
}

static void receive_all(int fd)
{
    while (call(SYS_recvfrom, fd, (long)chunk, CHUNK, 0, 0, 0) > 0)
        ;
}

static void serve(int listener, void (*work)(int))
{
    for (int fd; (fd = (int)CALL(accept, listener, 0, 0)) >= 0; CALL(close, fd, 0, 0))
        if (fork_process() == 0) {
            work(fd);
            CALL(exit, 0, 0, 0);
        }
    fail("accept");
}

/* The stack has argc, the arguments, a null pointer, the environment, a null pointer. */
__attribute__((used)) static void start(char **stack)
{
    static const struct {
        uint64_t handler, flags, restorer, mask;
    } ignored = {.handler = SIG_IGN};
    char **environment = stack + 1 + *(long *)stack + 1;
    const char *ip = NULL, *name = "guest_ip=";
    int source, sink;

    for (; *environment; environment++) {
        size_t n = 0;

        while (name[n] && name[n] == (*environment)[n])
            n++;
        if (!name[n])
            ip = *environment + n;
    }
    if (!ip)
        fail("there is no guest_ip=");
    call(SYS_sigaction, SIGCHLD, (long)&ignored, 0, 8, 0, 0);
    load_modules();
    set_up_network(ip);
    forget_connections();
    source = listen_on(SOURCE);
    sink = listen_on(SINK);
    say("linux_bulk: ready\n");
    if (fork_process() == 0)
        serve(sink, receive_all);
    serve(source, send_all);
}

__asm__(".globl _start\n"
        "_start: mov x0, sp\n"
        "        bl start\n");
