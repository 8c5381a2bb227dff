/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev_console.c - the ports of virtio consoles as files: /dev/vportNpM is port M of device N,
 * /dev/vport/NAME the port that the host named so, /dev/vconN the first console port of device N.
 * One of them becomes descriptors 0 and 1 with the boot argument vireo.stdout=.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console/vcon.h"
#include "dev.h"
#include "vireo/task.h"

/* How long the host may take over what is unread when the image ends. */
#define LAST_WORDS HAL_SEC

/* An open port. A port is open once at a time. */
struct port_file {
    struct vcon_port *port;
    struct file *file;
    unsigned incarnation; /* of the port, when it was opened */
    unsigned closes;      /* of the host, that were told to the reader */
    bool abandoned;       /* another task closed it */
    struct waitq queue;
    struct port_file *next;
};

static struct port_file *open_ports;
static struct waitq arrivals; /* a port may have come */
static uint64_t last_ns;      /* the image ends: no host is waited for beyond; 0: it does not */

static struct {
    const char *name;       /* what vireo.stdout= says */
    struct port_file *port; /* that has become descriptors 0 and 1, while it is open */
    struct file *uart;      /* what they were */
    bool back;              /* on the serial line again */
} standard;

static void on_change(struct vcon_port *port)
{
    for (struct port_file *p = open_ports; p; p = p->next)
        if (p->port == port) {
            waitq_wake_all(&p->queue);
            file_ready(p->file);
        }
    waitq_wake_all(&arrivals);
}

/* ---- what a name means ----------------------------------------------------------------------- */

static bool is_called(const struct vcon_port *p, const char *name)
{
    unsigned device = vcon_device_number(p);
    char text[32];

    if (!strncmp(name, "vport/", 6))
        return name[6] && !strcmp(name + 6, vcon_label(p));
    snprintf(text, sizeof text, "vport%up%u", device, vcon_port_number(p));
    if (!strcmp(name, text))
        return true;
    snprintf(text, sizeof text, "vcon%u", device);
    return vcon_is_console(p) && !strcmp(name, text);
}

static struct vcon_port *find(const char *name)
{
    struct vcon_port *p;

    for (unsigned n = 0; (p = vcon_port(n)); n++)
        if (is_called(p, name))
            return p;
    return NULL;
}

/* ---- the file -------------------------------------------------------------------------------- */

static bool gone(const struct port_file *p)
{
    return !vcon_present(p->port) || vcon_incarnation(p->port) != p->incarnation;
}

/* The host let go of its end, and the reader does not know yet. */
static bool closed_by_host(const struct port_file *p)
{
    return p->closes != vcon_host_closes(p->port);
}

static bool has_input(const struct port_file *p)
{
    return vcon_incarnation(p->port) == p->incarnation && vcon_readable(p->port);
}

/*
 * The standard streams go back to the serial line when their port is gone for good, or takes
 * nothing any more while the image ends.
 */
static bool back_on_uart(struct port_file *p)
{
    bool late = last_ns && hal_now_ns() >= last_ns;

    if (p != standard.port || (!gone(p) && !late))
        return false;
    if (!standard.back)
        hal_log(HAL_WARN, "console", "%s: %s: the serial line is used again", standard.name,
                late ? "the host does not read" : "the port is gone");
    standard.back = true;
    return true;
}

static ssize_t port_read(struct file *f, void *buf, size_t len)
{
    struct port_file *p = f->ctx;

    while (len) {
        if (p->abandoned)
            return -EBADF;
        if (has_input(p))
            return (ssize_t)vcon_read(p->port, buf, len);
        if (back_on_uart(p))
            return standard.uart->ops->read(standard.uart, buf, len);
        if (gone(p) || closed_by_host(p)) {
            p->closes = vcon_host_closes(p->port);
            return 0;
        }
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        waitq_wait(&p->queue, HAL_NEVER);
    }
    return 0;
}

static ssize_t port_write(struct file *f, const void *buf, size_t len)
{
    struct port_file *p = f->ctx;
    size_t done = 0;

    while (done < len) {
        const char *rest = (const char *)buf + done;

        if (back_on_uart(p))
            return standard.uart->ops->write(standard.uart, rest, len - done) + (ssize_t)done;
        if (p->abandoned || gone(p))
            return done ? (ssize_t)done : p->abandoned ? -EBADF : -EIO;
        done += vcon_write(p->port, rest, len - done);
        if (done == len)
            break;
        if (f->flags & O_NONBLOCK)
            return done ? (ssize_t)done : -EAGAIN;
        if (waitq_wait(&p->queue, last_ns ? last_ns : HAL_NEVER) && p != standard.port)
            return done ? (ssize_t)done : -EIO; /* the image ends, and waits no longer */
    }
    return (ssize_t)done;
}

