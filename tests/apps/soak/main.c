/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak - a web server and verifiers of disks in one image, for faults to be injected into its
 * devices: tests/qemu/test_faults.py and `make soak`.
 *
 * The server is examples/httpd, with the file tree of the first disk that has one. A disk whose
 * serial number begins with "posix" or "raw" is written and checked all the time (disk.c). TCP
 * port 7 takes letters: "s" is answered with a line of JSON that tells of the disks, "q" has them
 * stop, "x" ends the image, with status 1 if any byte was wrong.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vireo.h>

#include "../../../examples/httpd/server.h"
#include "disk.h"
#include "net.h"
#include "vireo/task.h"

enum { CONTROL_PORT = 7, CONNECTIONS = 200 };

static size_t report(char *text, size_t size)
{
    struct disk *d;
    int len = snprintf(text, size, "{\"disks\":[");

    for (unsigned n = 0; (d = disk_get(n)) != NULL; n++)
        len += snprintf(text + len, size - (size_t)len,
                        "%s{\"id\":\"%s\",\"name\":\"%s\",\"rounds\":%llu,\"checked\":%llu,"
                        "\"bad\":%llu,\"errors\":%llu,\"stale\":%llu,\"longest_ms\":%llu,"
                        "\"scanned\":%s,\"stopped\":%s}",
                        n ? "," : "", d->id, block_name(d->dev), (unsigned long long)d->rounds,
                        (unsigned long long)d->checked, (unsigned long long)d->bad,
                        (unsigned long long)d->errors, (unsigned long long)d->stale,
                        (unsigned long long)d->longest_ms, d->scanned ? "true" : "false",
                        d->stopped ? "true" : "false");
    len += snprintf(text + len, size - (size_t)len, "]}\n");
    return (size_t)len;
}

static void end(void)
{
    unsigned long long bad = 0;
    struct disk *d;

    for (unsigned n = 0; (d = disk_get(n)) != NULL; n++)
        bad += d->bad;
    printf("soak: bad=%llu\n", bad);
    exit(bad ? 1 : 0);
}

static bool obey(int fd, char letter)
{
    char text[2048]; /* of DISKS_MAX entries */

    if (letter == 'q')
        disks_stop();
    else if (letter == 'x')
        end();
    else if (letter == 's') {
        size_t len = report(text, sizeof(text));
        return write(fd, text, len) == (ssize_t)len;
    }
    return true;
}

static void talk(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char letter;

    while (read(fd, &letter, 1) == 1 && obey(fd, letter))
        ;
    close(fd);
}

static void control(void *arg)
{
    int listener = (int)(intptr_t)arg;

    for (;;) {
        int fd = accept(listener, NULL, NULL);

        if (fd >= 0 && !task_spawn("talk", talk, (void *)(intptr_t)fd, 0))
            close(fd);
    }
}

static int control_socket(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(CONTROL_PORT)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(fd, 8) != 0)
        return -1;
    return fd;
}

int main(void)
{
    int listener = server_listen(80), commands = control_socket();

    if (listener < 0 || commands < 0 || net_wait_up(hal_now_ns() + 60 * HAL_SEC) != 0) {
        printf("soak: there is no network\n");
        return 1;
    }
    printf("soak: disks=%u\n", disks_start());
    if (!task_spawn("control", control, (void *)(intptr_t)commands, 0))
        return 1;
    vireo_ready();
    server_run(listener, CONNECTIONS);
    return 1;
}
