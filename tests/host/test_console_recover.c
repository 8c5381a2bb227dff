/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_console_recover.c - the console device is reset, or leaves and comes back (virtio 1.4,
 * sections 2.4, 2.6.1, 5.3): readers and writers go on, or get an error when the port is gone.
 */
#include <string.h>

#include "check.h"
#include "conmodel.h"
#include "console/vcon.h"
#include "virtio/device.h"

static unsigned changes;

static void on_change(struct vcon_port *p)
{
    (void)p;
    changes++;
}

static struct vcon_port *boot_with_port(void)
{
    con_plug(MODEL_MMIO, true, false, 3);
    con_tell(1, ADD, 0);
    con_tell(1, OPEN, 1);
    vcon_on_change(on_change);
    CHECK_EQ(vcon_open(vcon_port(0)), 0);
    return vcon_port(0);
}

static void ask_for_reset(void)
{
    changes = 0;
    con.said_count = 0;
    con.m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(con.m, 2, NULL);
    host_run_services();
}

/* Three pieces with the device, one unread from it. Nothing is lost, and the order stays. */
static void use(struct vcon_port *p, unsigned number)
{
    con.sent_len = 0;
    con.hold_tx = true;
    CHECK_EQ(vcon_write(p, "one ", 4), 4);
    CHECK_EQ(vcon_write(p, "two ", 4), 4);
    CHECK_EQ(vcon_write(p, "three", 5), 5);
    CHECK(con_deliver(number, "unread", 6, 6));
}

static void check_use(struct vcon_port *p, unsigned number)
{
    char buf[8];

    con.hold_tx = false;
    con_take_data(&con.m->queues[number ? 2 * number + 3 : 1]);
    host_run_services();
    CHECK(con.sent_len == 13 && !memcmp(con.sent, "one two three", 13));
    CHECK(!vcon_unsent(p));
    CHECK_EQ(vcon_read(p, buf, 8), 6);
    CHECK(!memcmp(buf, "unread", 6));
    for (unsigned i = 0; i < 20; i++) {
        CHECK(con_deliver(number, "x", 1, 1));
        CHECK_EQ(vcon_read(p, buf, 8), 1);
        CHECK_EQ(vcon_write(p, "y", 1), 1);
        host_run_services();
        CHECK_EQ(con.sent_len, 14 + i);
    }
}

static void one_port(void)
{
    struct vcon_port *p;
    unsigned was;

    con_plug(MODEL_MMIO, false, true, 1);
    vcon_on_change(on_change);
    p = vcon_port(0);
    was = vcon_incarnation(p);
    CHECK_EQ(vcon_open(p), 0);
    for (unsigned i = 0; i < 5; i++) {
        uint16_t cols, rows;

        use(p, 0);
        model_field(con.m, 0, 2, 100 + i);
        con.m->reset_reads = 60;
        ask_for_reset();
        CHECK(!vcon_writable(p) && vcon_unsent(p) && vcon_present(p));
        CHECK_EQ(vcon_write(p, "z", 1), 0);
        host_run_for(20 * HAL_SEC);
        CHECK(changes > 0 && vcon_writable(p));
        CHECK(vcon_size(p, &cols, &rows) && cols == 100 + i);
        check_use(p, 0);
        CHECK(vcon_incarnation(p) == was && !vcon_host_closes(p));
    }
}

/* The device says again what ports there are; a port that is in use here is opened again. */
static void several_ports(void)
{
    struct vcon_port *p = boot_with_port();
    unsigned was = vcon_incarnation(p);

    for (unsigned i = 0; i < 5; i++) {
        use(p, 1);
        ask_for_reset();
        con_check_said(0, 0, READY, 1);
        CHECK_EQ(con.said_count, 1);
        CHECK(vcon_present(p));
        con_tell(1, ADD, 0);
        con_check_said(1, 1, PORT_READY, 1);
        con_check_said(2, 1, OPEN, 1);
        CHECK(!vcon_host_open(p));
        con_tell(1, OPEN, 1);
        con_tell(1, ADD, 0); /* nonsense as ever */
        CHECK_EQ(con.said_count, 3);
        check_use(p, 1);
        host_run_for(20 * HAL_SEC);
        CHECK(vcon_present(p) && vcon_incarnation(p) == was && !vcon_host_closes(p));
    }
    CHECK_EQ(host_log_matches("added twice"), 1);
}

