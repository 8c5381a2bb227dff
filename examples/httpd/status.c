/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * status.c - the state of the image as JSON: memory, devices with their queues and counters, and
 * the server itself. Made on demand, from counters that exist anyway.
 */
#include "status.h"

#include <malloc.h>
#include <stdlib.h>

#include <vireo.h>

#include "block/block.h"
#include "block/cache/bcache.h"
#include "conn.h"
#include "net.h"
#include "net/vnet.h"
#include "text.h"
#include "virtio/virtio.h"

#define SIZE_FIRST    8192u
#define SIZE_MAX_JSON (256u * 1024u)

/* ---- JSON ----------------------------------------------------------------------------------- */

/* A string; what JSON does not allow in one, and all that is not ASCII, becomes '?'. */
static void put_string(struct text *t, const char *s)
{
    text_lit(t, "\"");
    for (; *s; s++) {
        char c = *s;
        if (c == '"' || c == '\\')
            text_lit(t, "\\");
        else if (c < ' ' || c > '~')
            c = '?';
        text_put(t, &c, 1);
    }
    text_lit(t, "\"");
}

/* A member's name and colon, after a comma unless it is the first of its object. */
static void put_name(struct text *t, const char *name)
{
    char before = t->len ? t->p[t->len - 1] : '{';

    if (before != '{' && before != '[')
        text_lit(t, ",");
    text_lit(t, "\"");
    text_str(t, name);
    text_lit(t, "\":");
}

static void put_number(struct text *t, const char *name, uint64_t v)
{
    put_name(t, name);
    text_u64(t, v);
}

static void put_bool(struct text *t, const char *name, bool v)
{
    put_name(t, name);
    text_str(t, v ? "true" : "false");
}

static void put_text(struct text *t, const char *name, const char *v)
{
    put_name(t, name);
    put_string(t, v);
}

/* ---- devices -------------------------------------------------------------------------------- */

static const char *state_name(enum virtq_state s)
{
    static const char *const names[] = {[VIRTQ_OFF] = "off",
                                        [VIRTQ_OK] = "ok",
                                        [VIRTQ_BROKEN] = "broken",
                                        [VIRTQ_RESETTING] = "resetting",
                                        [VIRTQ_GONE] = "gone"};

    return names[s];
}

static void put_stats(struct text *t, const struct virtq_stats *s)
{
    put_number(t, "submitted", s->submitted);
    put_number(t, "completed", s->completed);
    put_number(t, "publishes", s->publishes);
    put_number(t, "kicks", s->kicks);
    put_number(t, "rekicks", s->rekicks);
    put_number(t, "nudges", s->nudges);
    put_number(t, "late", s->late);
}

static void add_stats(struct virtq_stats *sum, const struct virtq_stats *s)
{
    sum->submitted += s->submitted;
    sum->completed += s->completed;
    sum->publishes += s->publishes;
    sum->kicks += s->kicks;
    sum->rekicks += s->rekicks;
    sum->nudges += s->nudges;
    sum->late += s->late;
}

static void put_queues(struct text *t, const struct virtio_info *info, struct virtio_device *dev,
                       struct virtq_stats *sum)
{
    put_name(t, "queues");
    text_lit(t, "[");
    for (unsigned i = 0; dev && i < info->queues; i++) {
        const struct virtq *q = virtio_queue(dev, i);
        if (!q)
            continue;
        if (t->p[t->len - 1] == '}')
            text_lit(t, ",");
        text_lit(t, "{");
        put_text(t, "name", virtq_name(q));
        put_text(t, "state", state_name(virtq_state(q)));
        put_number(t, "size", virtq_size(q));
        put_number(t, "in_flight", virtq_in_flight(q));
        put_stats(t, virtq_stats(q));
        text_lit(t, "}");
        add_stats(sum, virtq_stats(q));
    }
    text_lit(t, "]");
}

static void put_features(struct text *t, const struct virtio_device *dev)
{
    char names[1024] = "", *name = names;

    if (dev)
        virtio_feature_names(dev, names, sizeof(names));
    put_name(t, "features");
    text_lit(t, "[");
    while (*name) {
        char *space = strchr(name, ' ');
        if (space)
            *space = 0;
        if (name != names)
            text_lit(t, ",");
        put_string(t, name);
        name = space ? space + 1 : name + strlen(name);
    }
    text_lit(t, "]");
}

