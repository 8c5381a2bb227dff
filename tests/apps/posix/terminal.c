/* SPDX-License-Identifier: BSD-2-Clause */
/* terminal.c - lines that are edited, the end of the input, signals of keys, bytes as they are. The
 * test types behind each line that begins with "terminal:". */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "posix.h"

static volatile int interrupts;

static void interrupted(int sig)
{
    (void)sig;
    interrupts++;
}

static bool reads(const char *what)
{
    char got[100];
    ssize_t n = read(0, got, sizeof(got));

    return n == (ssize_t)strlen(what) && !memcmp(got, what, (size_t)n);
}

static void say(const char *what)
{
    printf("terminal: %s\n", what);
}

void check_terminal(void)
{
    struct termios first, lines, raw;
    struct pollfd in = {.fd = 0, .events = POLLIN};
    char byte;

    fails(tcgetattr(99, &first), EBADF);
    is(!tcgetattr(0, &first) && !(first.c_lflag & (ICANON | ECHO)) && (first.c_iflag & ICRNL));
    lines = first;
    lines.c_lflag |= ICANON | ECHO | ECHOE | ISIG;
    fails(tcsetattr(0, 77, &lines), EINVAL);
    is(!tcsetattr(0, TCSAFLUSH, &lines) && poll(&in, 1, 0) == 0);
    say("lines");
    is(reads("wrong one three\n"));
    say("last");
    is(reads("rest") && read(0, &byte, 1) == 0);
    signal(SIGINT, interrupted);
    say("signal");
    is(reads("all\n") && interrupts == 1);
    raw = lines;
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 1;
    is(!tcsetattr(0, TCSANOW, &raw) && read(0, &byte, 1) == 0);
    raw.c_cc[VMIN] = 1;
    is(!tcsetattr(0, TCSANOW, &raw));
    say("raw");
    is(read(0, &byte, 1) == 1 && byte == 3 && read(0, &byte, 1) == 1 && byte == 0x7f);
    is(read(0, &byte, 1) == 1 && byte == '\r');
    is(cfsetspeed(&raw, B9600) == 0 && cfgetospeed(&raw) == B9600 && !tcdrain(0));
    is(tcgetsid(0) == 1 && !tcsetattr(0, TCSANOW, &first));
}
