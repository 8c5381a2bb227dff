/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frontend.c - the front-end's side of the vhost-user protocol: requests over a UNIX socket, with
 * descriptors of files (QEMU's docs/interop/vhost-user.rst).
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "process.h"

enum { VHOST_VERSION = 1, VHOST_REPLY = 4 };

struct vhost_head {
    uint32_t request, flags, size;
};

struct vhost_memory {
    uint32_t regions, padding;
    uint64_t guest, size, user, offset; /* of the only one */
};

static bool vhost_hang_up(struct vhost_backend *b, const char *why)
{
    if (b->socket >= 0) {
        hal_log(HAL_WARN, "vhost-user", "%s: the connection ends", why);
        close(b->socket);
    }
    b->socket = -1;
    return false;
}

bool vhost_is_gone(struct vhost_backend *b)
{
    char byte;

    if (b->socket >= 0 && recv(b->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        vhost_hang_up(b, "the back-end has hung up");
    return b->socket < 0;
}

bool vhost_send(struct vhost_backend *b, enum vhost_request request, const void *body, size_t len,
                int fd)
{
    struct vhost_head head = {request, VHOST_VERSION, (uint32_t)len};
    struct iovec parts[] = {{&head, sizeof(head)}, {(void *)(uintptr_t)body, len}};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = len ? 2 : 1};

    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        control.head = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    }
    if (b->socket < 0)
        return false;
    if (sendmsg(b->socket, &message, MSG_NOSIGNAL) != (ssize_t)(sizeof(head) + len))
        return vhost_hang_up(b, "a request cannot be sent");
    return true;
}

bool vhost_ask(struct vhost_backend *b, enum vhost_request request, void *body, size_t len)
{
    struct vhost_head head;
    bool has_body = request == VHOST_GET_VRING_BASE || request == VHOST_GET_CONFIG;

    if (!vhost_send(b, request, body, has_body ? len : 0, -1))
        return false;
    if (recv(b->socket, &head, sizeof(head), MSG_WAITALL) != sizeof(head))
        return vhost_hang_up(b, "no answer");
    if (head.request != request || !(head.flags & VHOST_REPLY) || head.size != len)
        return vhost_hang_up(b, "an answer to another request, or of another length");
    if (recv(b->socket, body, len, MSG_WAITALL) != (ssize_t)len)
        return vhost_hang_up(b, "an answer is cut off");
    return true;
}

static bool vhost_negotiate(struct vhost_backend *b)
{
    struct vhost_memory memory = {
        1, 0, (uintptr_t)process_memory, PROCESS_MEMORY, (uintptr_t)process_memory, 0};
    uint64_t queues = 0;

    b->queues = 8; /* unless the back-end tells; one that has fewer hangs up */
    if (!vhost_ask(b, VHOST_GET_FEATURES, &b->features, 8))
        return false;
    if (b->features & VHOST_F_PROTOCOL) {
        if (!vhost_ask(b, VHOST_GET_PROTOCOL_FEATURES, &b->protocol, 8))
            return false;
        b->protocol &= VHOST_P_MANY_QUEUES | VHOST_P_CONFIG;
        vhost_send(b, VHOST_SET_PROTOCOL_FEATURES, &b->protocol, 8, -1);
    }
    if (b->protocol & VHOST_P_MANY_QUEUES) {
        vhost_ask(b, VHOST_GET_QUEUE_NUM, &queues, 8);
        b->queues = (unsigned)queues;
    }
    vhost_send(b, VHOST_SET_OWNER, NULL, 0, -1);
    return vhost_send(b, VHOST_SET_MEM_TABLE, &memory, sizeof(memory), process_memory_fd);
}

bool vhost_connect(struct vhost_backend *b, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 1};

    *b = (struct vhost_backend){.socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (b->socket < 0 || strlen(path) >= sizeof(address.sun_path))
        return vhost_hang_up(b, "no socket, or a path that is too long");
    strcpy(address.sun_path, path);
    setsockopt(b->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(b->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(b->socket, (struct sockaddr *)&address, sizeof(address)))
        return vhost_hang_up(b, "nobody listens at the socket");
    return vhost_negotiate(b);
}
