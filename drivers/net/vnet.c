/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet.c - virtio network device: probe, link state, recovery (virtio 1.4, sections 5.1.2 to
 * 5.1.5).
 *
 * One receive and one transmit queue, and a control queue where the device has one. An offload that
 * the device offers is taken, unless the option "deny" of the device names it.
 */
#include "net/vnet_impl.h"

#if VIREO_NET

#define VNET_NEEDS_CTRL                                                                            \
    {                                                                                              \
        VIRTIO_NEEDS(VIRTIO_NET_F_CTRL_VQ)                                                         \
    }

/*
 * Section 5.1.3.1. Beyond the standard, segments are joined into mergeable buffers only: others
 * would have to be of 64 KiB each. Devices offer ECN for both versions of IP, or for version 4.
 */
static const struct virtio_feature vnet_features[] = {
    {VIRTIO_NET_F_CSUM, "csum", {0, 0}},
    {VIRTIO_NET_F_GUEST_CSUM, "guest_csum", {0, 0}},
    {VIRTIO_NET_F_MTU, "mtu", {0, 0}},
    {VIRTIO_NET_F_MAC, "mac", {0, 0}},
    {VIRTIO_NET_F_GUEST_TSO4,
     "guest_tso4",
     {VIRTIO_NEEDS(VIRTIO_NET_F_GUEST_CSUM), VIRTIO_NEEDS(VIRTIO_NET_F_MRG_RXBUF)}},
    {VIRTIO_NET_F_GUEST_TSO6,
     "guest_tso6",
     {VIRTIO_NEEDS(VIRTIO_NET_F_GUEST_CSUM), VIRTIO_NEEDS(VIRTIO_NET_F_MRG_RXBUF)}},
    {VIRTIO_NET_F_GUEST_ECN, "guest_ecn", {VIRTIO_NEEDS(VIRTIO_NET_F_GUEST_TSO4)}},
    {VIRTIO_NET_F_HOST_TSO4, "host_tso4", {VIRTIO_NEEDS(VIRTIO_NET_F_CSUM)}},
    {VIRTIO_NET_F_HOST_TSO6, "host_tso6", {VIRTIO_NEEDS(VIRTIO_NET_F_CSUM)}},
    {VIRTIO_NET_F_HOST_ECN, "host_ecn", {VIRTIO_NEEDS(VIRTIO_NET_F_HOST_TSO4)}},
    {VIRTIO_NET_F_MRG_RXBUF, "mrg_rxbuf", {0, 0}},
    {VIRTIO_NET_F_STATUS, "status", {0, 0}},
    {VIRTIO_NET_F_CTRL_VQ, "ctrl_vq", {0, 0}},
    {VIRTIO_NET_F_CTRL_RX, "ctrl_rx", VNET_NEEDS_CTRL},
    {VIRTIO_NET_F_CTRL_VLAN, "ctrl_vlan", VNET_NEEDS_CTRL},
    {VIRTIO_NET_F_CTRL_RX_EXTRA, "ctrl_rx_extra", VNET_NEEDS_CTRL},
    {VIRTIO_NET_F_GUEST_ANNOUNCE, "guest_announce", VNET_NEEDS_CTRL},
    {VIRTIO_NET_F_CTRL_MAC_ADDR, "ctrl_mac_addr", VNET_NEEDS_CTRL},
    {VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, "ctrl_guest_offloads", VNET_NEEDS_CTRL},
    {VIRTIO_NET_F_NOTF_COAL, "notf_coal", VNET_NEEDS_CTRL},
    {VIRTIO_NET_F_HASH_REPORT, "hash_report", VNET_NEEDS_CTRL},
    {VIRTIO_NET_F_SPEED_DUPLEX, "speed_duplex", {0, 0}},
    {VIRTIO_NET_F_GUEST_HDRLEN, "guest_hdrlen", VIRTIO_NEEDS_MODERN},
};

static struct vnet *vnets; /* in order of discovery */
static void (*on_new)(struct vnet *v);

void vnet_on_new(void (*fn)(struct vnet *v))
{
    on_new = fn;
}

struct vnet *vnet_get(unsigned n)
{
    struct vnet *v = vnets;

    while (v && n--)
        v = v->next;
    return v;
}

const char *vnet_name(const struct vnet *v)
{
    return virtio_name(v->dev);
}

const uint8_t *vnet_mac(const struct vnet *v)
{
    return v->mac;
}

