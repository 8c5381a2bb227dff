/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aio - asynchronous requests, advice and space (docs/files.md), of a disk (vblk1) and of files of
 * littlefs (vblk0), with the errors that POSIX and Linux give.
 */
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../checks.h"

#define MANY 64
#define SIZE 3000 /* not whole blocks */

static struct aiocb cbs[MANY], *list[MANY];
static uint8_t in[MANY * SIZE], out[MANY * SIZE], zeros[65536];
static volatile int told, signalled;

static void tell(union sigval v)
{
    told += v.sival_int;
}

static void on_signal(int sig)
{
    signalled = sig;
}

/* Waits until all have ended. The bytes that they moved; -1: one has failed. */
static long wait_all(int n)
{
    long sum = 0;

    for (int i = 0; i < n; i++) {
        const struct aiocb *one = &cbs[i];

        while (aio_error(one) == EINPROGRESS)
            aio_suspend(&one, 1, NULL);
        if (aio_error(one))
            return -1;
        sum += (long)aio_return(&cbs[i]);
    }
    return sum;
}

static void prepare(int fd, uint8_t *buf, int opcode)
{
    for (int i = 0; i < MANY; i++) {
        cbs[i] = (struct aiocb){.aio_fildes = fd,
                                .aio_offset = (off_t)i * SIZE + 100,
                                .aio_buf = buf + i * SIZE,
                                .aio_nbytes = SIZE,
                                .aio_lio_opcode = opcode};
        cbs[i].aio_sigevent.sigev_notify = SIGEV_NONE;
        list[i] = &cbs[i];
    }
}

/* Sixty-four writes, a sync behind them, and sixty-four reads. */
static void many(int fd, const char *what)
{
    struct aiocb sync = {.aio_fildes = fd};
    const struct aiocb *one = &sync;
    int good = 0;

    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 31 + i / 977);
    prepare(fd, out, LIO_WRITE);
    for (int i = 0; i < MANY; i++)
        good += aio_write(&cbs[i]) == 0;
    check(good == MANY, "%s: writes begin", what);
    check(aio_fsync(O_SYNC, &sync) == 0 && aio_error(&sync) == EINPROGRESS, "%s: a sync", what);
    check(aio_suspend(&one, 1, NULL) == 0 && aio_error(&sync) == 0, "%s: it ends", what);
    good = 0;
    for (int i = 0; i < MANY; i++)
        good += aio_error(&cbs[i]) == 0;
    check(good == MANY, "%s: behind all writes", what);
    check(wait_all(MANY) == MANY * SIZE, "%s: all was written", what);
    memset(in, 0, sizeof(in));
    prepare(fd, in, LIO_READ);
    check(lio_listio(LIO_WAIT, list, MANY, NULL) == 0, "%s: a list", what);
    check(wait_all(MANY) == MANY * SIZE && !memcmp(in, out, sizeof(in)), "%s: it is there", what);
}

static void events(int fd)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 1000, .sigev_notify_function = tell};

    prepare(fd, in, LIO_READ);
    for (int i = 0; i < MANY; i++) {
        cbs[i].aio_sigevent = event;
        cbs[i].aio_sigevent.sigev_value.sival_int = 1;
    }
    signal(SIGUSR1, on_signal);
    cbs[5].aio_sigevent.sigev_notify = SIGEV_SIGNAL;
    cbs[5].aio_sigevent.sigev_signo = SIGUSR1;
    cbs[6].aio_lio_opcode = LIO_NOP;
    check(lio_listio(LIO_NOWAIT, list, MANY, &event) == 0, "a list that nobody waits for");
    for (int i = 0; i < 1000 && (told < MANY - 2 + 1000 || !signalled); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    check(told == MANY - 2 + 1000, "a task for each end, and one for the list: %d", told);
    check(signalled == SIGUSR1, "a signal");
}

static void mistakes(int fd)
{
    struct aiocb cb = {.aio_fildes = 99, .aio_buf = in, .aio_nbytes = 1};
    struct aiocb *one = &cb;
    const struct aiocb *none[1] = {NULL};

    check(aio_read(&cb) == -1 && errno == EBADF && aio_error(&cb) == EBADF, "no file");
    check(lio_listio(LIO_WAIT, &one, 1, NULL) == -1 && errno == EIO, "in a list");
    check(aio_cancel(99, NULL) == -1 && errno == EBADF, "nothing to cancel");
    cb.aio_fildes = fd;
    check(aio_cancel(fd, NULL) == AIO_ALLDONE, "all done");
    cb.aio_offset = -1;
    check(aio_read(&cb) == -1 && errno == EINVAL, "before the file");
    cb.aio_offset = (off_t)1 << 30;
    check(aio_read(&cb) == 0 && aio_suspend((const struct aiocb **)&one, 1, NULL) == 0 &&
              aio_error(&cb) == 0 && aio_return(&cb) == 0,
          "behind the disk there is nothing to read");
    check(aio_write(&cb) == 0 && aio_suspend((const struct aiocb **)&one, 1, NULL) == 0 &&
              aio_error(&cb) == ENOSPC && aio_return(&cb) == -1,
          "nor to write");
    check(aio_fsync(0, &cb) == -1 && errno == EINVAL, "no kind of sync");
    check(lio_listio(7, &one, 1, NULL) == -1 && errno == EINVAL, "no mode");
    cb.aio_sigevent.sigev_notify = 77;
    check(aio_read(&cb) == -1 && errno == EINVAL, "no event");
    check(aio_suspend(none, 1, NULL) == 0, "nothing to wait for");
}

