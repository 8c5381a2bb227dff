/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entropy - /dev/random, /dev/urandom and getentropy() from inside, and what the entropy devices
 * have given.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../checks.h"
#include "entropy/vrng.h"
#include "vireo.h"

static uint8_t a[1000], b[1000];

/* Are between 3/8 and 5/8 of the bits ones? Random bytes fail this once in 2^60. */
static bool looks_random(const uint8_t *p, size_t len)
{
    unsigned ones = 0;

    for (size_t i = 0; i < len; i++)
        ones += (unsigned)__builtin_popcount(p[i]);
    return ones > len * 3 && ones < len * 5;
}

static void read_twice(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    struct pollfd p = {fd, POLLIN, 0};

    check(fd >= 0, "%s opens", path);
    check(read(fd, a, sizeof(a)) == sizeof(a) && read(fd, b, sizeof(b)) == sizeof(b), "two reads");
    check(memcmp(a, b, sizeof(a)) != 0 && looks_random(a, sizeof(a)) && looks_random(b, sizeof(b)),
          "they look random");
    check(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode), "a character device");
    check(stat(path, &st) == 0 && S_ISCHR(st.st_mode), "stat says the same");
    check(poll(&p, 1, 0) == 1 && p.revents == POLLIN, "always ready");
    check(write(fd, a, 1) == -1 && errno == EBADF, "not writable");
    check(read(fd, a, 0) == 0, "nothing is nothing");
    close(fd);
}

static void fresh_bytes(void)
{
    struct vrng_info before, after;
    int fd = open("/dev/random", O_RDONLY), fast = open("/dev/urandom", O_RDONLY);

    if (vrng_info(0, &before))
        return;
    printf("entropy: %s has given %u bytes\n", before.name, (unsigned)before.bytes);
    check(read(fast, a, 16) == 16 && vrng_info(0, &after) == 0 && after.bytes == before.bytes,
          "/dev/urandom asks nobody");
    check(read(fd, a, 16) == 16 && vrng_info(0, &after) == 0, "/dev/random reads");
    check(after.silent || !after.alive || after.bytes >= before.bytes + 64,
          "/dev/random asks for fresh bytes");
    printf("entropy: silent=%d alive=%d\n", after.silent, after.alive);
    close(fast);
    close(fd);
}

/* A machine without any source: the calls fail as their manuals say, and nothing hangs. */
static int without_entropy(void)
{
    int fd = open("/dev/random", O_RDONLY);

    memset(a, 0, sizeof(a));
    check(getentropy(a, 16) == -1 && errno == EIO && !a[0] && !a[15], "getentropy: EIO");
    check(read(fd, a, 16) == -1 && errno == EIO, "/dev/random: EIO");
    close(fd);
    return checks_end();
}

int main(void)
{
    if (getentropy(a, 1))
        return without_entropy();
    read_twice("/dev/random");
    read_twice("/dev/urandom");
    fresh_bytes();
    check(open("/dev/random", O_RDWR) == -1 && errno == EACCES, "it does not open for writing");
    check(open("/dev/randomx", O_RDONLY) == -1 && errno == ENOENT, "no such device");
    check(getentropy(a, 256) == 0 && getentropy(b, 256) == 0 && memcmp(a, b, 256) != 0,
          "getentropy");
    check(getentropy(a, 257) == -1 && errno == EIO, "at most 256 bytes a call");
    return checks_end();
}
