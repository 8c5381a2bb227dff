/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_silent_line.c - an interrupt that never comes, as where a device was found with a wrong
 * line: everything works by the tick, slowly, and the log says why, once. No word where interrupts
 * come late, are lost now and then, or are not asked for.
 */
#include <string.h>

#include "diskmodel.h"
#include "testdrv.h"
#include "virtio/device.h"

#define SIZE 8
#define TOLD "queue completions are found by the tick alone: is interrupt"

static uint8_t buf[512];

static void read_some(unsigned n)
{
    while (n--)
        CHECK_EQ(io_run(BLOCK_READ, n, buf, sizeof(buf)), 0);
}

static void never_comes(void)
{
    char line[80];

    disk_boot_way(NULL, 0);
    disk.m->dead_silent = true;
    virtio_find("vblk0")->interrupts = 0;
    read_some(9);
    CHECK_EQ(host_log_matches(TOLD), 0);
    read_some(30); /* the tenth is told */
    CHECK_EQ(host_log_matches(TOLD), 1);
    snprintf(line, sizeof(line), TOLD " %d (%s) wired?", virtio_find("vblk0")->line,
             virtio_wakeup_name(virtio_find("vblk0")));
    CHECK(host_logged(line));
    CHECK(virtio_find("vblk0")->line > 0);
}

/* One interrupt in a long time is enough: the line is wired. */
static void comes_once(void)
{
    disk_boot_way(NULL, 0);
    disk.m->dead_silent = true;
    virtio_find("vblk0")->interrupts = 0;
    read_some(9);
    disk.m->dead_silent = false;
    read_some(1);
    disk.m->dead_silent = true;
    read_some(50);
    CHECK_EQ(host_log_matches(TOLD), 0);
}

/* The ticks before the late interrupt find nothing: the device is slow, not its line. */
static void comes_late(void)
{
    struct model_chain c;
    struct model *m;

    testdrv_one_queue(SIZE, 2);
    td.cfg[0].expects_progress = true;
    m = testdrv_boot(MODEL_MMIO, SIZE, NULL, 0);
    testdrv_submit(td.q[0], 0);
    CHECK(model_pop(m, &m->queues[0], &c));
    host_run_for(5 * HAL_SEC);
    model_complete(m, &m->queues[0], &c, 32);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
    CHECK_EQ(host_log_matches(TOLD), 0);
}

static void polled(void)
{
    host_set_bootargs("vireo.poll=1");
    disk_boot_way(NULL, 0);
    disk.m->dead_silent = true;
    read_some(100);
    CHECK_EQ(host_log_matches(TOLD), 0);
}

/* A machine without messages says so once, however many devices ask, and however often. */
static void no_messages(void)
{
    unsigned functions;

    host_msi_limit(0);
    disk_boot_way(NULL, 0);
    functions = host_log_matches("MSI-X: not on this machine");
    CHECK(functions <= 1);
    disk_break();
    read_some(3);
    CHECK_EQ(host_log_matches("works again"), 1);
    CHECK_EQ(host_log_matches("MSI-X"), functions);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"never_comes", never_comes, NULL, 0, disk_ways},
        {"comes_once", comes_once, NULL, 0, disk_ways},
        {"comes_late", comes_late},
        {"polled", polled, NULL, 0, disk_ways},
        {"no_messages", no_messages, NULL, 0, disk_ways},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
