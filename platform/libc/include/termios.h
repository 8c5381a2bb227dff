/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * termios.h - the terminal (POSIX.1-2017, chapter 11), with Linux' numbers. There is one, the
 * serial line. At the start it passes bytes as they are, with CR read as a newline; a program that
 * sets ICANON, ECHO or ISIG gets lines that can be edited, an echo, and SIGINT and SIGQUIT, which a
 * task that reads the line sends.
 */
#ifndef _TERMIOS_H
#define _TERMIOS_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned char cc_t;
typedef unsigned speed_t;
typedef unsigned tcflag_t;

#define NCCS 32
struct termios {
    tcflag_t c_iflag, c_oflag, c_cflag, c_lflag;
    cc_t c_line;
    cc_t c_cc[NCCS]; /* 0: no such character */
    speed_t c_ispeed, c_ospeed;
};

/* c_cc */
#define VINTR    0
#define VQUIT    1
#define VERASE   2
#define VKILL    3
#define VEOF     4
#define VTIME    5
#define VMIN     6
#define VSTART   8
#define VSTOP    9
#define VSUSP    10
#define VEOL     11
#define VREPRINT 12
#define VWERASE  14
#define VLNEXT   15

/* c_iflag: INLCR, IGNCR and ICRNL act, the others are kept. */
#define IGNBRK 0x0001
#define BRKINT 0x0002
#define IGNPAR 0x0004
#define PARMRK 0x0008
#define INPCK  0x0010
#define ISTRIP 0x0020
#define INLCR  0x0040
#define IGNCR  0x0080
#define ICRNL  0x0100
#define IXON   0x0400
#define IXANY  0x0800
#define IXOFF  0x1000

/* c_oflag and c_cflag: kept. */
#define OPOST  0x0001
#define ONLCR  0x0004
#define CSIZE  0x0030
#define CS5    0x0000
#define CS6    0x0010
#define CS7    0x0020
#define CS8    0x0030
#define CSTOPB 0x0040
#define CREAD  0x0080
#define PARENB 0x0100
#define PARODD 0x0200
#define HUPCL  0x0400
#define CLOCAL 0x0800

/* c_lflag: ISIG, ICANON, ECHO, ECHOE, ECHOK and ECHONL act, the others are kept. */
#define ISIG   0x0001
#define ICANON 0x0002
#define ECHO   0x0008
#define ECHOE  0x0010
#define ECHOK  0x0020
#define ECHONL 0x0040
#define NOFLSH 0x0080
#define TOSTOP 0x0100
#define IEXTEN 0x8000

#define B0      0
#define B9600   13
#define B19200  14
#define B38400  15
#define B57600  4097
#define B115200 4098

#define TCSANOW   0
#define TCSADRAIN 1
#define TCSAFLUSH 2
#define TCIFLUSH  0
#define TCOFLUSH  1
#define TCIOFLUSH 2
#define TCOOFF    0
#define TCOON     1
#define TCIOFF    2
#define TCION     3

int tcgetattr(int fd, struct termios *out);
int tcsetattr(int fd, int when, const struct termios *to);
int tcdrain(int fd);           /* what was written has left already */
int tcflow(int fd, int what);  /* changes nothing */
int tcflush(int fd, int what); /* what was received and not read is dropped */
int tcsendbreak(int fd, int tenths);
pid_t tcgetsid(int fd);
speed_t cfgetispeed(const struct termios *t);
speed_t cfgetospeed(const struct termios *t);
int cfsetispeed(struct termios *t, speed_t speed);
int cfsetospeed(struct termios *t, speed_t speed);
int cfsetspeed(struct termios *t, speed_t speed);
void cfmakeraw(struct termios *t);

#ifdef __cplusplus
}
#endif

#endif
