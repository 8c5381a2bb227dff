/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rawdisk - the POSIX interface of a raw disk: writes a pattern at odd places and lengths, syncs,
 * reads it back, and looks at the ends and the errors. ro=1: the disk is read-only.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../checks.h"
#include "vireo.h"

enum { PIECE = 10007, PIECES = 40 }; /* a prime: no piece begins on a block */

static unsigned char out[PIECE], in[PIECE];

static void fill(off_t at)
{
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (unsigned char)((at + (off_t)i) * 167 + 13);
}

static void write_pieces(int fd)
{
    bool all = true;

    for (int i = PIECES - 1; i >= 0; i--) {
        fill((off_t)i * PIECE);
        all &= pwrite(fd, out, PIECE, (off_t)i * PIECE) == PIECE;
    }
    check(all, "pwrite of %d pieces, last first", PIECES);
    check(fsync(fd) == 0, "fsync");
}

static void read_pieces(int fd)
{
    bool all = true;

    check(lseek(fd, 0, SEEK_SET) == 0, "lseek to the start");
    for (int i = 0; i < PIECES; i++) {
        fill((off_t)i * PIECE);
        all &= read(fd, in, PIECE) == PIECE && memcmp(in, out, PIECE) == 0;
    }
    check(all, "read of the same");
    check(lseek(fd, 0, SEEK_CUR) == (off_t)PIECE * PIECES, "the position is after it");
}

static void the_end(int fd, off_t size)
{
    check(pread(fd, in, PIECE, size) == 0, "pread at the end gives nothing");
    check(pread(fd, in, PIECE, size - 100) == 100, "pread is cut at the end");
    check(pread(fd, in, 1, size + 4096) == 0, "pread beyond it gives nothing");
    check(pread(fd, in, 1, -1) == -1 && errno == EINVAL, "a negative place");
    check(lseek(fd, -1, SEEK_SET) == -1 && errno == EINVAL, "seek before the start");
}

static void writes_at_the_end(int fd, off_t size)
{
    check(pwrite(fd, "end", 3, size - 3) == 3, "pwrite of the last bytes");
    check(pread(fd, in, 10, size - 3) == 3 && memcmp(in, "end", 3) == 0, "they are there");
    check(pwrite(fd, out, 10, size - 4) == 4, "pwrite is cut at the end");
    check(pwrite(fd, out, 10, size) == -1 && errno == ENOSPC, "pwrite at the end");
    check(pwrite(fd, "end", 3, size - 3) == 3 && fsync(fd) == 0, "and once more");
}

/* Odd lengths at an odd place, in several buffers; the position of the file stays. */
static void several_buffers(int fd, off_t size)
{
    struct iovec to[3] = {{out, 1001}, {out + 1001, 0}, {out + 1001, 5000}};
    struct iovec from[2] = {{in, 3}, {in + 3, 5998}};
    off_t at = 123457, before = lseek(fd, 0, SEEK_CUR);

    fill(at);
    check(pwritev(fd, to, 3, at) == 6001, "pwritev of three buffers");
    check(preadv(fd, from, 2, at) == 6001 && memcmp(in, out, 6001) == 0, "preadv of two");
    check(lseek(fd, 0, SEEK_CUR) == before, "the position is where it was");
    check(preadv(fd, from, 2, size - 5) == 5, "preadv is cut at the end");
    check(pwritev(fd, to, 3, size - 5) == 5, "pwritev is cut at the end");
    check(pwritev(fd, to, 3, size) == -1 && errno == ENOSPC, "pwritev at the end");
    check(preadv(fd, from, 2, -1) == -1 && errno == EINVAL, "preadv at a negative place");
    check(preadv(fd, from, -1, 0) == -1 && errno == EINVAL, "a negative number of buffers");
    check(preadv(-1, from, 2, 0) == -1 && errno == EBADF, "preadv without a file");
    check(preadv(fd, from, 0, 0) == 0, "preadv into nothing");
}

int main(void)
{
    bool read_only = hal_bootarg("ro") != NULL;
    int fd = open("/dev/vblk0", read_only ? O_RDONLY : O_RDWR);
    struct stat st;
    off_t size;

    if (!check(fd >= 0, "open"))
        return checks_end();
    size = lseek(fd, 0, SEEK_END);
    check(fstat(fd, &st) == 0 && st.st_size == size, "fstat tells the size that lseek does");
    check(S_ISBLK(st.st_mode), "it is a block device");
    printf("rawdisk: size=%ld\n", (long)size);
    if (read_only) {
        check(open("/dev/vblk0", O_RDWR) == -1 && errno == EROFS, "it does not open for writing");
        check(pwrite(fd, "x", 1, 0) == -1, "it cannot be written");
    } else {
        write_pieces(fd);
        several_buffers(fd, size);
        writes_at_the_end(fd, size);
    }
    read_pieces(fd);
    the_end(fd, size);
    check(close(fd) == 0, "close");
    check(open("/dev/vblk9", O_RDONLY) == -1 && (errno == ENOENT || errno == ENXIO),
          "no such disk");
    return checks_end();
}
