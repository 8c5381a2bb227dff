/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_net - /init of the Linux guest that `make bench BENCH=net` compares an image with: loads
 * the modules /m/0.ko, /m/1.ko ..., gives eth0 the address in the boot argument guest_ip=, and then
 * does what lines on the console say:
 *
 *     load NAME HOST PORT SIZE N MS RATE BATCH    a load of examples/netperf/load.c
 *     web                                         starts lighttpd, which goes on
 *
 * Each line is answered by "linux_net: status N" in the end.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "../../examples/netperf/load.h"

void load_mark_begin(void)
{
    __asm__ volatile("hint #98" : : : "memory");
}

void load_mark_end(void)
{
    __asm__ volatile("hint #99" : : : "memory");
}

static void fail(const char *what)
{
    printf("linux_net: failed: %s: %m\n", what);
    fflush(stdout);
    exit(1);
}

static void load_modules(void)
{
    char path[] = "/m/0.ko";

    for (int fd; (fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0; path[3]++) {
        if (syscall(SYS_finit_module, fd, "", 0) < 0)
            fail(path);
        close(fd);
    }
}

static void set_up(const char *name, const char *ip)
{
    struct ifreq i = {.ifr_flags = 0};
    struct sockaddr_in at = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    snprintf(i.ifr_name, sizeof(i.ifr_name), "%s", name);
    inet_aton(ip, &at.sin_addr);
    memcpy(&i.ifr_addr, &at, sizeof(at));
    if (ioctl(fd, SIOCSIFADDR, &i) < 0)
        fail(name);
    inet_aton("255.255.255.0", &at.sin_addr);
    memcpy(&i.ifr_netmask, &at, sizeof(at));
    ioctl(fd, SIOCSIFNETMASK, &i);
    i.ifr_flags = IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &i) < 0)
        fail(name);
    close(fd);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        fail(path);
    close(fd);
}

/* Lines come as they were typed, and are not shown. */
static void quiet_console(void)
{
    struct termios t;

    if (tcgetattr(STDIN_FILENO, &t) == 0) {
        t.c_lflag &= (tcflag_t)~ECHO;
        t.c_oflag &= (tcflag_t)~ONLCR;
        tcsetattr(STDIN_FILENO, TCSANOW, &t);
    }
}

static int run_load(const char *words)
{
    char name[16], host[32];
    struct load load = {.host = host};
    struct load_result result;
    uint64_t ms;

    if (sscanf(words,
               "%15s %31s %" SCNu16 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu32 " %" SCNu32,
               name, host, &load.port, &load.size, &load.operations, &ms, &load.rate,
               &load.batch) != 8)
        return 2;
    load.time_ns = ms * 1000000;
    if (load_run(name, &load, &result))
        return 1;
    load_print(name, &result);
    return 0;
}

static int start_web(void)
{
    pid_t child = fork();

    if (child == 0) {
        execl("/sbin/lighttpd", "lighttpd", "-D", "-f", "/etc/lighttpd.conf", (char *)NULL);
        fail("lighttpd");
    }
    return child < 0;
}

int main(void)
{
    const char *ip = getenv("guest_ip");
    char line[256];

    if (!ip)
        fail("there is no guest_ip=");
    mount("proc", "/proc", "proc", 0, NULL);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    load_modules();
    set_up("lo", "127.0.0.1");
    set_up("eth0", ip);
    write_file("/proc/sys/net/ipv4/tcp_no_metrics_save", "1");
    write_file("/proc/sys/kernel/printk", "0");
    write_file("/proc/sys/net/core/rmem_max", "8388608");
    quiet_console();
    printf("linux_net: ready\n");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        int status = strncmp(line, "web", 3) == 0 ? start_web() : run_load(line + strlen("load "));

        printf("linux_net: status %d\n", status);
        fflush(stdout);
    }
    return 0;
}
