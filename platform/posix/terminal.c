/* SPDX-License-Identifier: BSD-2-Clause */
/* terminal.c - names of terminals (POSIX.1-2017): there is one, the serial line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TERMINAL "/dev/console"

char *ctermid(char *out)
{
    static char name[] = TERMINAL;

    return out ? strcpy(out, TERMINAL) : name;
}

char *ttyname(int fd)
{
    return isatty(fd) ? ctermid(NULL) : NULL;
}

int ttyname_r(int fd, char *out, size_t size)
{
    if (!isatty(fd))
        return errno;
    if (size < sizeof(TERMINAL))
        return ERANGE;
    strcpy(out, TERMINAL);
    return 0;
}