static int port_poll(struct file *f, int events)
{
    struct port_file *p = f->ctx;
    int now = 0;

    if (has_input(p) || gone(p) || closed_by_host(p))
        now |= POLLIN | POLLRDNORM;
    if (gone(p) || vcon_writable(p->port))
        now |= POLLOUT | POLLWRNORM;
    now &= events;
    if (gone(p) || !(vcon_host_open(p->port) || vcon_is_console(p->port)))
        now |= POLLHUP;
    return now;
}

static int port_ioctl(struct file *f, unsigned long request, void *arg)
{
    struct port_file *p = f->ctx;
    struct winsize *w = arg;

    if (request == FIONREAD) {
        *(int *)arg = has_input(p) ? (int)vcon_readable(p->port) : 0;
        return 0;
    }
    if (request != TIOCGWINSZ)
        return -ENOTTY;
    *w = (struct winsize){0};
    return vcon_size(p->port, &w->ws_col, &w->ws_row) ? 0 : -ENOTTY;
}

static int port_fstat(struct file *f, struct stat *st)
{
    (void)f;
    *st = (struct stat){.st_mode = S_IFCHR | 0600, .st_nlink = 1, .st_blksize = 2048};
    return 0;
}

/* Waits until the host has all that was written, or is gone. */
static int port_fsync(struct file *f)
{
    struct port_file *p = f->ctx;

    while (!gone(p) && vcon_unsent(p->port) && !back_on_uart(p))
        if (waitq_wait(&p->queue, last_ns ? last_ns : HAL_NEVER) && p != standard.port)
            return -EIO; /* the image ends, and waits no longer */
    return gone(p) ? -EIO : 0;
}

static bool port_terminal(struct file *f)
{
    return vcon_is_console(((struct port_file *)f->ctx)->port);
}

static void port_abandon(struct file *f)
{
    struct port_file *p = f->ctx;

    p->abandoned = true;
    waitq_wake_all(&p->queue);
}

static int port_close(struct file *f)
{
    struct port_file *p = f->ctx, **at = &open_ports;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    if (p == standard.port)
        standard.port = NULL;
    if (!gone(p))
        vcon_close(p->port);
    free(p);
    return 0;
}

static const struct file_ops port_ops = {
    .name = "port",
    .read = port_read,
    .write = port_write,
    .fstat = port_fstat,
    .fsync = port_fsync,
    .ioctl = port_ioctl,
    .poll = port_poll,
    .terminal = port_terminal,
    .abandon = port_abandon,
    .close = port_close,
};

/* ---- names ----------------------------------------------------------------------------------- */

static bool has(const char *name)
{
    return find(name) != NULL;
}

static int open_name(const char *name, int flags)
{
    struct port_file *p = calloc(1, sizeof *p);
    int fd, err;

    if (!p)
        return -ENOMEM;
    p->port = find(name);
    p->incarnation = vcon_incarnation(p->port);
    p->closes = vcon_host_closes(p->port);
    err = vcon_open(p->port);
    fd = err ? err : file_install(&port_ops, p, (unsigned)flags);
    if (fd < 0) {
        if (!err)
            vcon_close(p->port);
        free(p);
        return fd;
    }
    p->file = file_get(fd);
    p->next = open_ports;
    open_ports = p;
    return fd;
}

static int stat_name(const char *name, struct stat *st)
{
    (void)name;
    return port_fstat(NULL, st);
}

static struct dev_names names = {has, open_name, stat_name, NULL};

/* ---- standard input and output --------------------------------------------------------------- */

static void prepare(void)
{
    vcon_on_change(on_change);
    dev_add(&names);
    standard.name = hal_option(NULL, "stdout");
}
HAL_INIT(HAL_INIT_STACK, prepare);

static void last_words(void)
{
    last_ns = hal_now_ns() + LAST_WORDS;
    if (!standard.port)
        return;
    fflush(stdout);
    if (standard.port) /* still: that was a chance to find it gone */
        port_fsync(standard.port->file);
}

static struct vcon_port *wait_for_port(void)
{
    uint64_t until = vcon_settled_at();

    while (!find(standard.name))
        if (waitq_wait(&arrivals, until))
            break;
    return find(standard.name);
}

/* Before main(), where waiting is allowed: ports are told one by one, and a little late. */
__attribute__((constructor)) static void redirect(void)
{
    int fd;

    atexit(last_words);
    if (!standard.name)
        return;
    fd = wait_for_port() ? open_name(standard.name, O_RDWR) : -ENODEV;
    if (fd < 0) {
        hal_log(HAL_WARN, "console", "vireo.stdout=%s: no such port (%s): the serial line stays",
                standard.name,
                vcon_port(0) ? "vport0p0, vport/NAME or vcon0 is meant" : "there is none at all");
        return;
    }
    standard.uart = file_hold(1);
    standard.port = file_get(fd)->ctx;
    dup2(fd, 0);
    dup2(fd, 1);
    close(fd);
}
