/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console.c - descriptors 0, 1 and 2: the serial line. Bytes pass unchanged, except that CR is read
 * as a newline. There is no echo and no line editing, unless console_lines does both.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "board.h"
#include "files.h"
#include "runtime.h"

static struct waitq readers;
static int lookahead = -1; /* a byte that was received and not read yet; -1: none */

static bool console_service(struct hal_service *s)
{
    (void)s;
    waitq_wake_all(&readers);
    file_ready(&console_file.file, POLLIN | POLLRDNORM);
    return true;
}

static struct hal_service input;

static void console_on_input(void)
{
    hal_service_wake(&input);
}

/* Called by each reader: until the first, the UART's input is not enabled. */
static void console_start_input(void)
{
    static bool started;

    if (started)
        return;
    started = true;
    input.name = "console";
    input.run = console_service;
    hal_service_add(&input);
    board_console_on_input(console_on_input);
}

static bool console_input_waits(void)
{
    console_start_input();
    if (lookahead < 0)
        lookahead = board_console_getc();
    return lookahead >= 0;
}

const struct console_lines *console_lines;

int console_take(void)
{
    int c = console_input_waits() ? lookahead : -1;

    lookahead = -1;
    return c;
}

int console_wait(uint64_t deadline_ns)
{
    return waitq_wait(&readers, deadline_ns);
}

void console_put_text(const char *text, size_t len)
{
    console_put(text, len);
}

static bool console_waits(void)
{
    return console_lines ? console_lines->waits() : console_input_waits();
}

static ssize_t console_read(struct file *f, void *buf, size_t len)
{
    char *out = buf;
    size_t n = 0;

    if (console_lines)
        return console_lines->read(f, buf, len);
    while (len && !console_input_waits()) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        waitq_wait(&readers, HAL_NEVER);
    }
    while (n < len && console_input_waits()) {
        out[n++] = lookahead == '\r' ? '\n' : (char)lookahead;
        lookahead = -1;
    }
    return (ssize_t)n;
}

static ssize_t console_write(struct file *f, const void *buf, size_t len)
{
    (void)f;
    console_put(buf, len);
    return (ssize_t)len;
}

static int console_fstat(struct file *f, struct stat *st)
{
    (void)f;
    st->st_mode = S_IFCHR | 0620;
    st->st_nlink = 1;
    st->st_blksize = 1024;
    return 0;
}

static int console_ioctl(struct file *f, unsigned long request, void *arg)
{
    (void)f;
    if (request != FIONREAD)
        return -ENOTTY;
    *(int *)arg = console_waits() ? 1 : 0;
    return 0;
}

static int console_poll(struct file *f, int events)
{
    int now = POLLOUT | POLLWRNORM;

    (void)f;
    if ((events & (POLLIN | POLLRDNORM)) && console_waits())
        now |= POLLIN | POLLRDNORM;
    return now & events;
}

static bool console_terminal(struct file *f)
{
    (void)f;
    return true;
}

static const struct file_ops console_ops = {
    .name = "console",
    .read = console_read,
    .write = console_write,
    .fstat = console_fstat,
    .ioctl = console_ioctl,
    .poll = console_poll,
    .terminal = console_terminal,
};

struct open_file console_file = {.file = {.ops = &console_ops, .flags = O_RDWR, .refs = 3},
                                 .descriptors = 3};

int _isatty(int fd)
{
    struct file *f = file_get(fd);

    if (f && f->ops->terminal && f->ops->terminal(f))
        return 1;
    errno = f ? ENOTTY : EBADF;
    return 0;
}