static void put_net(struct text *t, const char *name)
{
    struct vnet_stats s;
    struct vnet *v = NULL;

    for (unsigned n = 0; (v = vnet_get(n)) != NULL && strcmp(vnet_name(v), name) != 0; n++)
        ;
    if (!v)
        return;
    vnet_get_stats(v, &s);
    put_name(t, "net");
    text_lit(t, "{");
    put_bool(t, "link", vnet_link_up(v));
    put_number(t, "mtu", vnet_mtu(v));
    put_number(t, "rx_frames", s.rx_frames);
    put_number(t, "rx_bytes", s.rx_bytes);
    put_number(t, "tx_frames", s.tx_frames);
    put_number(t, "tx_bytes", s.tx_bytes);
    put_number(t, "rx_no_spare", s.rx_no_spare);
    put_number(t, "rx_bad_length", s.rx_bad_length);
    put_number(t, "tx_full", s.tx_full);
    put_number(t, "tx_lost", s.tx_lost);
    put_number(t, "rx_buffers", s.rx_buffers);
    put_number(t, "rx_spare_low", s.rx_spare_low);
    put_number(t, "rx_held", s.rx_held);
    put_number(t, "rx_records_held", s.rx_records_held);
    text_lit(t, "}");
}

static void put_cache(struct text *t, const char *name)
{
    struct bcache_stats s;
    unsigned n = 0;
    int rc;

    while ((rc = bcache_stats(n, &s)) == 0 && strcmp(s.device, name) != 0)
        n++;
    if (rc != 0)
        return;
    put_name(t, "cache");
    text_lit(t, "{");
    put_number(t, "cache_hits", s.hits);
    put_number(t, "cache_misses", s.misses);
    put_number(t, "cache_readahead", s.readahead);
    put_number(t, "cache_evictions", s.evictions);
    put_number(t, "cache_blocks", s.blocks);
    put_number(t, "cache_max_blocks", s.max_blocks);
    put_number(t, "cache_block_size", s.block_size);
    put_number(t, "cache_dirty", s.dirty);
    text_lit(t, "}");
}

static void put_block(struct text *t, const char *name)
{
    struct block_device *dev = block_find(name);
    struct block_info b;

    if (!dev)
        return;
    block_describe(dev, &b);
    put_name(t, "block");
    text_lit(t, "{");
    put_text(t, "id", b.id);
    put_number(t, "bytes", b.sectors * BLOCK_SECTOR);
    put_number(t, "block_size", b.block_size);
    put_bool(t, "read_only", b.read_only);
    put_number(t, "requests", b.stats.reads + b.stats.writes + b.stats.flushes);
    put_number(t, "reads", b.stats.reads);
    put_number(t, "writes", b.stats.writes);
    put_number(t, "flushes", b.stats.flushes);
    put_number(t, "bytes_read", b.stats.bytes_read);
    put_number(t, "bytes_written", b.stats.bytes_written);
    put_number(t, "transfers", b.stats.transfers);
    put_number(t, "merged", b.stats.merged);
    put_number(t, "errors", b.stats.errors);
    put_number(t, "replayed", b.stats.replayed);
    text_lit(t, "}");
}

/* Writes one device; returns the rekicks of all its queues. */
static uint64_t put_device(struct text *t, const struct virtio_info *info)
{
    struct virtio_device *dev = virtio_find(info->name);
    struct virtq_stats sum = {0};

    text_lit(t, "{");
    put_text(t, "name", info->name);
    put_text(t, "type",
             info->device_id == VIRTIO_ID_NET     ? "net"
             : info->device_id == VIRTIO_ID_BLOCK ? "block"
                                                  : "other");
    put_text(t, "transport", info->transport);
    put_text(t, "ring", info->ring);
    put_text(t, "wakeup", info->wakeup);
    put_bool(t, "alive", info->alive);
    put_text(t, "state", info->state);
    put_text(t, "cause", info->cause);
    put_number(t, "resets", info->resets);
    put_number(t, "recoveries", info->recoveries);
    put_features(t, dev);
    put_number(t, "interrupts", info->interrupts);
    put_queues(t, info, dev, &sum);
    put_stats(t, &sum);
    if (info->device_id == VIRTIO_ID_NET)
        put_net(t, info->name);
    if (info->device_id == VIRTIO_ID_BLOCK) {
        put_block(t, info->name);
        put_cache(t, info->name);
    }
    text_lit(t, "}");
    return sum.rekicks;
}