static void port_does_not_come_back(void)
{
    struct vcon_port *p = boot_with_port();

    use(p, 1);
    ask_for_reset();
    changes = 0;
    host_run_for(2 * HAL_SEC);
    CHECK(!vcon_present(p) && changes > 0 && !vcon_port(0));
    CHECK(!vcon_unsent(p) && !vcon_writable(p));
    con.hold_tx = false;
    con_take_data(&con.m->queues[5]);
    vcon_close(p);
    con_tell(1, ADD, 0);
    con_tell(1, OPEN, 1);
    CHECK_EQ(vcon_open(p), 0);
    for (unsigned i = 0; i < 30; i++) {
        CHECK_EQ(vcon_write(p, "y", 1), 1);
        host_run_services();
    }
}

static void host_does_not_come_back(void)
{
    struct vcon_port *p = boot_with_port();

    ask_for_reset();
    con_tell(1, ADD, 0);
    CHECK_EQ(vcon_host_closes(p), 0);
    changes = 0;
    host_run_for(2 * HAL_SEC);
    CHECK_EQ(vcon_host_closes(p), 1);
    CHECK(changes > 0 && vcon_present(p) && !vcon_writable(p));
}

/* The same if the device is reset once more before it tells of the host's end. */
static void host_does_not_come_back_after_two_resets(void)
{
    struct vcon_port *p = boot_with_port();

    for (unsigned i = 0; i < 2; i++) {
        ask_for_reset();
        host_run_for(100 * HAL_MS); /* there is a pause before the second try */
        con_tell(1, ADD, 0);
    }
    CHECK_EQ(vcon_host_closes(p), 0);
    host_run_for(2 * HAL_SEC);
    CHECK_EQ(vcon_host_closes(p), 1);
}

/* A port's queue alone; no other port notices. */
static void one_queue(void)
{
    struct vcon_port *p;

    con.ring_reset = true;
    con_plug(MODEL_MMIO, true, false, 3);
    con_tell(1, ADD, 0);
    con_tell(1, OPEN, 1);
    p = vcon_port(0);
    CHECK_EQ(vcon_open(p), 0);
    vcon_on_change(on_change);
    for (unsigned i = 4; i < 6; i++) {
        use(p, 1);
        con.said_count = 0;
        virtq_fail(virtio_queue(virtio_find("vcon0"), i), "test");
        host_run_services();
        check_use(p, 1);
        CHECK_EQ(con.m->resets, 1);
        CHECK_EQ(con.said_count, 0);
    }
    for (unsigned i = 2; i < 4; i++) { /* of the control queues: all is said again */
        con.said_count = 0;
        virtq_fail(virtio_queue(virtio_find("vcon0"), i), "test");
        host_run_services();
        CHECK_EQ(con.m->resets, i);
        con_check_said(0, 0, READY, 1);
        con_tell(1, ADD, 0);
        con_tell(1, OPEN, 1);
        host_run_for(20 * HAL_SEC);
        CHECK(vcon_present(p) && vcon_writable(p));
    }
}

static void plugged_in_again(bool multi)
{
    struct virtio_device *dev;
    struct vcon_port *p;
    uint16_t cols, rows;

    con_plug(MODEL_MMIO, multi, !multi, 3);
    vcon_on_change(on_change);
    dev = virtio_find("vcon0");
    for (unsigned i = 0; i < 4; i++) {
        if (multi) {
            con_tell(1, ADD, 0);
            con_tell(1, OPEN, 1);
        }
        p = vcon_port(0);
        CHECK_EQ(vcon_incarnation(p), i + 1);
        CHECK_EQ(vcon_open(p), 0);
        use(p, multi);
        check_use(p, multi);
        use(p, multi);
        changes = 0;
        virtio_unplug(dev, false, i & 1);
        CHECK(changes > 0 && !vcon_present(p) && !vcon_port(0));
        CHECK(!vcon_unsent(p) && !vcon_writable(p));
        vcon_close(p);
        host_fail_alloc_after(0);
        CHECK_EQ(virtio_replug(dev), -ENODEV);
        host_fail_alloc_after(-1);
        CHECK(!vcon_port(0));
        con.hold_tx = false;
        CHECK_EQ(virtio_replug(dev), 0);
        host_run_services();
        CHECK(multi || (vcon_size(vcon_port(0), &cols, &rows) && cols == 80 && rows == 25));
    }
}

static void one_port_plugged_in_again(void)
{
    plugged_in_again(false);
}

static void several_ports_plugged_in_again(void)
{
    plugged_in_again(true);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(one_port, NULL),
        SHOWS(several_ports, NULL),
        SHOWS(port_does_not_come_back, NULL),
        SHOWS(host_does_not_come_back, NULL),
        SHOWS(host_does_not_come_back_after_two_resets, NULL),
        SHOWS(one_queue, NULL),
        SHOWS(one_port_plugged_in_again, NULL),
        SHOWS(several_ports_plugged_in_again, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
