/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/ioctl.h - requests to a descriptor's device. */
#ifndef _SYS_IOCTL_H
#define _SYS_IOCTL_H

#ifdef __cplusplus
extern "C" {
#endif

#define FIONREAD   0x541b /* int *: bytes that can be read now */
#define FIONBIO    0x5421 /* const int *: non-blocking on or off */
#define TIOCGWINSZ 0x5413 /* struct winsize *: size of a terminal; ENOTTY: not known */

struct winsize {
    unsigned short ws_row, ws_col;
    unsigned short ws_xpixel, ws_ypixel; /* 0 */
};

int ioctl(int fd, unsigned long request, ...);

#ifdef __cplusplus
}
#endif

#endif
