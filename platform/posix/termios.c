/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * termios.c - lines of the serial line that can be edited (POSIX.1-2017, section 11.1): what stands
 * between the UART's bytes and who reads descriptor 0, once a program has asked for it.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "files.h"

#define CONTROL(letter) ((letter)&0x1f)
#define LINE_MAX_BYTES  1024u /* of a line that is edited; more are dropped with a bell */
#define TENTH           (HAL_SEC / 10)

static struct termios now = {
    .c_iflag = ICRNL,
    .c_oflag = OPOST,
    .c_cflag = CS8 | CREAD | CLOCAL,
    .c_cc = {[VINTR] = CONTROL('C'),
             [VQUIT] = CONTROL('\\'),
             [VERASE] = 0x7f,
             [VKILL] = CONTROL('U'),
             [VEOF] = CONTROL('D'),
             [VMIN] = 1,
             [VWERASE] = CONTROL('W')},
    .c_ispeed = B115200,
    .c_ospeed = B115200,
};

/* Bytes that were received: of them the first `ready` belong to lines that have ended. */
static struct {
    char bytes[LINE_MAX_BYTES];
    size_t len, ready;
    bool end; /* an end of file stands behind `ready` */
} line;

/* ---- echo ------------------------------------------------------------------------------------ */

static void line_echo(const char *text, size_t len)
{
    if (now.c_lflag & ECHO)
        console_put_text(text, len);
}

/* A control character as ^X. */
static void line_echo_byte(char c)
{
    char shown[2] = {'^', (char)(c ^ 0x40)};

    if (c == '\n') {
        if (now.c_lflag & (ECHO | ECHONL))
            console_put_text("\n", 1);
    } else if ((unsigned char)c < ' ' || c == 0x7f) {
        line_echo(shown, 2);
    } else {
        line_echo(&c, 1);
    }
}

/* ---- editing --------------------------------------------------------------------------------- */

static bool line_is(char c, unsigned which)
{
    return now.c_cc[which] && (unsigned char)c == now.c_cc[which];
}

/* Takes the last byte off the line that is edited, and off the screen. */
static void line_erase(void)
{
    char last;

    if (line.len == line.ready)
        return;
    last = line.bytes[--line.len];
    if (!(now.c_lflag & ECHOE))
        line_echo_byte((char)now.c_cc[VERASE]);
    else if ((unsigned char)last < ' ')
        line_echo("\b \b\b \b", 6);
    else
        line_echo("\b \b", 3);
}

static void line_erase_word(void)
{
    while (line.len > line.ready && line.bytes[line.len - 1] == ' ')
        line_erase();
    while (line.len > line.ready && line.bytes[line.len - 1] != ' ')
        line_erase();
}

static void line_erase_all(void)
{
    while (line.len > line.ready)
        line_erase();
}

/* True: the byte was a sign to edit the line by. */
static bool line_edit(char c)
{
    if (line_is(c, VERASE) || (c == '\b' && now.c_cc[VERASE] == 0x7f))
        line_erase();
    else if (line_is(c, VWERASE))
        line_erase_word();
    else if (line_is(c, VKILL))
        line_erase_all();
    else if (line_is(c, VEOF)) {
        line.end = line.len == line.ready;
        line.ready = line.len;
    } else {
        return false;
    }
    return true;
}

/* True: the byte was a signal, which has been sent. */
static bool line_signal(char c)
{
    int sig = line_is(c, VINTR) ? SIGINT : line_is(c, VQUIT) ? SIGQUIT : 0;

    if (!sig || !(now.c_lflag & ISIG))
        return false;
    line_echo_byte(c);
    line.len = line.ready;
    raise(sig);
    return true;
}

/* A byte from the UART. */
static void line_take(char c)
{
    if (c == '\r' && (now.c_iflag & IGNCR))
        return;
    if (c == '\r' && (now.c_iflag & ICRNL))
        c = '\n';
    else if (c == '\n' && (now.c_iflag & INLCR))
        c = '\r';
    if (line_signal(c) || ((now.c_lflag & ICANON) && line_edit(c)))
        return;
    if (line.len == sizeof(line.bytes) - (c != '\n')) {
        console_put_text("\a", 1);
        return;
    }
    line_echo_byte(c);
    line.bytes[line.len++] = c;
    if (!(now.c_lflag & ICANON) || c == '\n' || line_is(c, VEOL))
        line.ready = line.len;
}

