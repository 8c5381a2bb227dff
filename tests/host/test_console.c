/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_console.c - the console device (virtio 1.4, section 5.3) against a scripted one: one port
 * and several, control messages that are lawful and that are not, ports that go while they are in
 * use.
 */
#include <string.h>

#include "check.h"
#include "conmodel.h"
#include "console/vcon.h"
#include "virtio/virtio.h"

enum { PORTS = 3, BUF = CON_BUF, RX = 4, TX = 8 };

static struct vcon_port *boot_with_port(uint32_t id)
{
    con_plug(MODEL_MMIO, true, false, PORTS);
    con_tell(id, ADD, 0);
    con_tell(id, OPEN, 1);
    CHECK(vcon_port(0) != NULL);
    return vcon_port(0);
}

/* ---- one port -------------------------------------------------------------------------------- */

static void one_port(enum model_transport t)
{
    struct vcon_port *p;
    char buf[16];

    con_plug(t, false, false, 1);
    p = vcon_port(0);
    CHECK(p && !vcon_port(1) && vcon_is_console(p) && vcon_host_open(p));
    CHECK_EQ(vcon_settled_at(), 0);
    CHECK(!con.m->queues[2].ready && con.m->queues[0].ready && con.m->queues[1].ready);
    CHECK_EQ(vcon_open(p), 0);
    CHECK_EQ(vcon_open(p), -EBUSY);
    CHECK_EQ(vcon_write(p, "hello", 5), 5);
    CHECK(con.sent_len == 5 && !memcmp(con.sent, "hello", 5));
    CHECK_EQ(vcon_read(p, buf, 16), 0);
    CHECK(con_deliver(0, "answer", 6, 6));
    CHECK_EQ(vcon_readable(p), 6);
    CHECK_EQ(vcon_read(p, buf, 4), 4);
    CHECK_EQ(vcon_read(p, buf + 4, 12), 2);
    CHECK(!memcmp(buf, "answer", 6));
    CHECK_EQ(con.said_count, 0);
}

static void one_port_modern(void)
{
    one_port(MODEL_MMIO);
}

static void one_port_legacy(void)
{
    one_port(MODEL_MMIO_LEGACY);
}

/* The device gets its buffers back only as fast as a reader reads, and then all of them. */
static void reader_holds_back_host(void)
{
    struct vcon_port *p;
    char text[BUF], buf[BUF];

    con_plug(MODEL_MMIO, false, false, 1);
    p = vcon_port(0);
    for (unsigned round = 0; round < 50; round++) {
        unsigned n = 0;

        memset(text, 'a' + (char)(round % 26), sizeof(text));
        while (con_deliver(0, text, BUF, BUF))
            n++;
        CHECK_EQ(n, RX);
        CHECK_EQ(vcon_readable(p), RX * BUF);
        for (unsigned i = 0; i < RX; i++) {
            CHECK_EQ(vcon_read(p, buf, BUF), BUF);
            CHECK(!memcmp(buf, text, BUF));
        }
    }
}

static void host_holds_back_writer(void)
{
    static uint8_t data[3 * TX * BUF];
    struct vcon_port *p;
    size_t done;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 999);
    con_plug(MODEL_MMIO, false, false, 1);
    p = vcon_port(0);
    con.hold_tx = true;
    done = vcon_write(p, data, sizeof(data));
    CHECK_EQ(done, TX * BUF);
    CHECK(!vcon_writable(p) && vcon_unsent(p));
    CHECK_EQ(vcon_write(p, data, 1), 0);
    con.hold_tx = false;
    while (done < sizeof(data)) {
        con_take_data(&con.m->queues[1]);
        host_run_services();
        done += vcon_write(p, data + done, sizeof(data) - done);
    }
    con_take_data(&con.m->queues[1]);
    host_run_services();
    CHECK(!vcon_unsent(p) && vcon_writable(p));
    CHECK(con.sent_len == sizeof(data) && !memcmp(con.sent, data, sizeof(data)));
}

