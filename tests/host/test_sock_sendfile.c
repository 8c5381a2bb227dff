/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_sendfile.c - sendfile() from files of the test to sockets: what is lent is not copied,
 * stays lent until the peer has acknowledged it, and is given back once.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>

#include "check.h"
#include "files.h"
#include "host.h"
#include "loop.h"
#include "net_impl.h"
#include "tasks.h"

#define SIZE  400000
#define BLOCK 4096

static uint8_t content[SIZE], got[SIZE];
static unsigned lent, ended, read_calls;
static bool busy; /* nothing more can be lent */

static void loan_end(void *owner, void *part)
{
    CHECK(owner == content && (uint8_t *)part >= content && (uint8_t *)part < content + SIZE);
    ended++;
}

static ssize_t file_lend(struct file *f, size_t len, off_t at, struct file_loan *loan)
{
    size_t n = BLOCK - (size_t)at % BLOCK;

    (void)f;
    if (at >= SIZE)
        return 0;
    if (busy)
        return -EBUSY;
    n = n < len ? n : len;
    n = n < (size_t)(SIZE - at) ? n : (size_t)(SIZE - at);
    *loan = (struct file_loan){content + at, n, loan_end, content, content + at};
    lent++;
    return (ssize_t)n;
}

static ssize_t file_pread(struct file *f, void *buf, size_t len, off_t at)
{
    (void)f;
    read_calls++;
    if (at >= SIZE)
        return 0;
    len = len < (size_t)(SIZE - at) ? len : (size_t)(SIZE - at);
    memcpy(buf, content + at, len);
    return (ssize_t)len;
}

static const struct file_ops lending = {.name = "file", .lend = file_lend, .pread = file_pread};
static const struct file_ops reading = {.name = "file", .pread = file_pread};
static const struct file_ops stream = {.name = "stream"};

static int file_open(const struct file_ops *ops)
{
    int fd = file_install(ops, NULL, O_RDONLY);

    CHECK(fd >= 0);
    return fd;
}

static void boot(void)
{
    host_boot();
    for (unsigned i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i * 167 + i / 4096);
}

static struct loop pair;

/* All of the file, by a socket that waits. */
static void send_all(void *arg)
{
    off_t at = 0;

    CHECK_EQ(sendfile(pair.near, *(int *)arg, &at, SIZE + 77), SIZE);
    CHECK_EQ(at, SIZE);
    CHECK_EQ(sendfile(pair.near, *(int *)arg, &at, 5), 0); /* the end of the file */
    CHECK_EQ(fd_close(pair.near), 0);
}

static size_t receive_all(void)
{
    size_t total = 0;
    ssize_t n;

    while ((n = recv(pair.far, got + total, SIZE - total, 0)) > 0)
        total += (size_t)n;
    return total;
}

static void transfer(int file)
{
    task_spawn("sends", send_all, &file, 0);
    CHECK_EQ(receive_all(), SIZE);
    CHECK(!memcmp(got, content, SIZE));
}

static void what_is_lent_is_not_read(void)
{
    boot();
    pair = loop_pair();
    transfer(file_open(&lending));
    CHECK_EQ(read_calls, 0);
    CHECK(lent >= SIZE / BLOCK);
    AWAIT(ended == lent, 5);
}

static void what_cannot_be_lent_is_copied(void)
{
    boot();
    pair = loop_pair();
    transfer(file_open(&reading));
    CHECK(!lent && read_calls);
}

/* A call that may not wait takes what has room; the offset tells how much. */
static void without_waiting(void)
{
    off_t at = 0;
    size_t total = 0;
    ssize_t n;
    int file;

    boot();
    pair = loop_pair();
    file = file_open(&lending);
    fd_set_nonblock(pair.near, true);
    fd_set_nonblock(pair.far, true);
    while (at < SIZE) {
        off_t before = at;

        busy = total > SIZE / 2; /* the rest is copied */
        n = sendfile(pair.near, file, &at, SIZE);
        if (n < 0)
            CHECK_EQ(errno, EAGAIN);
        CHECK_EQ(at - before, n > 0 ? n : 0);
        CHECK(ended <= lent);
        while ((n = recv(pair.far, got + total, SIZE - total, 0)) > 0)
            total += (size_t)n;
        task_sleep_until(hal_now_ns() + HAL_MS);
    }
    AWAIT((n = recv(pair.far, got + total, SIZE - total, 0)) < 0 || (total += (size_t)n) == SIZE,
          5);
    CHECK(!memcmp(got, content, total) && read_calls);
    AWAIT(ended == lent, 5);
    CHECK_EQ(file_get(file)->pos, 0);
    CHECK_EQ(sendfile(pair.near, file, NULL, 10), 10);
    CHECK_EQ(file_get(file)->pos, 10);
}

