/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_ctrl.c - the control queue: commands to the device and their answers (virtio 1.4, section
 * 5.1.6.5). A command describes a state of the device. It is filled in when it is sent, answered
 * once, and sent again after a reset, so nobody has to remember what the device was told.
 *
 * A device that does not answer in time is reset as any other that misses a deadline. The second
 * time in a row the queue is given up instead: frames are worth more than filters.
 */
#include "net/vnet_ctrl_impl.h"

#if VIREO_NET

struct vnet_command *vnet_ctrl_find(const struct vnet *v, enum vnet_ctrl_command what)
{
    struct vnet_command *c = v->ctrl ? v->ctrl->commands : NULL;

    while (c && c->what != what)
        c = c->next;
    return c;
}

int vnet_ctrl_result(const struct vnet *v, enum vnet_ctrl_command what)
{
    const struct vnet_command *c = vnet_ctrl_find(v, what);

    if (!c)
        return -ENOENT;
    return c->result == -EAGAIN && (v->ctrl->down || v->dead) ? -EIO : c->result;
}

/* ---- to the device --------------------------------------------------------------------------- */

/*
 * Writes a command into mem from offset `at` on, and describes it; the offset behind it. Each part
 * has a segment of its own where the device wants that (section 5.1.6.5.1, legacy framing).
 */
static unsigned vnet_ctrl_build(struct vnet *v, struct vnet_command *c, unsigned at, unsigned i)
{
    struct vnet_ctrl *k = v->ctrl;
    struct virtq_seg *segs = k->segs[i];
    unsigned len = c->fill ? c->fill(v, c, k->mem + at + 2) : 0;
    unsigned n = 0;

    k->mem[at] = c->class;
    k->mem[at + 1] = c->code;
    c->ack_at = (uint16_t)(at + 2 + len);
    k->mem[c->ack_at] = VNET_CTRL_WAITS;
    segs[n++] = (struct virtq_seg){k->dma + at, v->one_seg ? 2 + len : 2};
    if (!v->one_seg && c->split)
        segs[n++] = (struct virtq_seg){k->dma + at + 2, c->split};
    if (!v->one_seg && len > c->split)
        segs[n++] = (struct virtq_seg){k->dma + at + 2 + c->split, len - c->split};
    segs[n] = (struct virtq_seg){k->dma + c->ack_at, 1};
    k->reqs[i] = (struct virtq_request){segs, (uint16_t)n, 1, c};
    return c->ack_at + 1u;
}

/* Sends what is wanted, as far as it fits one batch. */
static void vnet_ctrl_send(struct vnet *v)
{
    struct vnet_ctrl *k = v->ctrl;
    unsigned n = 0, at = 0;
    int taken;

    for (struct vnet_command *c = k->commands; c && n < VNET_CTRL_BATCH; c = c->next) {
        if (!c->wanted)
            continue;
        if (at + 3u + c->most > VNET_CTRL_MEM)
            break;
        at = vnet_ctrl_build(v, c, at, n++);
    }
    v->ctrl_pending = n != 0;
    if (!n)
        return;
    virtq_hold(k->q, false);
    taken = virtq_submit(k->q, k->reqs, n);
    for (int i = 0; i < taken; i++) {
        ((struct vnet_command *)k->reqs[i].cookie)->wanted = false;
        k->out++;
    }
    k->deadline_ns = hal_now_ns() + v->tx_timeout_ns;
}

void vnet_ctrl_want(struct vnet *v, struct vnet_command *c)
{
    struct vnet_ctrl *k = v->ctrl;

    if (!vnet_ctrl_find(v, c->what))
        HAL_LIST_APPEND(&k->commands, c);
    c->wanted = true;
    c->result = -EAGAIN;
    v->ctrl_pending = !k->down;
    if (!v->dead)
        virtio_wake(v->dev);
}

/* ---- from the device ------------------------------------------------------------------------- */

static void vnet_ctrl_take_answer(struct vnet *v, struct vnet_command *c)
{
    uint8_t ack = hal_shared_load8(&v->ctrl->mem[c->ack_at]);
    bool again = c->wanted; /* it was changed meanwhile, and is sent once more */

    v->ctrl->out--;
    v->ctrl->failures = 0;
    c->result = ack == VIRTIO_NET_OK ? 0 : -EIO;
    if (c->result && !c->refused)
        hal_log(HAL_WARN, vnet_name(v), "command %u.%u of the control queue refused (answer %u)",
                c->class, c->code, ack);
    c->refused = c->result != 0;
    if (c->answered)
        c->answered(v, c);
    if (again)
        c->result = -EAGAIN;
}

/* No more commands are sent, until the device is plugged in again. */
static void vnet_ctrl_give_up(struct vnet *v)
{
    v->ctrl->down = true;
    v->ctrl_pending = false;
    virtq_hold(v->ctrl->q, true);
    hal_log(HAL_ERROR, vnet_name(v),
            "the control queue does not work: used without (" HAL_OPTION
            "=ctrl_vq: from the start)",
            vnet_name(v), "deny");
}

