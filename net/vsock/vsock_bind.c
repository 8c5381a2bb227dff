/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_bind.c - addresses of AF_VSOCK sockets, and the ports that sockets own.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vsock_sock.h"

enum { EPHEMERAL_FIRST = 49152, EPHEMERAL_COUNT = 16384 };

static struct vsock_sock *sockets;

void vsock_bind_add(struct vsock_sock *s)
{
    s->next = sockets;
    sockets = s;
}

void vsock_bind_remove(struct vsock_sock *s)
{
    struct vsock_sock **at = &sockets;

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
}

int vsock_addr_in(const struct sockaddr *sa, socklen_t len, struct vsock_addr *out)
{
    struct sockaddr_vm vm;

    if (!sa || len < sizeof(vm))
        return -EINVAL;
    memcpy(&vm, sa, sizeof(vm));
    if (vm.svm_family != AF_VSOCK)
        return -EAFNOSUPPORT;
    if (vm.svm_reserved1 || vm.svm_flags)
        return -EINVAL;
    *out = (struct vsock_addr){vm.svm_cid, vm.svm_port};
    return 0;
}

void vsock_addr_out(struct vsock_addr a, struct sockaddr *sa, socklen_t *len)
{
    struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_port = a.port, .svm_cid = a.cid};

    if (!sa || !len)
        return;
    memcpy(sa, &vm, *len < sizeof(vm) ? *len : sizeof(vm));
    *len = sizeof(vm);
}

static bool port_is_bound(uint32_t port)
{
    for (const struct vsock_sock *s = sockets; s; s = s->next)
        if (s->owns_port && s->port == port)
            return true;
    return false;
}

/* Any number: without entropy the time, which the log tells once. */
static uint32_t port_random(void)
{
    static bool told;
    uint32_t number;

    if (getentropy(&number, sizeof(number)) == 0)
        return number;
    if (!told)
        hal_log(HAL_WARN, "vsock", "without entropy, the ports of sockets can be guessed");
    told = true;
    return (uint32_t)hal_now_ns();
}

/*
 * A free port, searched from a random one on: the host may still hold connections of the image that
 * ran before with the same CID, and they use the first ports of that image.
 */
static int port_ephemeral(uint32_t *port)
{
    uint32_t start = port_random();

    for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
        *port = EPHEMERAL_FIRST + (start + i) % EPHEMERAL_COUNT;
        if (!port_is_bound(*port) && !vsock_port_used(*port))
            return 0;
    }
    return -EADDRINUSE;
}

int vsock_bind_port(struct vsock_sock *s, uint32_t port)
{
    if (port == VMADDR_PORT_ANY) {
        int err = port_ephemeral(&port);

        if (err)
            return err;
    }
    if (port_is_bound(port))
        return -EADDRINUSE;
    s->port = port;
    s->owns_port = true;
    return 0;
}