/* ---- size ------------------------------------------------------------------------------------ */

static void size_of_port_0(void)
{
    uint16_t cols, rows;

    con_plug(MODEL_MMIO, false, true, 1);
    CHECK(vcon_size(vcon_port(0), &cols, &rows) && cols == 80 && rows == 25);
    model_field(con.m, 0, 2, 132);
    con.m->generation++;
    model_raise(con.m, 2, NULL);
    host_run_services();
    CHECK(vcon_size(vcon_port(0), &cols, &rows) && cols == 132 && rows == 25);
}

static void no_size_without_the_feature(void)
{
    uint16_t cols, rows;

    con_plug(MODEL_MMIO, false, false, 1);
    CHECK(!vcon_size(vcon_port(0), &cols, &rows));
}

static void resize_message(void)
{
    static const uint16_t size[2] = {100, 40}; /* columns first */
    struct vcon_port *p = boot_with_port(1);
    uint16_t cols, rows;

    CHECK(!vcon_size(p, &cols, &rows));
    con_tell_len(1, RESIZE, 0, size, 4, 11);
    CHECK(!vcon_size(p, &cols, &rows)); /* a byte short */
    con_tell_len(1, RESIZE, 0, size, 4, 12);
    CHECK(vcon_size(p, &cols, &rows) && cols == 100 && rows == 40);
}

/* ---- control --------------------------------------------------------------------------------- */

static void handshake(enum model_transport t)
{
    con_plug(t, true, false, PORTS);
    CHECK(!vcon_port(0) && vcon_settled_at() > 0);
    for (unsigned i = 0; i < 2 * PORTS + 2; i++)
        CHECK(con.m->queues[i].ready);
    con_check_said(0, con.said[0].id, READY, 1);
    CHECK_EQ(con.said_count, 1);
    CHECK_EQ(model_avail_idx(con_rxq(2)), 0);
    con_tell(2, ADD, 0);
    con_check_said(1, 2, PORT_READY, 1);
    CHECK_EQ(model_avail_idx(con_rxq(2)), RX);
    CHECK_EQ(vcon_port_number(vcon_port(0)), 2);
    CHECK(!vcon_is_console(vcon_port(0)) && !vcon_host_open(vcon_port(0)));
    con_tell(2, CONSOLE, 1);
    con_check_said(2, 2, OPEN, 1);
    CHECK_EQ(con.said_count, 3);
    CHECK(vcon_is_console(vcon_port(0)) && vcon_writable(vcon_port(0)));
    con_tell_len(2, NAME, 1, "org.name", 8, 16);
    CHECK(!strcmp(vcon_label(vcon_port(0)), "org.name"));
    con_tell(0, ADD, 0);
    con_tell(0, CONSOLE, 1); /* there may be more than one */
    CHECK(vcon_is_console(vcon_port(0)) && vcon_is_console(vcon_port(1)));
}

static void handshake_modern(void)
{
    handshake(MODEL_MMIO);
}

/* Devices of before 1.0 may say anything of the length of what they only read. */
static void handshake_legacy(void)
{
    con.sent_used_len = 77;
    handshake(MODEL_MMIO_LEGACY);
    CHECK_EQ(vcon_open(vcon_port(0)), 0);
    CHECK_EQ(vcon_write(vcon_port(0), "data", 4), 4);
    host_run_services();
    CHECK(con.sent_len == 4 && !memcmp(con.sent, "data", 4) && !vcon_unsent(vcon_port(0)));
}

/* A device may drop an answer for which it has no buffer: two messages, where it has eight. */
static void no_more_messages_than_answers(void)
{
    struct virtq *out;

    con.control_max = 8;
    con_plug(MODEL_MMIO, true, false, PORTS);
    out = virtio_queue(virtio_find("vcon0"), 3);
    con.hold_control = true;
    for (uint32_t id = 0; id < PORTS; id++)
        con_tell(id, ADD, 0);
    CHECK_EQ(virtq_in_flight(out), 2);
    con.hold_control = false;
    con_take_control();
    host_run_services();
    CHECK_EQ(con.said_count, 1 + PORTS);
    CHECK_EQ(virtq_in_flight(out), 0);
}

