/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/random.h - random bytes, as Linux has them: getrandom(2). */
#ifndef _SYS_RANDOM_H
#define _SYS_RANDOM_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GRND_NONBLOCK 1
#define GRND_RANDOM   2
#define GRND_INSECURE 4

/* All that was asked for, at once. EINVAL: unknown flags. EIO: the machine has no entropy. */
ssize_t getrandom(void *buf, size_t len, unsigned flags);
int getentropy(void *buf, size_t len); /* 256 bytes at most */

#ifdef __cplusplus
}
#endif

#endif