unsigned vnet_mtu(const struct vnet *v)
{
    return v->mtu;
}

unsigned vnet_offloads(const struct vnet *v)
{
    return v->offloads;
}

bool vnet_link_up(const struct vnet *v)
{
    return v->link_up && !v->dead;
}

bool vnet_is_dead(const struct vnet *v)
{
    return v->dead;
}

void vnet_get_stats(const struct vnet *v, struct vnet_stats *out)
{
    *out = v->stats;
    out->tx_frames = virtq_stats(v->txq)->submitted;
    out->rx_buffers = v->buf_count;
    out->rx_spare = v->spare_count;
    out->rx_held = v->held;
    out->rx_records = v->record_count;
    out->rx_records_held = v->records_held;
}

int vnet_attach(struct vnet *v, const struct vnet_client *client)
{
    if (v->client)
        return -EBUSY;
    v->client = client;
    return 0;
}

/* The link state by the config space; as before if that cannot be read. */
static bool vnet_read_link(struct vnet *v)
{
    uint16_t status;

    if (!virtio_has(v->dev, VIRTIO_NET_F_STATUS))
        return true;
    if (virtio_config_read16(v->dev, VIRTIO_NET_CFG_STATUS, &status))
        return v->link_up;
    if (status & VIRTIO_NET_S_ANNOUNCE)
        vnet_ctrl_announce(v);
    return status & VIRTIO_NET_S_LINK_UP;
}

static void vnet_set_link(struct vnet *v, bool up)
{
    if (v->link_up == up)
        return;
    v->link_up = up;
    hal_log(HAL_INFO, vnet_name(v), "link %s", up ? "up" : "down");
    if (v->client)
        v->client->link(v->client->ctx, up);
}

/*
 * Makes a locally administered unicast address (section 5.1.4.2), of the time since power-on and
 * the place of the device in memory. The address only has to differ from others on the segment.
 */
static void vnet_make_mac(struct vnet *v)
{
    uint64_t x = hal_now_ns() * 0x9e3779b97f4a7c15u + (uintptr_t)v;

    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 32;
    memcpy(v->mac, &x, VNET_MAC_LEN);
    v->mac[0] = (uint8_t)((v->mac[0] & 0xfc) | 2);
}

static int vnet_read_mac(struct vnet *v)
{
    static const uint8_t none[VNET_MAC_LEN];
    int err;

    if (!virtio_has(v->dev, VIRTIO_NET_F_MAC)) {
        vnet_make_mac(v);
        return 0;
    }
    err = virtio_config_read(v->dev, VIRTIO_NET_CFG_MAC, v->mac_told, VNET_MAC_LEN, 1);
    memcpy(v->mac, v->mac_told, VNET_MAC_LEN);
    if (!err && ((v->mac[0] & 1) || memcmp(v->mac, none, VNET_MAC_LEN) == 0)) {
        hal_log(HAL_WARN, vnet_name(v), "the device's MAC is not unicast; using a random one");
        vnet_make_mac(v);
    }
    return err;
}

/* The mtu by the config space, not checked; 1500 if the device tells none. */
static int vnet_config_mtu(struct vnet *v, uint16_t *mtu)
{
    *mtu = 1500;
    if (!virtio_has(v->dev, VIRTIO_NET_F_MTU))
        return 0;
    return virtio_config_read16(v->dev, VIRTIO_NET_CFG_MTU, mtu);
}

static int vnet_read_mtu(struct vnet *v)
{
    int err = vnet_config_mtu(v, &v->mtu);

    if (err)
        return err;
    if (v->mtu < 68 || v->mtu > 65535 - VNET_ETH_HLEN) {
        hal_log(HAL_ERROR, vnet_name(v), "mtu %u is outside 68..65521: device not used", v->mtu);
        return -EINVAL;
    }
    return 0;
}

static void vnet_read_offloads(struct vnet *v)
{
    static const struct {
        uint8_t feature;
        uint8_t offload;
    } all[] = {
        {VIRTIO_NET_F_CSUM, VNET_TX_CSUM},       {VIRTIO_NET_F_HOST_TSO4, VNET_TX_TSO4},
        {VIRTIO_NET_F_HOST_TSO6, VNET_TX_TSO6},  {VIRTIO_NET_F_HOST_ECN, VNET_TX_ECN},
        {VIRTIO_NET_F_GUEST_CSUM, VNET_RX_CSUM}, {VIRTIO_NET_F_GUEST_TSO4, VNET_RX_TSO4},
        {VIRTIO_NET_F_GUEST_TSO6, VNET_RX_TSO6}, {VIRTIO_NET_F_GUEST_ECN, VNET_RX_ECN},
    };

    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (virtio_has(v->dev, all[i].feature))
            v->negotiated |= all[i].offload;
    v->offloads = v->negotiated;
}