static void names(void)
{
    struct vcon_port *p = boot_with_port(1);
    char longer[80];

    con_tell_len(1, NAME, 1, "abc", 3, 10); /* the length counts, not what lies behind it */
    CHECK(!strcmp(vcon_label(p), "ab"));
    con_tell_len(1, NAME, 1, "abc\0", 4, 12); /* as QEMU does it */
    CHECK(!strcmp(vcon_label(p), "abc"));
    con_tell_len(1, NAME, 1, "a\nb\x7f", 4, 12);
    CHECK(!strcmp(vcon_label(p), "a?b?"));
    memset(longer, 'n', sizeof(longer));
    con_tell_len(1, NAME, 1, longer, 80, 88);
    CHECK_EQ(strlen(vcon_label(p)), 63);
    con_tell_len(1, NAME, 1, NULL, 0, 8);
    CHECK_EQ(strlen(vcon_label(p)), 0);
}

static void opening_and_closing(void)
{
    struct vcon_port *p = boot_with_port(1);
    unsigned before = con.said_count;
    char buf[8];

    CHECK_EQ(vcon_open(p), 0);
    con_check_said(before, 1, OPEN, 1);
    CHECK(con_deliver(1, "stale", 5, 5));
    vcon_close(p);
    host_run_services();
    con_check_said(before + 1, 1, OPEN, 0);
    CHECK_EQ(vcon_open(p), 0);
    CHECK_EQ(vcon_read(p, buf, 8), 0); /* the bytes were for the former opener */
    con_tell(1, OPEN, 0);
    CHECK(!vcon_host_open(p) && !vcon_writable(p));
    CHECK_EQ(vcon_host_closes(p), 1);
    con_tell(1, OPEN, 1);
    CHECK(vcon_host_open(p) && vcon_writable(p));
}

/* ---- what a bad device says ------------------------------------------------------------------ */

static void nonsense(void)
{
    struct vcon_port *p = boot_with_port(1);
    unsigned before = con.said_count;

    for (unsigned again = 0; again < 3; again++) {
        for (uint32_t len = 0; len < 8; len++)
            con_tell_len(1, REMOVE, 0, NULL, 0, len); /* too short to mean it */
        con_tell(1, ADD, 0);                          /* it is there */
        con_tell(2, REMOVE, 0);                       /* it is not */
        con_tell(2, CONSOLE, 1);
        con_tell(2, OPEN, 1);
        con_tell_len(2, NAME, 0, "x", 1, 9);
        con_tell(PORTS, REMOVE, 0);
        con_tell(0xffffffff, ADD, 0);
        con_tell(0x80000000, CONSOLE, 0);
        con_tell(1, READY, 1); /* the driver's own */
        con_tell(1, PORT_READY, 1);
        con_tell(1, 0xffff, 0);
    }
    CHECK(vcon_port(0) == p && !vcon_port(1) && vcon_present(p));
    CHECK_EQ(con.said_count, before);
    CHECK_EQ(host_log_matches("control message ignored"), 4);
    CHECK_EQ(virtq_state(virtio_queue(virtio_find("vcon0"), 2)), VIRTQ_OK);
}

/* A port that has no queues here is answered, once for each time that it is added. */
static void refused_ports(void)
{
    host_set_bootargs("vireo.vcon0.ports=2");
    con_plug(MODEL_MMIO, true, false, PORTS);
    CHECK(!con.m->queues[6].ready);
    con_tell(2, ADD, 0);
    con_check_said(1, 2, PORT_READY, 0);
    CHECK_EQ(con.said_count, 2);
    con_tell(1, ADD, 0);
    con_check_said(2, 1, PORT_READY, 1);
    CHECK_EQ(vcon_port_number(vcon_port(0)), 1);
}

