/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootip.c - the ip= boot arguments, one for all cards or one for each:
 *
 *     ip=dhcp   ip=off   ip=ADDRESS/PREFIX
 *     ip=client:server:gateway:netmask:hostname:device:autoconf:dns0:dns1
 *
 * Parts at the end may be left out, and any part may be empty. client may have a prefix length
 * (10.0.2.15/24): without one, and without a netmask, that of its class is taken, which the log
 * says; device is vnetN or ethN; autoconf is off, none, static, dhcp, on, any, both or empty.
 * Without an argument, or if none is right, every device asks DHCP. Of arguments for the same
 * device the last one counts; where some have a fixed address, devices that none names ask DHCP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/timeouts.h"
#include "net_impl.h"
#include "vireo/image.h"

#define DHCP_PATIENCE_MS 10000 /* without an answer, before the log says so */
#define BOOTIP_SHOWN     80    /* characters of a wrong argument that the log repeats */
#define BOOTIP_MOST      16    /* arguments that are kept */

enum part { CLIENT, SERVER, GATEWAY, NETMASK, HOSTNAME, DEVICE, AUTOCONF, DNS0, DNS1, PARTS };

struct bootip {
    bool off;  /* no device has an IPv4 address */
    bool dhcp; /* no fixed address is given */
    ip4_addr_t address, netmask, gateway, dns[2];
    int device;        /* N of the device that is meant; -1: not given */
    bool mask_guessed; /* the argument has no prefix length and no netmask */
};

/* Splits the text in place at ':'. The number of parts; -1: more than PARTS. */
static int bootip_split(char *text, char *parts[PARTS])
{
    int n = 0;

    for (;;) {
        if (n == PARTS)
            return -1;
        parts[n++] = text;
        while (*text && *text != ':')
            text++;
        if (!*text)
            return n;
        *text++ = '\0';
    }
}

/* The mask of an address without one: that of its class (RFC 791), as Linux has it for ip=. */
static uint32_t class_mask(uint32_t host_order)
{
    if (!(host_order & 0x80000000))
        return 0xff000000;
    return host_order & 0x40000000 ? 0xffffff00 : 0xffff0000;
}

static bool bootip_prefix(const char *text, ip4_addr_t *mask)
{
    char *end;
    unsigned long bits = strtoul(text, &end, 10);

    if (end == text || *end || bits < 1 || bits > 32)
        return false;
    ip4_addr_set_u32(mask, lwip_htonl((uint32_t)(0xffffffffull << (32 - bits))));
    return true;
}

static bool bootip_ip4(const char *text, ip4_addr_t *out)
{
    unsigned dots = 0;

    for (const char *c = text; *c; c++)
        dots += *c == '.';
    return dots == 3 && ip4addr_aton(text, out);
}

bool net_ip4_mask_ok(uint32_t mask)
{
    uint32_t host = ~mask;

    return (host & (host + 1)) == 0;
}

/* Can one machine have that address? Not loopback, multicast, or what is reserved (RFC 6890). */
static bool is_of_one_machine(uint32_t host_order)
{
    uint32_t net = host_order >> 24;

    return net != 0 && net != 127 && net < 224;
}

/* Is it the address of the network, or its broadcast address (RFC 1122, 3.2.1.3)? /31: RFC 3021. */
static bool is_of_the_network(uint32_t address, uint32_t mask)
{
    return ~mask > 1 && (!(address & ~mask) || (address & ~mask) == ~mask);
}

bool net_ip4_of_one_machine(uint32_t address, uint32_t mask)
{
    return is_of_one_machine(address) && !is_of_the_network(address, mask);
}