/*
 * A legacy header has no num_buffers, but with MRG_RXBUF (section 5.1.6.1). A header in a segment
 * of its own is the one of zeroes.
 */
static void vnet_read_framing(struct vnet *v)
{
    bool legacy = virtio_is_legacy(v->dev);

    v->mergeable = virtio_has(v->dev, VIRTIO_NET_F_MRG_RXBUF);
    v->headers = v->negotiated & VNET_RX_CSUM;
    v->hdr_len = sizeof(struct virtio_net_hdr) - (legacy && !v->mergeable ? 2 : 0);
    if (virtio_has(v->dev, VIRTIO_NET_F_HASH_REPORT))
        v->hdr_len = sizeof(struct virtio_net_hdr_hash);
    v->one_seg = !legacy || virtio_has(v->dev, VIRTIO_F_ANY_LAYOUT);
    if (!v->one_seg)
        v->offloads &= ~(unsigned)(VNET_TX_CSUM | VNET_TX_TSO4 | VNET_TX_TSO6 | VNET_TX_ECN);
    v->frame_max = v->mtu + VNET_ETH_HLEN;
    v->tx_pieces = v->offloads & (VNET_TX_TSO4 | VNET_TX_TSO6) ? VNET_TX_PIECES : VNET_TX_FEW;
}

/* A header in a descriptor of its own makes a frame two descriptors, and a chain fits its ring. */
static int vnet_check_sizes(const struct vnet *v)
{
    if (v->one_seg || (virtq_size(v->rxq) > 1 && virtq_size(v->txq) > 1))
        return 0;
    hal_log(HAL_ERROR, vnet_name(v), "a queue of 1 holds no frame: " HAL_OPTION "=2 is the least",
            vnet_name(v), "qsize");
    return -EINVAL;
}

static int vnet_setup_queues(struct vnet *v)
{
    const struct virtq_config queues[] = {
        [VIRTIO_NET_Q_RX] = {.name = "rx", .size = VNET_RING, .max_segs = 2},
        [VIRTIO_NET_Q_TX] = {.name = "tx",
                             .size = VNET_RING,
                             .max_segs = (uint16_t)(v->tx_pieces + 1),
                             .expects_progress = true,
                             .lazy = true},
        [VIRTIO_NET_Q_CTRL] =
            {.name = "ctrl", .size = 16, .max_segs = 4, .expects_progress = true, .rare = true},
    };

    return virtio_setup_queues(v->dev, queues, virtio_has(v->dev, VIRTIO_NET_F_CTRL_VQ) ? 3 : 2);
}

static int vnet_setup(struct vnet *v)
{
    int err;

    if ((err = vnet_read_mac(v)) || (err = vnet_read_mtu(v)))
        return err;
    vnet_read_offloads(v);
    vnet_read_framing(v);
    err = vnet_setup_queues(v);
    if (err)
        return err;
    v->rxq = virtio_queue(v->dev, VIRTIO_NET_Q_RX);
    v->txq = virtio_queue(v->dev, VIRTIO_NET_Q_TX);
    if ((err = vnet_check_sizes(v)) || (err = vnet_tx_setup(v)) || (err = vnet_rx_setup(v)))
        return err;
    return vnet_ctrl_setup(v);
}

static int vnet_probe(struct virtio_device *dev)
{
    struct vnet *v = hal_alloc(sizeof(*v));
    int err;

    if (!v)
        return -ENOMEM;
    v->dev = dev;
    v->tx_timeout_ns =
        hal_option_u64(virtio_name(dev), "timeout_ms", VNET_TX_TIMEOUT, 10, 3600000) * HAL_MS;
    v->tx_patience_ns = v->tx_timeout_ns;
    err = vnet_setup(v);
    if (err) {
        vnet_tx_cleanup(v);
        vnet_rx_cleanup(v);
        vnet_ctrl_free(v);
        hal_free(v);
        return err;
    }
    virtio_set_priv(dev, v);
    virtio_start(dev);
    vnet_tx_up(v, true);
    vnet_rx_post(v);
    v->link_up = vnet_read_link(v);
    HAL_LIST_APPEND(&vnets, v);
    if (on_new)
        on_new(v);
    return 0;
}