static void no_memory_for_a_port(void)
{
    con_plug(MODEL_MMIO, true, false, PORTS);
    host_fail_alloc_after(0);
    con_tell(1, ADD, 0);
    con_check_said(1, 1, PORT_READY, 0);
    con_tell(1, ADD, 0);
    con_check_said(2, 1, PORT_READY, 0);
    host_fail_alloc_after(-1);
    CHECK_EQ(host_log_matches("no memory for port 1"), 1);
    CHECK(!vcon_port(0));
    con_tell(1, ADD, 0); /* now there is */
    con_check_said(3, 1, PORT_READY, 1);
    CHECK(vcon_port(0) != NULL);
}

/* Each allocation in turn is the one that fails, until the device can be used. */
static void no_memory_at_boot(bool multi)
{
    for (int64_t n = 0; !virtio_find("vcon0"); n++) {
        int64_t before = host_live_blocks();

        CHECK(n < 200);
        host_fail_alloc_after(n);
        if (n == 0)
            con_plug(MODEL_MMIO, multi, false, PORTS);
        else
            host_boot();
        host_fail_alloc_after(-1);
        CHECK(virtio_find("vcon0") || host_live_blocks() <= before + 1); /* the transport's own */
    }
    host_run_services();
}

static void no_memory_at_boot_one(void)
{
    no_memory_at_boot(false);
    CHECK(vcon_port(0) != NULL);
}

static void no_memory_at_boot_several(void)
{
    no_memory_at_boot(true);
    con_tell(1, ADD, 0);
    CHECK(vcon_port(0) != NULL);
}

static void no_ports_at_all(void)
{
    con_plug(MODEL_MMIO, true, false, 0);
    CHECK(!virtio_find("vcon0"));
    CHECK(host_logged("the device has no port"));
}

static void more_ports_than_queues(void)
{
    con_plug(MODEL_MMIO, true, false, 0xffffffff);
    CHECK(!virtio_find("vcon0")); /* the model has queues for three */
    CHECK(host_logged("no queue 8"));
}

static void lengths_that_cannot_be(void)
{
    struct vcon_port *p;
    static char buf[2 * BUF];

    host_set_bootargs("vireo.resets=0");
    con_plug(MODEL_MMIO, false, false, 1);
    p = vcon_port(0);
    CHECK(con_deliver(0, "abc", 3, 0xffffffff)); /* never more than was posted */
    CHECK_EQ(vcon_read(p, buf, sizeof(buf)), BUF);
    CHECK(con_deliver(0, "", 0, 0));
    CHECK_EQ(vcon_readable(p), 0);
    CHECK(con_deliver(0, "abc", 3, 3));
    CHECK_EQ(vcon_read(p, buf, sizeof(buf)), 3);
    for (unsigned i = 0; i < 100 && vcon_present(p); i++)
        con_deliver(0, "", 0, 0);
    CHECK(!vcon_present(p));
    CHECK(host_logged("without a byte"));
}

/* ---- ports that go --------------------------------------------------------------------------- */

/* Sent buffers may come back or not, and so may the port: no byte is lost or doubled. */
static void removed_while_written_to(void)
{
    struct vcon_port *p = boot_with_port(1);
    static uint8_t data[TX * BUF];
    unsigned first = vcon_incarnation(p);

    con.hold_tx = true;
    CHECK_EQ(vcon_open(p), 0);
    CHECK_EQ(vcon_write(p, data, sizeof(data)), sizeof(data));
    CHECK(con_deliver(1, "unread", 6, 6));
    con_tell(1, REMOVE, 0);
    CHECK(!vcon_present(p) && !vcon_writable(p) && !vcon_port(0));
    CHECK_EQ(vcon_write(p, data, 10), 0);
    con_tell(1, REMOVE, 0); /* and nonsense on top */
    con_tell(1, ADD, 0);
    CHECK_EQ(vcon_incarnation(p), first + 1);
    CHECK_EQ(vcon_readable(p), 0);
    con_tell(1, OPEN, 1);
    CHECK_EQ(vcon_open(p), 0);
    CHECK(!vcon_writable(p)); /* the device still has every buffer */
    con.hold_tx = false;
    con_take_data(&con.m->queues[5]);
    host_run_services();
    CHECK_EQ(vcon_write(p, "new", 3), 3);
    CHECK(!memcmp(con.sent + con.sent_len - 3, "new", 3));
    for (unsigned i = 0; i < RX; i++)
        CHECK(con_deliver(1, "x", 1, 1));
    CHECK(!con_deliver(1, "x", 1, 1));
    CHECK_EQ(vcon_readable(p), RX);
}