/* No task has begun with requests of a file before this one waits; the disk has its own. */
static void taking_back(int disk, int file)
{
    int one, rest;

    prepare(file, out, LIO_WRITE);
    one = aio_write(&cbs[0]) + aio_write(&cbs[1]) + aio_write(&cbs[2]);
    check(one == 0, "three, of which a task makes some while this line is printed");
    wait_all(3);
    one = aio_write(&cbs[0]) + aio_write(&cbs[1]) + aio_write(&cbs[2]);
    one += aio_cancel(file, &cbs[1]);
    rest = aio_cancel(file, NULL);
    check(one == AIO_CANCELED && rest == AIO_CANCELED, "they are taken back");
    check(aio_error(&cbs[1]) == ECANCELED && aio_return(&cbs[1]) == -1 &&
              aio_error(&cbs[0]) == ECANCELED && aio_error(&cbs[2]) == ECANCELED,
          "and say so");
    check(aio_cancel(disk, &cbs[0]) == -1 && errno == EINVAL, "another file");
    cbs[0].aio_fildes = disk;
    one = aio_write(&cbs[0]);
    rest = aio_cancel(disk, &cbs[0]);
    check(one == 0 && rest == AIO_NOTCANCELED, "too late");
    check(wait_all(1) == SIZE, "it ends");
}

/* A byte of zeros reads as zero, and its neighbours as before. */
static void holes(int fd)
{
    static uint8_t all[65536];

    memset(all, 0xaa, sizeof(all));
    check(pwrite(fd, all, sizeof(all), 0) == sizeof(all), "bytes");
    check(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 40000) == 0, "a hole");
    check(pread(fd, all, sizeof(all), 0) == sizeof(all), "is read");
    check(all[4999] == 0xaa && all[45000] == 0xaa && !memcmp(all + 5000, zeros, 40000), "as zeros");
    check(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096) == 0, "zeros");
    check(pread(fd, all, 4096, 0) == 4096 && !memcmp(all, zeros, 4096), "are read");
    check(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)1 << 30, 1) == -1 &&
              errno == EINVAL,
          "behind the end");
    check(fallocate(fd, 0, 0, 4096) == -1 && errno == EOPNOTSUPP, "a disk has its blocks");
    check(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1) == -1 && errno == EOPNOTSUPP, "KEEP_SIZE");
    check(fallocate(fd, 3, 0, 0) == -1 && errno == EINVAL, "no length");
    check(fallocate(99, 3, 0, 1) == -1 && errno == EBADF, "no file");
    check(posix_fallocate(fd, 0, 1) == ENODEV, "a disk is no regular file");
}

static void advice(int disk, int file)
{
    for (int a = POSIX_FADV_NORMAL; a <= POSIX_FADV_NOREUSE; a++)
        check(posix_fadvise(disk, 0, 0, a) == 0 && posix_fadvise(file, 10, 10, a) == 0, "%d", a);
    check(posix_fadvise(disk, 0, -1, POSIX_FADV_NORMAL) == EINVAL, "length");
    check(posix_fadvise(disk, 0, 0, 99) == EINVAL, "advice");
    check(posix_fadvise(99, 0, 0, POSIX_FADV_NORMAL) == EBADF, "no file");
    check(sync_file_range(disk, 0, 0, SYNC_FILE_RANGE_WRITE) == 0 &&
              sync_file_range(disk, 0, 0, 7) == 0 && sync_file_range(file, 0, 9, 7) == 0,
          "ranges are synced");
    check(sync_file_range(disk, 0, 0, 8) == -1 && errno == EINVAL, "flags");
    check(sync_file_range(disk, -1, 0, 7) == -1 && errno == EINVAL, "offset");
}

static void space(int file)
{
    struct stat st;
    char byte = 1;

    check(posix_fallocate(file, 300000, 1000) == 0 && fstat(file, &st) == 0 && st.st_size == 301000,
          "a file grows");
    check(pread(file, &byte, 1, 300999) == 1 && !byte, "by zeros");
    check(posix_fallocate(file, 0, 10) == 0 && fstat(file, &st) == 0 && st.st_size == 301000,
          "and does not shrink");
    check(posix_fallocate(file, 0, 0) == EINVAL, "no length");
    check(posix_fallocate(file, 0, (off_t)100 << 20) == ENOSPC, "more than there is");
    check(fallocate(file, 3, 0, 4096) == -1 && errno == EOPNOTSUPP, "no holes in files");
}

int main(void)
{
    int disk = open("/dev/vblk1", O_RDWR), file = open("/data/file", O_CREAT | O_RDWR, 0666);

    check(disk >= 0 && file >= 0, "the disk and the file");
    many(disk, "disk");
    many(file, "file");
    events(disk);
    mistakes(disk);
    taking_back(disk, file);
    holes(disk);
    advice(disk, file);
    space(file);
    return checks_end();
}