/* This and the functions below: NULL, or what is wrong with the part. */
static const char *bootip_client(char *text, const char *mask, struct bootip *out)
{
    char *slash = strchr(text, '/');
    uint32_t address;

    if (slash)
        *slash++ = '\0';
    if (!bootip_ip4(text, &out->address))
        return "the client is not an IPv4 address";
    address = lwip_ntohl(ip4_addr_get_u32(&out->address));
    out->mask_guessed = !slash && (!mask || !*mask);
    if (slash && !bootip_prefix(slash, &out->netmask))
        return "the prefix length is not 1 to 32";
    if (out->mask_guessed)
        ip4_addr_set_u32(&out->netmask, lwip_htonl(class_mask(address)));
    else if (!slash && (!bootip_ip4(mask, &out->netmask) ||
                        !net_ip4_mask_ok(lwip_ntohl(ip4_addr_get_u32(&out->netmask)))))
        return "the netmask is not of the form 255.255.255.0";
    if (!net_ip4_of_one_machine(address, lwip_ntohl(ip4_addr_get_u32(&out->netmask))))
        return "the client is not an IPv4 address of one machine";
    return NULL;
}

static const char *bootip_device(const char *text, struct bootip *out)
{
    const char *digits = strncmp(text, "vnet", 4) == 0  ? text + 4
                         : strncmp(text, "eth", 3) == 0 ? text + 3
                                                        : "";
    char *end;
    unsigned long n = strtoul(digits, &end, 10);

    if (end == digits || *end)
        return "the device is not vnetN or ethN";
    for (const struct net_dev *d = net_core.devs; d; d = d->next)
        if (d->index == n) {
            out->device = (int)n;
            return NULL;
        }
    return "the device does not exist";
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static const char *bootip_autoconf(const char *text, bool have_client, struct bootip *out)
{
    static const char *const none[] = {"off", "none", "static", NULL};
    static const char *const some[] = {"", "dhcp", "on", "any", "both", NULL};

    if (is_one_of(text, none)) {
        out->off = !have_client;
        return NULL;
    }
    if (!is_one_of(text, some))
        return "autoconf is not off, none, static, dhcp, on or any";
    out->dhcp = !have_client;
    return NULL;
}

static const char *bootip_name(const char *text)
{
    size_t len = strlen(text);

    if (len >= sizeof(net_core.hostname))
        return "the host name is too long";
    for (const char *c = text; *c; c++)
        if (!lwip_isdigit(*c) && !lwip_isxdigit(*c) && *c != '-' && *c != '.' &&
            !((*c | 32) >= 'a' && (*c | 32) <= 'z'))
            return "the host name has characters other than letters, digits, '-' and '.'";
    memcpy(net_core.hostname, text, len + 1);
    return NULL;
}

static const char *bootip_parts(char *parts[PARTS], struct bootip *out)
{
    const char *wrong = NULL;
    bool client = *parts[CLIENT];

    if (client)
        wrong = bootip_client(parts[CLIENT], parts[NETMASK], out);
    if (!wrong)
        wrong = bootip_autoconf(parts[AUTOCONF], client, out);
    if (!wrong && *parts[GATEWAY] && !bootip_ip4(parts[GATEWAY], &out->gateway))
        wrong = "the gateway is not an IPv4 address";
    for (int i = 0; i < 2; i++)
        if (!wrong && *parts[DNS0 + i] && !bootip_ip4(parts[DNS0 + i], &out->dns[i]))
            wrong = "a name server is not an IPv4 address";
    if (!wrong && *parts[DEVICE])
        wrong = bootip_device(parts[DEVICE], out);
    if (!wrong && *parts[HOSTNAME])
        wrong = bootip_name(parts[HOSTNAME]);
    return wrong;
}

static const char *bootip_parse(char *text, struct bootip *out)
{
    static char empty[1];
    char *parts[PARTS];
    int n = bootip_split(text, parts);

    if (n < 0)
        return "there are more than nine parts";
    if (n == 1) {
        if (strcmp(text, "off") == 0 || strcmp(text, "none") == 0) {
            out->off = true;
            return NULL;
        }
        if (*text == '\0' || strcmp(text, "dhcp") == 0 || strcmp(text, "on") == 0 ||
            strcmp(text, "any") == 0) {
            out->dhcp = true;
            return NULL;
        }
    }
    while (n < PARTS)
        parts[n++] = empty;
    return bootip_parts(parts, out);
}

static void dhcp_still_no_lease(void *arg)
{
    struct net_dev *d = arg;

    if (dhcp_supplied_address(&d->netif))
        return;
    hal_log(HAL_WARN, d->name,
            "no answer to DHCP in %d s: still asking; ip=ADDRESS/PREFIX sets a fixed address",
            DHCP_PATIENCE_MS / 1000);
}

static void bootip_start_dhcp(struct net_dev *d)
{
    if (dhcp_start(&d->netif) != ERR_OK)
        hal_log(HAL_ERROR, d->name, "out of memory: no DHCP");
    else
        sys_timeout(DHCP_PATIENCE_MS, dhcp_still_no_lease, d);
}

static void bootip_set_static(struct net_dev *d, const struct bootip *b)
{
    unsigned servers = 0;

    d->is_static = true;
    netif_set_addr(&d->netif, &b->address, &b->netmask, &b->gateway);
    for (u8_t i = 0; i < 2; i++)
        if (!ip4_addr_isany_val(b->dns[i])) {
            ip_addr_t server;

            ip_addr_copy_from_ip4(server, b->dns[i]);
            net_names_set(&d->netif, servers++, &server);
        }
}

static struct bootip wanted[BOOTIP_MOST]; /* what the arguments say */
static unsigned wanted_count;

/* The last argument for that device (-1: for those that are not named); NULL: there is none. */
static const struct bootip *bootip_for(int device)
{
    for (unsigned i = wanted_count; i-- > 0;)
        if (wanted[i].device == device)
            return &wanted[i];
    return NULL;
}

static bool bootip_some_is_fixed(void)
{
    for (unsigned i = 0; i < wanted_count; i++)
        if (!wanted[i].dhcp && !wanted[i].off)
            return true;
    return false;
}

/* A fixed address without a device is for the first one that no argument names. */
static bool bootip_is_first_unnamed(const struct net_dev *d)
{
    for (unsigned i = 0; i < d->index; i++)
        if (!bootip_for((int)i))
            return false;
    return true;
}

void net_configure_device(struct net_dev *d)
{
    const struct bootip *b = bootip_for((int)d->index);
    bool named = b != NULL, fixed;

    if (!named)
        b = bootip_for(-1);
    fixed = b && !b->dhcp && !b->off && (named || bootip_is_first_unnamed(d));
    if (fixed)
        bootip_set_static(d, b);
    else if (b ? !b->off : bootip_some_is_fixed())
        bootip_start_dhcp(d);
}

static void bootip_tell_guess(const struct bootip *b)
{
    uint32_t mask = lwip_ntohl(ip4_addr_get_u32(&b->netmask));
    char address[IP4ADDR_STRLEN_MAX];

    ip4addr_ntoa_r(&b->address, address, sizeof(address));
    hal_log(
        HAL_WARN, "net",
        "ip=%s has no prefix length: taking /%d, that of its class; write ip=%s/24, or whatever "
        "the network has",
        address, __builtin_popcount(mask), address);
}

static void bootip_read(const char *text)
{
    struct bootip b = {.device = -1};
    const char *wrong = NULL;
    char copy[256];

    if (strlen(text) >= sizeof(copy))
        wrong = "the argument is too long";
    else
        wrong = bootip_parse(strcpy(copy, text), &b);
    if (!wrong && wanted_count == BOOTIP_MOST)
        wrong = "there are too many of them";
    if (wrong) {
        hal_log(HAL_WARN, "net",
                "ip=%.*s: %s; using DHCP. Give ip=dhcp, ip=off, ip=ADDRESS/PREFIX or "
                "ip=client:server:gateway:netmask:hostname:device:autoconf:dns0:dns1",
                BOOTIP_SHOWN, text, wrong);
        return;
    }
    if (b.mask_guessed)
        bootip_tell_guess(&b);
    wanted[wanted_count++] = b;
}

void net_configure(void)
{
    const char *text;

    for (unsigned n = 0; (text = hal_bootarg_nth("ip", n)); n++)
        bootip_read(text);
    if (!wanted_count)
        wanted[wanted_count++] = (struct bootip){.device = -1, .dhcp = true};
    for (struct net_dev *d = net_core.devs; d; d = d->next)
        net_configure_device(d);
}
