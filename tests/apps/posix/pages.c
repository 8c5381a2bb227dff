/* SPDX-License-Identifier: BSD-2-Clause */
/* pages.c - mappings: memory, and copies of files. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "posix.h"

#define PAGE 4096u

static bool refused(void *p, int error)
{
    return p == MAP_FAILED && errno == error;
}

static void check_memory(void)
{
    char *p = mmap(NULL, 3 * PAGE + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    is(p != MAP_FAILED && (uintptr_t)p % PAGE == 0 && !p[0] && !p[4 * PAGE - 1]);
    memset(p, 1, 4 * PAGE);
    is(!madvise(p + PAGE, PAGE, MADV_DONTNEED) && p[0] == 1 && !p[PAGE] && p[2 * PAGE] == 1);
    is(!mprotect(p, PAGE, PROT_READ) && !msync(p, PAGE, MS_SYNC) && !mlock(p, PAGE));
    fails(mprotect(p, PAGE, PROT_EXEC), ENOTSUP);
    is(!munmap(p, PAGE) && !munmap(p + PAGE, 3 * PAGE));
    fails(munmap(p, PAGE), EINVAL);
    is(refused(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL));
    is(refused(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL));
    is(refused(mmap(NULL, PAGE, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOTSUP));
    is(refused(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0), EINVAL));
    is(refused(mmap(NULL, SIZE_MAX / 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM));
    fails(shm_open("/shared", O_RDWR, 0600), ENOSYS);
}

void check_pages(void)
{
    int fd = open("/data/mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char text[6000], now[1];
    char *p;

    check_memory();
    memset(text, 'm', sizeof(text));
    is(write(fd, text, sizeof(text)) == (ssize_t)sizeof(text));
    p = mmap(NULL, sizeof(text), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    is(p != MAP_FAILED && !memcmp(p, text, sizeof(text)) && !p[sizeof(text)]);
    p[0] = 'x';
    is(pread(fd, now, 1, 0) == 1 && now[0] == 'm' && !munmap(p, sizeof(text)));
    p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    is(p != MAP_FAILED && p[0] == 'm' && !p[sizeof(text) - PAGE] && !munmap(p, PAGE));
    is(refused(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), ENOTSUP));
    is(refused(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1), EINVAL));
    is(refused(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0), EBADF));
    is(refused(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 0, 0), ENODEV));
    is(!close(fd));
}
