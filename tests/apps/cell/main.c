/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cell - what every cell of the matrix runs (tests/qemu/test_matrix.py): moves data both ways over
 * the first disk and the first network card, and tells what the devices negotiated.
 *
 * The disk: the first 128 KiB are read, and their complement is written to the 128 KiB after them,
 * flushed, read back and compared; then vireo.cell.requests=N reads of one sector each. The
 * network: each datagram on UDP port 7 comes back complemented; an "f" is answered with as many
 * numbered datagrams as vireo.cell.frames=N says. A "q" has the report printed, an "x" ends the
 * image.
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../checks.h"
#include "disk.h"
#include "net.h"
#include "vireo.h"
#include "vireo/task.h"
#include "virtio/virtio.h"

enum { PATIENCE_MS = 20000, DATAGRAM = 2048 };

static uint64_t requests, frames;

static void read_options(void)
{
    requests = hal_option_u64("cell", "requests", 0, 0, UINT32_MAX);
    frames = hal_option_u64("cell", "frames", 0, 0, UINT32_MAX);
}
HAL_INIT(HAL_INIT_STACK, read_options);

/* ---- the network ----------------------------------------------------------------------------- */

static int bound(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    check(fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0, "a socket on port 7");
    return fd;
}

/* Sends a datagram. A full transmit ring is ENOBUFS, and poll() does not tell when it has room. */
static bool send_one(int fd, const void *data, size_t len, const struct sockaddr_in *to)
{
    uint64_t deadline = hal_now_ns() + PATIENCE_MS * HAL_MS;

    while (sendto(fd, data, len, 0, (const struct sockaddr *)to, sizeof(*to)) < 0) {
        if (errno != ENOBUFS || hal_now_ns() > deadline)
            return false;
        task_yield();
    }
    return true;
}

static void flood(int fd, const struct sockaddr_in *to)
{
    bool all = true;

    for (uint32_t n = 0; n < frames && all; n++) {
        uint32_t number[8] = {[0] = n, [7] = ~n};

        all = send_one(fd, number, sizeof(number), to);
    }
    check(all, "datagrams were sent");
}

/* Answers datagrams until the one with the command comes. */
static bool serve(int fd, char command)
{
    static unsigned char buf[DATAGRAM];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct sockaddr_in from;

    while (poll(&p, 1, PATIENCE_MS) == 1) {
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

        if (n == 1 && buf[0] == (unsigned char)command)
            return true;
        if (n == 1 && buf[0] == 'f') {
            flood(fd, &from);
            continue;
        }
        for (ssize_t i = 0; i < n; i++)
            buf[i] = (unsigned char)~buf[i];
        if (n < 0 || !send_one(fd, buf, (size_t)n, &from))
            return false;
    }
    return false;
}

/* ---- the report ------------------------------------------------------------------------------ */

static void report_queue(const struct virtq *q)
{
    const struct virtq_stats *s = virtq_stats(q);

    printf("{\"size\":%u,\"submitted\":%llu,\"completed\":%llu,\"in_flight\":%u,\"kicks\":%llu,"
           "\"rekicks\":%llu,\"nudges\":%llu,\"late\":%llu}",
           virtq_size(q), (unsigned long long)s->submitted, (unsigned long long)s->completed,
           virtq_in_flight(q), (unsigned long long)s->kicks, (unsigned long long)s->rekicks,
           (unsigned long long)s->nudges, (unsigned long long)s->late);
}

/* One line of JSON a device. */
static void report(void)
{
    struct virtio_info info;
    char names[512];

    for (unsigned n = 0; virtio_info(n, &info) == 0; n++) {
        struct virtio_device *dev = virtio_find(info.name);

        virtio_feature_names(dev, names, sizeof(names));
        printf("cell: {\"name\":\"%s\",\"type\":%u,\"transport\":\"%s\",\"ring\":\"%s\","
               "\"wakeup\":\"%s\",\"features\":\"%s\",\"alive\":%s,\"interrupts\":%llu,"
               "\"queues\":[",
               info.name, (unsigned)info.device_id, info.transport, info.ring, info.wakeup, names,
               info.alive ? "true" : "false", (unsigned long long)info.interrupts);
        for (unsigned i = 0; i < info.queues; i++) {
            printf("%s", i ? "," : "");
            report_queue(virtio_queue(dev, i));
        }
        printf("]}\n");
    }
    printf("cell: reported\n");
}

int main(void)
{
    int fd = bound();

    disk_check(requests);
    check(net_wait_up(hal_now_ns() + 60 * HAL_SEC) == 0, "an address");
    vireo_ready();
    check(serve(fd, 'q'), "datagrams were answered until the end");
    report();
    check(serve(fd, 'x'), "the end was asked for");
    return checks_end();
}