static void put_devices(struct text *t)
{
    struct virtio_info info;
    uint64_t rekicks = 0;

    put_name(t, "devices");
    text_lit(t, "[");
    for (unsigned n = 0; virtio_info(n, &info) == 0; n++) {
        if (n)
            text_lit(t, ",");
        rekicks += put_device(t, &info);
    }
    text_lit(t, "]");
    put_number(t, "rekicks", rekicks);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void put_memory(struct text *t)
{
    struct memory_info m;

    vireo_memory(&m);
    put_name(t, "memory");
    text_lit(t, "{");
    put_number(t, "total", m.total);
    put_number(t, "image", m.image);
    put_number(t, "heap_used", m.heap_used);
    put_number(t, "heap_live", (uint64_t)mallinfo().uordblks);
    put_number(t, "pages_used", m.pages_used);
    put_number(t, "free", m.free);
    text_lit(t, "}");
}

static void put_addresses(struct text *t)
{
    char text[NET_ADDRESS_TEXT];

    put_name(t, "addresses");
    text_lit(t, "[");
    for (unsigned n = 0; net_address(n, text) == 0; n++) {
        if (n)
            text_lit(t, ",");
        put_string(t, text);
    }
    text_lit(t, "]");
}

/* What the protocol stack counts; frames and drops of a device stand with the device. */
static void put_network(struct text *t)
{
    struct net_stats s;

    net_get_stats(&s);
    put_name(t, "network");
    text_lit(t, "{");
    put_number(t, "tcp_connections", s.tcp_connections);
    put_number(t, "tcp_time_wait", s.tcp_time_wait);
    put_number(t, "tcp_accepted", s.tcp_accepted);
    put_number(t, "tcp_refused", s.tcp_refused);
    put_number(t, "tcp_forged", s.tcp_forged);
    put_number(t, "tcp_rx", s.tcp_rx);
    put_number(t, "tcp_tx", s.tcp_tx);
    put_number(t, "tcp_dropped", s.tcp_dropped);
    put_number(t, "ip_dropped", s.ip_dropped);
    put_number(t, "rx_malformed", s.rx_malformed);
    put_number(t, "rx_copied", s.rx_copied);
    put_number(t, "tx_full", s.tx_full);
    put_number(t, "sockets", s.sockets);
    put_number(t, "neighbours", s.neighbours);
    put_number(t, "neighbours_unknown", s.neighbours_unknown);
    put_number(t, "mem_used", s.mem_used);
    put_number(t, "mem_lent", s.mem_lent);
    put_number(t, "mem_limit", s.mem_limit);
    put_number(t, "mem_failed", s.mem_failed);
    text_lit(t, "}");
}

static void put_server(struct text *t)
{
    const struct server_stats *s = &server_stats;

    put_name(t, "server");
    text_lit(t, "{");
    put_number(t, "open", s->open);
    put_number(t, "limit", s->limit);
    put_number(t, "accepted", s->accepted);
    put_number(t, "requests", s->requests);
    put_number(t, "bytes_sent", s->bytes_sent);
    put_number(t, "bytes_received", s->bytes_received);
    put_number(t, "timeouts", s->timeouts);
    put_number(t, "refused", s->refused);
    put_number(t, "evicted", s->evicted);
    text_lit(t, "}");
}

static void put_all(struct text *t)
{
    text_lit(t, "{");
    put_text(t, "version", VIREO_VERSION);
    put_number(t, "uptime_ms", server_now_ms);
    put_addresses(t);
    put_memory(t);
    put_server(t);
    put_network(t);
    put_devices(t);
    text_lit(t, "}\n");
}

char *status_json(size_t *len)
{
    for (size_t size = SIZE_FIRST; size <= SIZE_MAX_JSON; size *= 2) {
        struct text t = {.p = malloc(size), .size = size};
        if (!t.p)
            return NULL;
        put_all(&t);
        *len = t.len;
        if (!t.overflow)
            return t.p;
        free(t.p);
    }
    return NULL;
}
