/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kv - keys and values over HTTP, kept in SQLite on a raw disk. What was acknowledged survives a
 * power cut at any moment.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vireo.h>

#include "kv.h"

struct kv_limits kv_limits;
static const char *kv_disk;
static uint16_t kv_port;

static void kv_options(void)
{
    kv_disk = hal_option("kv", "disk");
    kv_port = (uint16_t)hal_option_u64("kv", "port", 80, 1, 65535);
    kv_limits.connections =
        (unsigned)hal_option_u64("kv", "connections", 64, 1, KV_CONNECTIONS_MAX);
    kv_limits.value = (size_t)hal_option_u64("kv", "value", 65536, 1, 16u << 20);
}
HAL_INIT(HAL_INIT_STACK, kv_options);

static int kv_listen(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(kv_port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), off = 0;

    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0 ||
        bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(fd, 64) != 0) {
        printf("kv: cannot listen at port %u: %s\n", kv_port, strerror(errno));
        return -1;
    }
    return fd;
}

int main(void)
{
    int listener;

    if (!table_open(kv_disk ? kv_disk : "vblk0"))
        return 1;
    listener = kv_listen();
    if (listener < 0)
        return 1;
    vireo_ready();
    conn_serve(listener);
    table_close();
    return 1;
}
