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

/* When the image ends, the host has this long to read what was written. */
#define PORT_LAST_WORDS HAL_SEC

/* An open port. A port is open once at a time. */
struct port_file {
    struct vcon_port *port;
    struct file *file;
    unsigned incarnation; /* vcon_incarnation() when it was opened */
    unsigned closes;      /* vcon_host_closes() that the reader was told of, by an end of file */
    bool abandoned;       /* another task closed the descriptor */
    struct waitq queue;
    struct port_file *next;
};

static struct port_file *port_files;
static struct waitq port_arrivals; /* woken when a port may have come */
static uint64_t port_last_ns;      /* the image ends: no call waits longer; 0: it does not end */

static struct {
    const char *name; /* of the boot argument vireo.stdout= */
    struct port_file
        *port;         /* the port that descriptors 0 and 1 are; NULL: none, or it was closed */
    struct file *uart; /* what descriptors 0 and 1 were before */
    bool back;         /* the serial line is used again */
} standard;

/* Called by the driver when something about a port has changed. */
static void port_changed(struct vcon_port *port)
{
    for (struct port_file *p = port_files; p; p = p->next)
        if (p->port == port) {
            waitq_wake_all(&p->queue);
            file_ready(p->file, FILE_ANY);
        }
    waitq_wake_all(&port_arrivals);
}

/* ---- what a name means ----------------------------------------------------------------------- */

static bool port_is_called(const struct vcon_port *p, const char *name)
{
    unsigned device = vcon_device_number(p);
    char text[32];

    if (!strncmp(name, "vport/", 6))
        return name[6] && !strcmp(name + 6, vcon_label(p));
    snprintf(text, sizeof(text), "vport%up%u", device, vcon_port_number(p));
    if (!strcmp(name, text))
        return true;
    snprintf(text, sizeof(text), "vcon%u", device);
    return vcon_is_console(p) && !strcmp(name, text);
}

static struct vcon_port *port_find(const char *name)
{
    struct vcon_port *p;

    for (unsigned n = 0; (p = vcon_port(n)); n++)
        if (port_is_called(p, name))
            return p;
    return NULL;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* The port that was opened is not there any more; another may have its place. */
static bool port_gone(const struct port_file *p)
{
    return !vcon_present(p->port) || vcon_incarnation(p->port) != p->incarnation;
}

/* The host closed its end, and the reader was not told yet. */
static bool port_closed_by_host(const struct port_file *p)
{
    return p->closes != vcon_host_closes(p->port);
}

static bool port_has_input(const struct port_file *p)
{
    return vcon_incarnation(p->port) == p->incarnation && vcon_readable(p->port);
}

/*
 * True: the standard streams use the serial line again, since their port is gone, or since the
 * image ends and the host did not read in time.
 */
static bool port_back_on_uart(struct port_file *p)
{
    bool late = port_last_ns && hal_now_ns() >= port_last_ns;

    if (p != standard.port || (!port_gone(p) && !late))
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
        if (port_has_input(p))
            return (ssize_t)vcon_read(p->port, buf, len);
        if (port_back_on_uart(p))
            return standard.uart->ops->read(standard.uart, buf, len);
        if (port_gone(p) || port_closed_by_host(p)) {
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

        if (port_back_on_uart(p))
            return standard.uart->ops->write(standard.uart, rest, len - done) + (ssize_t)done;
        if (p->abandoned || port_gone(p))
            return done ? (ssize_t)done : p->abandoned ? -EBADF : -EIO;
        done += vcon_write(p->port, rest, len - done);
        if (done == len)
            break;
        if (f->flags & O_NONBLOCK)
            return done ? (ssize_t)done : -EAGAIN;
        if (waitq_wait(&p->queue, port_last_ns ? port_last_ns : HAL_NEVER) && p != standard.port)
            return done ? (ssize_t)done : -EIO; /* the image ends */
    }
    return (ssize_t)done;
}

static int port_poll(struct file *f, int events)
{
    struct port_file *p = f->ctx;
    int now = 0;

    if (port_has_input(p) || port_gone(p) || port_closed_by_host(p))
        now |= POLLIN | POLLRDNORM;
    if (port_gone(p) || vcon_writable(p->port))
        now |= POLLOUT | POLLWRNORM;
    now &= events;
    if (port_gone(p) || !(vcon_host_open(p->port) || vcon_is_console(p->port)))
        now |= POLLHUP;
    return now;
}

static int port_ioctl(struct file *f, unsigned long request, void *arg)
{
    struct port_file *p = f->ctx;
    struct winsize *w = arg;

    if (request == FIONREAD) {
        *(int *)arg = port_has_input(p) ? (int)vcon_readable(p->port) : 0;
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

/* Waits until the host has read everything that was written, or the port is gone. */
static int port_fsync(struct file *f)
{
    struct port_file *p = f->ctx;

    while (!port_gone(p) && vcon_unsent(p->port) && !port_back_on_uart(p))
        if (waitq_wait(&p->queue, port_last_ns ? port_last_ns : HAL_NEVER) && p != standard.port)
            return -EIO; /* the image ends */
    return port_gone(p) ? -EIO : 0;
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
    struct port_file *p = f->ctx, **at = &port_files;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    if (p == standard.port)
        standard.port = NULL;
    if (!port_gone(p))
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

static bool port_has_name(const char *name)
{
    return port_find(name) != NULL;
}

static int port_open_name(const char *name, int flags)
{
    struct port_file *p = calloc(1, sizeof(*p));
    int fd, err;

    if (!p)
        return -ENOMEM;
    p->port = port_find(name);
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
    p->next = port_files;
    port_files = p;
    return fd;
}

static int port_stat_name(const char *name, struct stat *st)
{
    (void)name;
    return port_fstat(NULL, st);
}

static struct dev_names port_names = {port_has_name, port_open_name, port_stat_name, NULL};

/* ---- standard input and output --------------------------------------------------------------- */

static void port_prepare(void)
{
    vcon_on_change(port_changed);
    dev_add(&port_names);
    standard.name = hal_option(NULL, "stdout");
}
HAL_INIT(HAL_INIT_STACK, port_prepare);

/* When the image ends: what was printed goes to the host, within PORT_LAST_WORDS. */
static void port_last_words(void)
{
    port_last_ns = hal_now_ns() + PORT_LAST_WORDS;
    if (!standard.port)
        return;
    fflush(stdout);
    if (standard.port) /* still so: fflush() may have found that the port is gone */
        port_fsync(standard.port->file);
}

/* The port of vireo.stdout=; NULL: it did not come while ports were being announced. */
static struct vcon_port *port_wait_for(void)
{
    uint64_t until = vcon_settled_at();

    while (!port_find(standard.name))
        if (waitq_wait(&port_arrivals, until))
            break;
    return port_find(standard.name);
}

/* Runs before main(), where it may wait: devices announce their ports one by one after the boot. */
__attribute__((constructor)) static void port_redirect_stdio(void)
{
    int fd;

    atexit(port_last_words);
    if (!standard.name)
        return;
    fd = port_wait_for() ? port_open_name(standard.name, O_RDWR) : -ENODEV;
    if (fd < 0) {
        hal_log(HAL_WARN, "console", "vireo.stdout=%s: no such port (%s); the serial line is used",
                standard.name,
                vcon_port(0) ? "give vport0p0, vport/NAME or vcon0" : "there is no port at all");
        return;
    }
    standard.uart = file_hold(1);
    standard.port = file_get(fd)->ctx;
    dup2(fd, 0);
    dup2(fd, 1);
    close(fd);
}
