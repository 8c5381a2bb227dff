/* SPDX-License-Identifier: BSD-2-Clause */
/* random_bytes.c - getrandom() of Linux, by getentropy(). */
#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#define PIECE 256u /* of getentropy() */

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
    char *out = buf;

    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) {
        errno = EINVAL;
        return -1;
    }
    for (size_t done = 0, n; done < len; done += n) {
        n = len - done < PIECE ? len - done : PIECE;
        if (getentropy(out + done, n))
            return done ? (ssize_t)done : -1;
    }
    return (ssize_t)len;
}
