/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * manydisks - reads each disk whole and says what is on it, by what it was woken, and how often:
 * "disk: NAME size=N crc=0x... wakeup=W interrupts=N".
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "../checks.h"
#include "vireo.h"
#include "virtio/virtio.h"

/* CRC-32 as zlib has it. */
static uint32_t crc32(uint32_t crc, const unsigned char *p, size_t len)
{
    crc = ~crc;
    while (len--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void read_disk(const struct virtio_info *info)
{
    static unsigned char buf[4096];
    struct virtio_info after = *info;
    uint32_t crc = 0;
    char path[32];
    long size = 0;
    ssize_t n;

    snprintf(path, sizeof(path), "/dev/%s", info->name);
    int fd = open(path, O_RDONLY);
    if (!check(fd >= 0, "open %s", path))
        return;
    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        crc = crc32(crc, buf, (size_t)n);
        size += n;
    }
    check(n == 0, "%s is read to its end", path);
    close(fd);
    for (unsigned i = 0; virtio_info(i, &after) == 0 && strcmp(after.name, info->name); i++)
        ;
    printf("disk: %s size=%ld crc=0x%08lx wakeup=%s interrupts=%lu\n", info->name, size,
           (unsigned long)crc, after.wakeup, (unsigned long)after.interrupts);
}

int main(void)
{
    struct virtio_info info;

    for (unsigned i = 0; virtio_info(i, &info) == 0; i++)
        read_disk(&info);
    return checks_end();
}
