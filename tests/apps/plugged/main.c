/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plugged - writes to all disks and reads fresh entropy, without a pause, while devices come and
 * go. Prints a line when a device appears, fails or works again:
 *
 *     plugged: vblk0 works, N written      plugged: vblk0 fails (errno)
 *
 * Sector i of a disk holds the number of the last write to it that a good fsync() covered, or of a
 * later one. A "safe" line tells the number.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "entropy/vrng.h"
#include "vireo.h"

enum { DISKS = 4, SECTOR = 512, SECTORS = 64 };

static struct disk {
    char name[16];
    int fd;
    int said; /* errno of the last line; -1: none yet */
    uint32_t written;
} disks[DISKS];

static char sector[SECTOR] __attribute__((aligned(64)));

static void say(struct disk *d, int err)
{
    if (err == d->said)
        return;
    d->said = err;
    if (err)
        printf("plugged: %s fails (%d)\n", d->name, err);
    else
        printf("plugged: %s works, %u written\n", d->name, (unsigned)d->written);
}

/* One write, made safe. */
static int write_one(struct disk *d)
{
    uint32_t n = d->written;

    memset(sector, (int)(n & 255), sizeof(sector));
    memcpy(sector, &n, sizeof(n));
    if (pwrite(d->fd, sector, SECTOR, (off_t)(n % SECTORS) * SECTOR) != SECTOR || fsync(d->fd))
        return errno;
    d->written++;
    if (n % SECTORS == SECTORS - 1)
        printf("plugged: %s safe %u\n", d->name, (unsigned)n);
    return 0;
}

static void look_at(struct disk *d, int i)
{
    char path[24];

    if (d->fd < 0) {
        snprintf(path, sizeof(path), "/dev/vblk%d", i);
        d->fd = open(path, O_RDWR);
    }
    if (d->fd >= 0)
        say(d, write_one(d));
}

static void look_at_entropy(void)
{
    static bool alive[2];
    struct vrng_info info;

    for (unsigned i = 0; i < 2 && !vrng_info(i, &info); i++) {
        if (info.alive == alive[i])
            continue;
        alive[i] = info.alive;
        printf("plugged: %s %s\n", info.name, info.alive ? "works" : "fails");
    }
}

int main(void)
{
    int random = open("/dev/random", O_RDONLY);
    const struct timespec pause = {0, 2000000};
    char bytes[16];

    for (int i = 0; i < DISKS; i++) {
        snprintf(disks[i].name, sizeof(disks[i].name), "vblk%d", i);
        disks[i].fd = disks[i].said = -1;
    }
    vireo_ready();
    for (;;) {
        for (int i = 0; i < DISKS; i++)
            look_at(&disks[i], i);
        if (read(random, bytes, sizeof(bytes)) != sizeof(bytes))
            return 1;
        look_at_entropy();
        nanosleep(&pause, NULL);
    }
}