static unsigned changes;

static void on_change(struct vcon_port *p)
{
    (void)p;
    changes++;
}

static void dies(bool reset_completes)
{
    struct vcon_port *p;
    int64_t blocks;
    char buf[8];

    host_set_bootargs("vireo.resets=0");
    p = boot_with_port(1);
    blocks = host_live_blocks();
    vcon_on_change(on_change);
    con.hold_tx = true;
    CHECK_EQ(vcon_open(p), 0);
    CHECK_EQ(vcon_write(p, "abc", 3), 3);
    CHECK(con_deliver(1, "unread", 6, 6));
    changes = 0;
    con.m->reset_never = !reset_completes;
    con.m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(con.m, 2, NULL);
    host_run_for(2 * HAL_SEC);
    CHECK(changes > 0 && !vcon_present(p) && !vcon_port(0));
    CHECK_EQ(vcon_read(p, buf, 8), 0);
    CHECK_EQ(vcon_write(p, buf, 8), 0);
    CHECK(!vcon_unsent(p));
    vcon_close(p);
    CHECK_EQ(host_live_blocks(), reset_completes ? blocks - 2 : blocks);
}

static void dies_cleanly(void)
{
    dies(true);
}

static void dies_for_good(void)
{
    dies(false);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"one_port_modern", one_port_modern, "CON-01 CON-03 CON-06 CON-07 CON-08"},
        {"one_port_legacy", one_port_legacy, "CON-01 CON-03"},
        {"reader_holds_back_host", reader_holds_back_host, "CON-07"},
        {"host_holds_back_writer", host_holds_back_writer, "CON-08"},
        {"size_of_port_0", size_of_port_0, "CON-04 CON-09"},
        {"no_size_without_the_feature", no_size_without_the_feature, "CON-04"},
        {"resize_message", resize_message, "CON-11"},
        {"handshake_modern", handshake_modern,
         "CON-02 CON-06 CON-10 CON-11 CON-12 CON-13 CON-14 CON-15 CON-16 CON-17"},
        {"handshake_legacy", handshake_legacy,
         "CON-02 CON-10 CON-12 LEGACY-CON-01 LEGACY-CON-02 LEGACY-CON-03 LEGACY-CON-04"},
        {"no_more_messages_than_answers", no_more_messages_than_answers, ""},
        {"names", names, "CON-17"},
        {"opening_and_closing", opening_and_closing, "CON-11"},
        {"nonsense", nonsense, ""},
        {"refused_ports", refused_ports, "CON-12"},
        {"no_memory_for_a_port", no_memory_for_a_port, "CON-12"},
        {"no_memory_at_boot_one", no_memory_at_boot_one, ""},
        {"no_memory_at_boot_several", no_memory_at_boot_several, ""},
        {"no_ports_at_all", no_ports_at_all, ""},
        {"more_ports_than_queues", more_ports_than_queues, ""},
        {"lengths_that_cannot_be", lengths_that_cannot_be, ""},
        {"removed_while_written_to", removed_while_written_to, ""},
        {"dies_cleanly", dies_cleanly, ""},
        {"dies_for_good", dies_for_good, ""},
    };
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
