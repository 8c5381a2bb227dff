/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * httpd - serves the files of a virtio disk (or initrd) over HTTP, and a live page about itself.
 *
 * Boot arguments: vireo.httpd.port (80), vireo.httpd.connections (as many as memory allows),
 * vireo.httpd.listing (1: folders without an index.html are listed), vireo.httpd.access_log (0: no
 * access log).
 */
#include <string.h>
#include <vireo.h>

#include "files.h"
#include "log.h"
#include "net.h"
#include "route.h"
#include "say.h"
#include "server.h"

/*
 * Bytes of memory for each place: an idle connection takes about 2 KiB, buffers included that the
 * protocol stack has for it; a busy one up to 6 KiB here, and there what the stack has to give.
 */
#define BYTES_PER_CONNECTION (16u * 1024u)
#define CONNECTIONS_MIN      16u
#define CONNECTIONS_MAX      65000u /* FILES_MAX, less the descriptors of served files */

static struct {
    uint16_t port;
    unsigned connections; /* 0: by memory */
} options;

static void read_options(void)
{
    options.port = (uint16_t)hal_option_u64("httpd", "port", 80, 1, 65535);
    options.connections = (unsigned)hal_option_u64("httpd", "connections", 0, 1, CONNECTIONS_MAX);
    route_listings = hal_option_u64("httpd", "listing", 1, 0, 1) != 0;
    log_enabled = hal_option_u64("httpd", "access_log", 0, 0, 1) != 0;
}
HAL_INIT(HAL_INIT_STACK, read_options);

static unsigned connection_limit(void)
{
    struct memory_info m;

    if (options.connections)
        return options.connections;
    vireo_memory(&m);
    uint64_t n = m.free / BYTES_PER_CONNECTION;
    return n < CONNECTIONS_MIN   ? CONNECTIONS_MIN
           : n > CONNECTIONS_MAX ? CONNECTIONS_MAX
                                 : (unsigned)n;
}

/*
 * Runs as a task of its own, since an address may come late or never (DHCP), and the server need
 * not wait. Says "ready" with the first address: before that, no client reaches the server.
 */
static void tell_addresses(void *unused)
{
    char text[NET_ADDRESS_TEXT], port[8] = ":";

    (void)unused;
    if (net_wait_up(HAL_NEVER) != 0)
        return;
    vireo_ready();
    port[1 + http_decimal(options.port, port + 1)] = 0;
    for (unsigned n = 0; net_address(n, text) == 0; n++)
        say(strchr(text, ':') ? "httpd: http://[%s]%s/\n" : "httpd: http://%s%s/\n", text,
            options.port == 80 ? "" : port);
}

int main(void)
{
    if (net_wait_up(0) == -ENODEV) { /* the log says how to give the machine a card */
        say("httpd: no network device: there is nobody to serve\n");
        return 1;
    }
    int listener = server_listen(options.port);
    if (listener < 0) {
        say("httpd: cannot listen on port %u: %s\n", options.port, strerror(-listener));
        return 1;
    }
    if (!task_spawn("addresses", tell_addresses, NULL, 0))
        vireo_ready();
    unsigned limit = connection_limit();
    say("httpd: port %u, up to %u connections%s\n", options.port, limit,
        files_present() ? "" : "; no file tree: only /status has something to show");
    int rc = server_run(listener, limit);
    say("httpd: stopped: %s\n", strerror(-rc));
    return 1;
}
