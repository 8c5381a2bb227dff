/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io.c - reading and writing descriptors (POSIX.1-2017, section 2.5 and XSH). For a file with pread
 * and pwrite alone, read, write and lseek are made of these. A call holds its file, so that the
 * file stays while another task closes the descriptor; a socket's call ends then
 * (file_ops.abandon).
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syslimits.h>
#include <sys/uio.h>
#include <unistd.h>

#include "files.h"

int _read(int fd, void *buf, size_t len);
int _write(int fd, const void *buf, size_t len);
off_t _lseek(int fd, off_t off, int whence);
int _fstat(int fd, struct stat *st);
int _close(int fd);

static bool io_readable(const struct file *f)
{
    return (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool io_writable(const struct file *f)
{
    return (f->flags & O_ACCMODE) != O_RDONLY;
}

/*
 * Ends a call: drops its hold of the file, and returns its result in POSIX's way. A caller that
 * gets EAGAIN may call again at once and for ever, so other tasks and services get a turn.
 */
static ssize_t io_result(struct file *f, ssize_t r)
{
    if (r == -EAGAIN)
        task_give_way();
    if (f)
        file_drop(f);
    return posix_result(r);
}

static int io_stat(struct file *f, struct stat *st)
{
    memset(st, 0, sizeof(*st));
    if (f->ops->fstat)
        return f->ops->fstat(f, st);
    st->st_mode = S_IFIFO | 0600;
    return 0;
}

static off_t io_size(struct file *f)
{
    struct stat st;
    int r = io_stat(f, &st);

    return r < 0 ? r : st.st_size;
}

/* len, at most the bytes between the offset `at` and the last one that fits an off_t. */
static size_t io_limit_to_offsets(off_t at, size_t len)
{
    uint64_t last = ((uint64_t)1 << (8 * sizeof(at) - 1)) - 1, left = last - (uint64_t)at;

    return len < left ? len : (size_t)left;
}

static ssize_t io_read(struct file *f, void *buf, size_t len)
{
    if (!f || !io_readable(f))
        return -EBADF;
    if (len > PTRDIFF_MAX)
        return -EINVAL;
    if (f->ops->read)
        return f->ops->read(f, buf, len);
    if (!f->ops->pread)
        return f->ops->readdir ? -EISDIR : -EINVAL;
    ssize_t n = f->ops->pread(f, buf, io_limit_to_offsets(f->pos, len), f->pos);
    if (n > 0)
        f->pos += n;
    return n;
}

static ssize_t io_write(struct file *f, const void *buf, size_t len)
{
    if (!f || !io_writable(f))
        return -EBADF;
    if (len > PTRDIFF_MAX)
        return -EINVAL;
    if (f->ops->write)
        return f->ops->write(f, buf, len);
    if (!f->ops->pwrite)
        return -EINVAL;
    if (f->flags & O_APPEND) {
        off_t end = io_size(f);
        if (end < 0)
            return (ssize_t)end;
        f->pos = end;
    }
    size_t room = io_limit_to_offsets(f->pos, len);
    if (len && !room)
        return -EFBIG;
    ssize_t n = f->ops->pwrite(f, buf, room, f->pos);
    if (n > 0)
        f->pos += n;
    return n;
}

int _read(int fd, void *buf, size_t len)
{
    struct file *f = file_hold(fd);

    if (len > INT_MAX)
        len = INT_MAX; /* newlib's own type for the result */
    return (int)io_result(f, io_read(f, buf, len));
}

int _write(int fd, const void *buf, size_t len)
{
    struct file *f = file_hold(fd);

    if (len > INT_MAX)
        len = INT_MAX;
    return (int)io_result(f, io_write(f, buf, len));
}

ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
    struct file *f = file_look_up(fd);
    ssize_t r;

    if (!f || !io_readable(f))
        return io_result(NULL, -EBADF);
    f->refs++;
    if (!f->ops->pread)
        r = f->ops->readdir ? -EISDIR : -ESPIPE;
    else if (at < 0 || len > PTRDIFF_MAX)
        r = -EINVAL;
    else
        r = f->ops->pread(f, buf, len, at);
    if (r < 0 || f->refs == 1)
        return io_result(f, r);
    f->refs--;
    return r;
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
    struct file *f = file_hold(fd);
    ssize_t r;

    if (!f || !io_writable(f))
        r = -EBADF;
    else if (!f->ops->pwrite)
        r = -ESPIPE;
    else if (at < 0 || len > PTRDIFF_MAX)
        r = -EINVAL;
    else
        r = f->ops->pwrite(f, buf, len, at);
    return io_result(f, r);
}

static off_t io_seek(struct file *f, off_t off, int whence)
{
    off_t base = 0, to;

    if (f->ops->lseek) {
        to = f->ops->lseek(f, off, whence);
        if (to >= 0)
            f->pos = to;
        return to;
    }
    if (!f->ops->pread && !f->ops->pwrite)
        return -ESPIPE;
    if (whence == SEEK_CUR)
        base = f->pos;
    else if (whence == SEEK_END)
        base = io_size(f);
    else if (whence != SEEK_SET)
        return -EINVAL;
    if (base < 0)
        return base;
    if (__builtin_add_overflow(base, off, &to))
        return -EOVERFLOW;
    if (to < 0)
        return -EINVAL;
    f->pos = to;
    return to;
}

off_t _lseek(int fd, off_t off, int whence)
{
    struct file *f = file_hold(fd);

    return io_result(f, f ? io_seek(f, off, whence) : -EBADF);
}

int _fstat(int fd, struct stat *st)
{
    struct file *f = file_hold(fd);

    return (int)io_result(f, f ? io_stat(f, st) : -EBADF);
}

int _close(int fd)
{
    return (int)posix_result(file_close(fd));
}

int fsync(int fd)
{
    struct file *f = file_hold(fd);
    int r = f ? (f->ops->fsync ? f->ops->fsync(f) : -EINVAL) : -EBADF;

    return (int)io_result(f, r);
}

int fdatasync(int fd)
{
    return fsync(fd);
}

int ftruncate(int fd, off_t len)
{
    struct file *f = file_hold(fd);
    int r = -EINVAL;

    if (!f)
        r = -EBADF;
    else if (len >= 0 && f->ops->truncate && io_writable(f))
        r = f->ops->truncate(f, len);
    return (int)io_result(f, r);
}

/* ---- several buffers ------------------------------------------------------------------------- */

/* Their sum, or -EINVAL. */
static ssize_t io_total(const struct iovec *iov, int count)
{
    size_t total = 0;

    if (count < 0 || count > IOV_MAX)
        return -EINVAL;
    for (int i = 0; i < count; i++)
        if (iov[i].iov_len > (size_t)PTRDIFF_MAX - total)
            return -EINVAL;
        else
            total += iov[i].iov_len;
    return (ssize_t)total;
}

/* A file with offsets is read buffer by buffer: it never keeps a reader waiting for more. */
static ssize_t io_read_each(struct file *f, const struct iovec *iov, int count)
{
    ssize_t sum = 0;

    for (int i = 0; i < count; i++) {
        ssize_t n = io_read(f, iov[i].iov_base, iov[i].iov_len);
        if (n < 0)
            return sum ? sum : n;
        sum += n;
        if ((size_t)n < iov[i].iov_len)
            break;
    }
    return sum;
}

static ssize_t io_write_each(struct file *f, const struct iovec *iov, int count)
{
    ssize_t sum = 0;

    for (int i = 0; i < count; i++) {
        ssize_t n = io_write(f, iov[i].iov_base, iov[i].iov_len);
        if (n < 0)
            return sum ? sum : n;
        sum += n;
        if ((size_t)n < iov[i].iov_len)
            break;
    }
    return sum;
}

/* A stream or socket is read once and written once, as what it carries may be a packet. */
#define GATHER_MAX 65536

static ssize_t io_read_scattered(struct file *f, const struct iovec *iov, int count, size_t total)
{
    if (total > GATHER_MAX)
        total = GATHER_MAX;
    char *all = malloc(total + 1);
    if (!all)
        return -ENOMEM;
    ssize_t n = io_read(f, all, total), at = 0;
    for (int i = 0; i < count && at < n; i++) {
        size_t part = iov[i].iov_len;
        if (part > (size_t)(n - at))
            part = (size_t)(n - at);
        memcpy(iov[i].iov_base, all + at, part);
        at += (ssize_t)part;
    }
    free(all);
    return n;
}

static ssize_t io_write_gathered(struct file *f, const struct iovec *iov, int count, size_t total)
{
    if (total > GATHER_MAX)
        return io_write_each(f, iov, count); /* longer than any packet */
    char *all = malloc(total + 1), *end = all;
    if (!all)
        return -ENOMEM;
    for (int i = 0; i < count; i++) {
        memcpy(end, iov[i].iov_base, iov[i].iov_len);
        end += iov[i].iov_len;
    }
    ssize_t n = io_write(f, all, total);
    free(all);
    return n;
}

ssize_t readv(int fd, const struct iovec *iov, int count)
{
    struct file *f = file_hold(fd);
    ssize_t total = io_total(iov, count);
    ssize_t r = total;

    if (!f)
        r = -EBADF;
    else if (total >= 0 && (count == 1 || f->ops->pread))
        r = io_read_each(f, iov, count);
    else if (total >= 0)
        r = io_read_scattered(f, iov, count, (size_t)total);
    return io_result(f, r);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
    struct file *f = file_hold(fd);
    ssize_t total = io_total(iov, count);
    ssize_t r = total;

    if (!f)
        r = -EBADF;
    else if (total >= 0 && (count == 1 || f->ops->pwrite))
        r = io_write_each(f, iov, count);
    else if (total >= 0)
        r = io_write_gathered(f, iov, count, (size_t)total);
    return io_result(f, r);
}

/* ---- several buffers, at a place ------------------------------------------------------------- */

/* Why a call at that place cannot be done, or the number of bytes. able: f has the operation. */
static ssize_t io_place(const struct file *f, bool able, off_t at, ssize_t total)
{
    if (!able)
        return f->ops->readdir ? -EISDIR : -ESPIPE;
    return at < 0 ? -EINVAL : total;
}

static ssize_t io_each_at(struct file *f, bool write, const struct iovec *iov, int count, off_t at)
{
    ssize_t sum = 0, n = 0;

    for (int i = 0; i < count; i++, sum += n) {
        size_t len = io_limit_to_offsets(at + sum, iov[i].iov_len);

        n = write ? f->ops->pwrite(f, iov[i].iov_base, len, at + sum)
                  : f->ops->pread(f, iov[i].iov_base, len, at + sum);
        if (n < 0)
            return sum ? sum : n;
        if ((size_t)n < iov[i].iov_len)
            return sum + n;
    }
    return sum;
}

ssize_t preadv(int fd, const struct iovec *iov, int count, off_t at)
{
    struct file *f = file_hold(fd);
    ssize_t r = -EBADF;

    if (f && io_readable(f))
        r = io_place(f, f->ops->pread, at, io_total(iov, count));
    return io_result(f, r > 0 ? io_each_at(f, false, iov, count, at) : r);
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t at)
{
    struct file *f = file_hold(fd);
    ssize_t r = -EBADF;

    if (f && io_writable(f))
        r = io_place(f, f->ops->pwrite, at, io_total(iov, count));
    return io_result(f, r > 0 ? io_each_at(f, true, iov, count, at) : r);
}