/* Takes all that the UART has. True: there is something to read. */
static bool line_waits(void)
{
    int c;

    while (!line.end && line.len < sizeof(line.bytes) && (c = console_take()) >= 0)
        line_take((char)c);
    return line.ready || line.end;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* When a read without lines gives up: VMIN 0 and VTIME tenths of a second. */
static uint64_t line_deadline(void)
{
    if ((now.c_lflag & ICANON) || now.c_cc[VMIN])
        return HAL_NEVER;
    return hal_now_ns() + now.c_cc[VTIME] * TENTH;
}

/* In canonical mode one line at most. */
static size_t line_bytes(size_t len)
{
    const char *end = now.c_lflag & ICANON ? memchr(line.bytes, '\n', line.ready) : NULL;
    size_t most = end ? (size_t)(end - line.bytes) + 1 : line.ready;

    return len < most ? len : most;
}

static ssize_t line_read(struct file *f, void *buf, size_t len)
{
    uint64_t deadline = line_deadline();
    size_t n;

    while (len && !line_waits()) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        if (console_wait(deadline) && hal_now_ns() >= deadline)
            return 0;
    }
    n = line_bytes(len);
    if (!n)
        line.end = false;
    memcpy(buf, line.bytes, n);
    line.len -= n;
    line.ready -= n;
    memmove(line.bytes, line.bytes + n, line.len);
    return (ssize_t)n;
}

static const struct console_lines lines = {line_read, line_waits};

/* ---- <termios.h> ----------------------------------------------------------------------------- */

static int terminal_is(int fd)
{
    return isatty(fd) ? 0 : -1;
}

int tcgetattr(int fd, struct termios *out)
{
    if (terminal_is(fd))
        return -1;
    *out = now;
    return 0;
}

int tcflush(int fd, int what)
{
    if (terminal_is(fd))
        return -1;
    if (what != TCIFLUSH && what != TCOFLUSH && what != TCIOFLUSH)
        return (int)posix_result(-EINVAL);
    if (what != TCOFLUSH) {
        while (console_take() >= 0)
            ;
        line.len = line.ready = 0;
        line.end = false;
    }
    return 0;
}

int tcsetattr(int fd, int when, const struct termios *to)
{
    if (terminal_is(fd))
        return -1;
    if (when != TCSANOW && when != TCSADRAIN && when != TCSAFLUSH)
        return (int)posix_result(-EINVAL);
    if (when == TCSAFLUSH)
        tcflush(fd, TCIFLUSH);
    now = *to;
    if (!(now.c_lflag & ICANON))
        line.ready = line.len;
    console_lines = &lines;
    return 0;
}

int tcdrain(int fd)
{
    return terminal_is(fd);
}

int tcflow(int fd, int what)
{
    if (terminal_is(fd))
        return -1;
    return (int)posix_result(what >= TCOOFF && what <= TCION ? 0 : -EINVAL);
}

int tcsendbreak(int fd, int tenths)
{
    (void)tenths;
    return terminal_is(fd);
}

pid_t tcgetsid(int fd)
{
    return terminal_is(fd) ? -1 : getsid(0);
}

speed_t cfgetispeed(const struct termios *t)
{
    return t->c_ispeed;
}

speed_t cfgetospeed(const struct termios *t)
{
    return t->c_ospeed;
}

int cfsetispeed(struct termios *t, speed_t speed)
{
    t->c_ispeed = speed;
    return 0;
}

int cfsetospeed(struct termios *t, speed_t speed)
{
    t->c_ospeed = speed;
    return 0;
}

int cfsetspeed(struct termios *t, speed_t speed)
{
    t->c_ispeed = t->c_ospeed = speed;
    return 0;
}

void cfmakeraw(struct termios *t)
{
    t->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    t->c_oflag &= ~(tcflag_t)OPOST;
    t->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    t->c_cflag = (t->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    t->c_cc[VMIN] = 1;
    t->c_cc[VTIME] = 0;
}
