/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostage - a workload on a disk and a network card that cannot be trusted (tests/hostile/). Tasks
 * read, write and sync /dev/vblk0, and have datagrams answered; none of them believes that anything
 * succeeds. The serial line tells every 10 ms what has changed:
 *
 *   hostage: at=MS read=GOOD/ERRORS/WRONG sync=G/E/W echo=G/E/W lost=N
 *
 * and at once each new kind of error, and each change of a device's state. Anything on the console
 * port `stop` ends it: the disk is read as a whole, what must be on it is told, and main() returns.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostage.h"
#include "vireo.h"
#include "virtio/virtio.h"

enum { TICK_MS = 10, PULSE_MS = 500, DEVICES = 4 };

bool hostage_stopping;

static unsigned now_ms(void)
{
    return (unsigned)(hal_now_ns() / HAL_MS);
}

void tally_end(struct tally *t, int result)
{
    if (result && result != t->last)
        printf("hostage: at=%u op=%s result=%d\n", now_ms(), t->name, result);
    t->last = result;
    *(result ? &t->errors : &t->good) += 1;
}

void tally_wrong(struct tally *t, const char *what, unsigned number)
{
    t->wrong++;
    printf("hostage: at=%u op=%s wrong %s %u\n", now_ms(), t->name, what, number);
}

void hostage_pause(const struct tally *t)
{
    task_sleep_until(hal_now_ns() + (t->last ? HOSTAGE_AFTER_ERROR_MS : HOSTAGE_PAUSE_MS) * HAL_MS);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void tell_tallies(bool anyway)
{
    static char before[160];
    static unsigned told;
    const struct tally *r = &reads, *s = &syncs, *e = &echoes;
    char text[sizeof(before)];

    snprintf(text, sizeof(text), "read=%u/%u/%u sync=%u/%u/%u echo=%u/%u/%u lost=%u", r->good,
             r->errors, r->wrong, s->good, s->errors, s->wrong, e->good, e->errors, e->wrong,
             net_lost);
    if (!anyway && strcmp(text, before) == 0 && now_ms() - told < PULSE_MS)
        return;
    memcpy(before, text, sizeof(before));
    told = now_ms();
    printf("hostage: at=%u %s\n", told, text);
}

/* A device that came to another state. */
static void tell_devices(void)
{
    static char before[DEVICES][32];
    struct virtio_info info;

    for (unsigned n = 0; n < DEVICES && virtio_info(n, &info) == 0; n++) {
        if (strncmp(before[n], info.state, sizeof(before[n]) - 1) == 0)
            continue;
        strncpy(before[n], info.state, sizeof(before[n]) - 1);
        printf("hostage: at=%u device=%s state=%s resets=%llu recoveries=%llu cause=%s\n", now_ms(),
               info.name, info.state, (unsigned long long)info.resets,
               (unsigned long long)info.recoveries, info.cause);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

/* The port arrives some time after the start. */
static void wait_for_stop(void *unused)
{
    int fd = -1;
    char c;

    (void)unused;
    while ((fd = open("/dev/vport/stop", O_RDWR)) < 0)
        task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    while (read(fd, &c, 1) != 1)
        task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    close(fd);
    hostage_stopping = true;
}

int main(void)
{
    unsigned running = 3;

    task_spawn("stop", wait_for_stop, NULL, 0);
    task_spawn("reader", disk_reader, &running, 0);
    task_spawn("writer", disk_writer, &running, 0);
    task_spawn("echoes", net_echoes, &running, 0);
    vireo_ready();
    while (running) {
        tell_devices();
        tell_tallies(false);
        task_sleep_until(hal_now_ns() + TICK_MS * HAL_MS);
    }
    printf("hostage: stopped\n");
    disk_report();
    tell_devices();
    tell_tallies(true);
    return reads.wrong || echoes.wrong;
}