static void vnet_ctrl_late(struct vnet *v)
{
    if (v->ctrl->failures + 1 < VNET_CTRL_FAILED)
        virtq_fail(v->ctrl->q, "a command was not answered in time");
    else
        vnet_ctrl_give_up(v);
}

bool vnet_ctrl_service(struct vnet *v)
{
    struct vnet_ctrl *k = v->ctrl;
    struct virtq_done done[VNET_CTRL_BATCH];
    int n = k->out ? virtq_reap(k->q, done, VNET_CTRL_BATCH) : 0;

    for (int i = 0; i < n; i++)
        vnet_ctrl_take_answer(v, done[i].cookie);
    if (n < 0 || virtq_state(k->q) != VIRTQ_OK)
        return false;
    if (!k->out) {
        virtq_hold(k->q, true);
        vnet_ctrl_send(v);
    }
    if (k->out && hal_now_ns() >= k->deadline_ns)
        vnet_ctrl_late(v);
    else if (k->out)
        virtio_wake_at(v->dev, k->deadline_ns);
    return n > 0;
}

/* Section 5.1.6.5.4. What is asked for before the last request was answered is done afterwards. */
void vnet_ctrl_announce(struct vnet *v)
{
    struct vnet_ctrl *k = v->ctrl;

    if (!k || !virtio_has(v->dev, VIRTIO_NET_F_GUEST_ANNOUNCE) || k->down)
        return;
    k->announce_again = k->announced.result == -EAGAIN;
    if (k->announce_again)
        return;
    if (k->client)
        k->client->announce(k->client->ctx);
    vnet_ctrl_want(v, &k->announced);
}

static void vnet_ctrl_announced(struct vnet *v, struct vnet_command *c)
{
    (void)c;
    if (v->ctrl->announce_again)
        vnet_ctrl_announce(v);
}

/* ---- set-up and recovery --------------------------------------------------------------------- */

/* Most segments of a command, which have to fit the queue (section 2.7.5.3.1). */
static unsigned vnet_ctrl_segs(const struct vnet *v)
{
    return v->one_seg ? 2 : VNET_CTRL_SEGS;
}

int vnet_ctrl_setup(struct vnet *v)
{
    struct vnet_ctrl *k;

    v->ctrlq = virtio_queue(v->dev, VIRTIO_NET_Q_CTRL);
    if (!v->ctrlq)
        return 0;
    virtq_hold(v->ctrlq, true);
    if (virtq_size(v->ctrlq) < vnet_ctrl_segs(v)) {
        hal_log(HAL_WARN, vnet_name(v), "a control queue of %u holds no command: not used",
                virtq_size(v->ctrlq));
        return 0;
    }
    k = hal_alloc(sizeof(*k));
    if (!k)
        return -ENOMEM;
    v->ctrl = k;
    k->q = v->ctrlq;
    k->announced = (struct vnet_command){.what = VNET_CTRL_ANNOUNCED,
                                         .class = VIRTIO_NET_CTRL_ANNOUNCE,
                                         .code = VIRTIO_NET_CTRL_ANNOUNCE_ACK,
                                         .once = true,
                                         .answered = vnet_ctrl_announced};
    k->mem = hal_dma_alloc(VNET_CTRL_MEM, 64, &k->dma);
    return k->mem ? 0 : -ENOMEM;
}

void vnet_ctrl_free(struct vnet *v)
{
    if (v->ctrl)
        hal_dma_free(v->ctrl->mem, VNET_CTRL_MEM);
    hal_free(v->ctrl);
}

/* The commands of the ring have no answer. If the device may still write one, mem is left to it. */
void vnet_ctrl_lost(struct vnet *v)
{
    struct vnet_ctrl *k = v->ctrl;

    v->ctrl_pending = false;
    if (!k)
        return;
    if (k->out)
        k->failures++;
    while (virtq_take_back(k->q))
        k->out--;
    if (v->quarantine)
        k->mem = NULL;
    for (struct vnet_command *c = k->commands; c; c = c->next) {
        c->wanted = !c->once;
        c->result = c->once ? -EIO : -EAGAIN;
        if (c->forgotten)
            c->forgotten(c);
    }
}

void vnet_ctrl_plugged(struct vnet *v)
{
    if (!v->ctrl)
        return;
    v->ctrl->failures = 0;
    v->ctrl->down = false;
}

void vnet_ctrl_back(struct vnet *v)
{
    struct vnet_ctrl *k = v->ctrl;

    virtq_hold(v->ctrlq, true);
    if (!k || k->down)
        return;
    if (!k->mem)
        k->mem = hal_dma_alloc(VNET_CTRL_MEM, 64, &k->dma);
    if (k->mem && k->failures < VNET_CTRL_FAILED)
        vnet_ctrl_send(v);
    else
        vnet_ctrl_give_up(v);
}

#endif