static bool vnet_service(struct virtio_device *dev)
{
    struct vnet *v = virtio_priv(dev);
    bool did;

    v->tx_scheduled = v->tx_scheduled && virtio_wakes(dev);
    did = virtq_in_flight(v->txq) && vnet_tx_reap(v);
    vnet_tx_watch(v);
    if (vnet_rx_service(v)) {
        did = true;
        if (v->client)
            v->client->batch_end(v->client->ctx);
    }
    vnet_tx_room(v);
    if (vnet_queued(v)) {
        vnet_flush(v);
        did = true;
    }
    vnet_tx_schedule(v);
    if (v->ctrl_pending)
        did |= vnet_ctrl_service(v);
    if (HAL_DMA_MAPS && vnet_rx_starves(v))
        virtio_wake_at(dev, hal_now_ns() + VNET_RX_RETRY);
    return did;
}

static void vnet_config_changed(struct virtio_device *dev)
{
    struct vnet *v = virtio_priv(dev);

    if (!v->dead)
        vnet_set_link(v, vnet_read_link(v));
}

/* ---- recovery -------------------------------------------------------------------------------- */

static void vnet_queue_lost(struct virtio_device *dev, struct virtq *q)
{
    struct vnet *v = virtio_priv(dev);

    if (q == v->txq)
        vnet_tx_lost(v);
    else if (q == v->rxq)
        vnet_rx_lost(v);
    else
        vnet_ctrl_lost(v);
}

static void vnet_queue_back(struct virtio_device *dev, struct virtq *q)
{
    struct vnet *v = virtio_priv(dev);

    if (q == v->txq)
        vnet_tx_back(v);
    else if (q == v->rxq)
        vnet_rx_back(v);
    else
        vnet_ctrl_back(v);
}

static int vnet_another_card(const struct vnet *v, const char *what)
{
    hal_log(HAL_ERROR, vnet_name(v), "the card came back with another %s: this is another card",
            what);
    return -ESTALE;
}

/*
 * The card must have the address and the mtu of before: the stack keeps its addresses, and the
 * receive buffers keep their size. If the link changed meanwhile, the core calls
 * vnet_config_changed() when the queues work.
 */
static int vnet_returned(struct virtio_device *dev)
{
    struct vnet *v = virtio_priv(dev);
    uint8_t mac[VNET_MAC_LEN];
    uint16_t mtu;
    int err = vnet_config_mtu(v, &mtu);

    if (err)
        return err;
    if (mtu != v->mtu)
        return vnet_another_card(v, "mtu");
    if (virtio_has(dev, VIRTIO_NET_F_MAC)) {
        err = virtio_config_read(dev, VIRTIO_NET_CFG_MAC, mac, VNET_MAC_LEN, 1);
        if (err)
            return err;
        if (memcmp(mac, v->mac_told, VNET_MAC_LEN) != 0 && memcmp(mac, v->mac, VNET_MAC_LEN) != 0)
            return vnet_another_card(v, "address");
    }
    if (v->dead)
        vnet_ctrl_plugged(v);
    v->dead = v->quarantine = false;
    return 0;
}

static void vnet_dead(struct virtio_device *dev, bool quarantine)
{
    struct vnet *v = virtio_priv(dev);

    if (v->dead)
        return;
    v->dead = true;
    v->quarantine = quarantine;
    v->link_up = false;
    vnet_tx_lost(v);
    vnet_rx_lost(v);
    vnet_ctrl_lost(v);
    if (v->client)
        v->client->link(v->client->ctx, false); /* also if the link was down before */
}

VIRTIO_DRIVER(vnet_driver) = {
    .device_id = VIRTIO_ID_NET,
    .prefix = "vnet",
    .features = vnet_features,
    .feature_count = sizeof(vnet_features) / sizeof(vnet_features[0]),
    .probe = vnet_probe,
    .service = vnet_service,
    .config_changed = vnet_config_changed,
    .queue_lost = vnet_queue_lost,
    .returned = vnet_returned,
    .queue_back = vnet_queue_back,
    .dead = vnet_dead,
};

#endif