/* The last piece does not wait for more, and neither does what comes before an error. */
static void nothing_is_held_back(void)
{
    off_t at = 100;
    int file;

    boot();
    pair = loop_pair();
    file = file_open(&lending);
    loop_set(pair.near, IPPROTO_TCP, 1 /* TCP_NODELAY */, 1);
    uint64_t start = hal_now_ns();
    CHECK_EQ(sendfile(pair.near, file, &at, 5), 5);
    CHECK_EQ(recv(pair.far, got, 9, 0), 5);
    at = SIZE - 3;
    CHECK_EQ(sendfile(pair.near, file, &at, 50), 3); /* 47 more do not come */
    CHECK_EQ(recv(pair.far, got, 9, 0), 3);
    CHECK(hal_now_ns() - start < 30 * HAL_MS);
    CHECK(!memcmp(got, content + SIZE - 3, 3));
}

static void what_a_reset_leaves(void)
{
    off_t at = 0;
    int file;

    boot();
    pair = loop_pair();
    file = file_open(&lending);
    fd_set_nonblock(pair.near, true);
    CHECK(sendfile(pair.near, file, &at, SIZE) > 0);
    CHECK_EQ(fd_close(pair.far), 0);
    AWAIT(sendfile(pair.near, file, &at, SIZE) < 0 && errno != EAGAIN, 5);
    CHECK_EQ(fd_close(pair.near), 0);
    AWAIT(ended == lent, 5);
}

static void what_is_refused(void)
{
    off_t at = 0, negative = -1;
    int file, other;

    boot();
    pair = loop_pair();
    file = file_open(&lending);
    other = file_open(&stream);
    CHECK_FAILS(sendfile(99, file, &at, 5), EBADF);
    CHECK_FAILS(sendfile(pair.near, 99, &at, 5), EBADF);
    CHECK_FAILS(sendfile(file, file, &at, 5), EBADF); /* open for reading */
    CHECK_FAILS(sendfile(pair.near, pair.far, NULL, 5), EINVAL);
    CHECK_FAILS(sendfile(pair.near, other, &at, 5), ESPIPE);
    CHECK_FAILS(sendfile(pair.near, file, &negative, 5), EINVAL);
    CHECK_EQ(sendfile(pair.near, file, &at, 0), 0);
    CHECK_EQ(file_get(file)->refs, 1);
    CHECK_EQ(file_get(pair.near)->refs, 1);
    int udp = loop_datagrams(9);
    CHECK_EQ(connect(udp, loop4(9), sizeof(struct sockaddr_in)), 0);
    CHECK_EQ(sendfile(udp, file, &at, 500), 500); /* a copy */
    CHECK_EQ(recv(udp, got, sizeof(got), 0), 500);
    CHECK(!memcmp(got, content, 500) && ended == lent);
}

/* A stream that has ended takes nothing more. */
static void after_the_end(void)
{
    off_t at = 0;

    boot();
    pair = loop_pair();
    CHECK_EQ(shutdown(pair.near, SHUT_WR), 0);
    CHECK(sendfile(pair.near, file_open(&lending), &at, SIZE) == -1 && errno == EPIPE);
    CHECK(lent == ended && at == 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(what_is_lent_is_not_read, NULL),
        SHOWS(what_cannot_be_lent_is_copied, NULL),
        SHOWS(without_waiting, NULL),
        SHOWS(nothing_is_held_back, NULL),
        SHOWS(what_a_reset_leaves, NULL),
        SHOWS(what_is_refused, NULL),
        SHOWS(after_the_end, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
