/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_pci.c - a PCI Express bus (PCI 3.0, chapter 6) with functions, bridges and a virtio device
 * (virtio 1.4, section 4.1.4) whose configuration space, BARs and capabilities are the input's.
 * Enumeration ends, windows do not overlap, and a device that cannot be used leaves nothing behind.
 */
#include <string.h>

#include "fuzz.h"
#include "vpcitest.h"

#define FUNCTIONS 6

static struct model_pci_fn others[FUNCTIONS];
static struct model_pci_fn *bridges[FUNCTIONS + 1]; /* the first: the root */
static unsigned other_count, bridge_count = 1;

static struct hal_pci_host windows(void)
{
    struct hal_pci_host h = model_pci_windows();
    uint8_t how = fuzz8();

    if (how & 1)
        h.mem64.len = 0;
    if (how & 2)
        h.io.len = 0;
    if (how & 4)
        h.mem32.len = 0;
    if (how & 8)
        h.mem32.len = 1u << (12 + fuzz_below(12));
    if (how < 240) /* few buses are looked through faster */
        h.bus_last = (uint8_t)(h.bus_first + how / 16 % 8);
    return h;
}

static void give_bar(struct model_pci_fn *f)
{
    unsigned i = fuzz_below(6);
    enum model_pci_bar_kind kind = 1 + fuzz_below(3);

    if (kind == MODEL_BAR_MEM64 && (i == 5 || f->bar[i + 1].kind))
        kind = MODEL_BAR_MEM32;
    if (!f->bar[i].kind && (i == 0 || f->bar[i - 1].kind != MODEL_BAR_MEM64))
        model_pci_bar(f, i, kind,
                      1ull << (kind == MODEL_BAR_IO ? 4 + fuzz_below(5) : 4 + fuzz_below(28)));
}

static void add_function(void)
{
    struct model_pci_fn *f = &others[other_count++];
    uint8_t how = fuzz8();

    model_pci_add(f, 2 + other_count, 0, 0x1b36, fuzz16());
    f->bridge = bridges[how / 4 % bridge_count];
    if (f->bridge)
        f->dev = (uint8_t)(other_count - 1);
    if (how & 1) {
        model_pci_make_bridge(f, how & 2 ? 4 : -1);
        bridges[bridge_count++] = f;
        return;
    }
    for (unsigned n = fuzz_below(4); n > 0; n--)
        give_bar(f);
}

/* A capability that says what the input says, most of it near the truth. */
static void add_capability(void)
{
    uint8_t how = fuzz8();
    uint8_t type = how % 8;

    if (vpci.fn.cap_free > 200)
        return;
    if (how & 0x80 && type >= 1 && type <= 4) {
        model_vpci_cap(&vpci, type, 4, vpci.region[type].off, vpci.region[type].len);
    } else if (how & 0x40) {
        unsigned at = model_vpci_cap(&vpci, type, fuzz8() % 8, fuzz_odd32(), fuzz_odd32());

        fuzz_lies(vpci_model); /* it may lead into another structure, or nowhere */
        model_pci_put(&vpci.fn, at + 2, 1, fuzz8());
    } else if (how & 0x20) {
        fuzz_lies(vpci_model); /* of what a capability may have said before */
        vpci.multiplier = fuzz_odd32();
        vpci_model->queues[0].notify_off = fuzz16();
    } else {
        model_pci_cap(&vpci.fn, fuzz8(), 8 + 4 * fuzz_below(4));
    }
}

/* Any bytes of configuration space: what the model makes of accesses then is not judged. */
static void poke(void)
{
    uint8_t at = fuzz8() & 0xfc;

    fuzz_lies(vpci_model);
    model_pci_put(&vpci.fn, at, 4, fuzz32());
}

static void plug_modern(unsigned queues, bool bare)
{
    vpci_plug(queues, true);
    vpci.window = true;
    if (bare)
        return;
    model_pci_add_msix(&vpci.fn, 4, 1, 0);
    model_vpci_caps(&vpci);
}

static void build(void)
{
    struct hal_pci_host h = windows();
    uint8_t how = fuzz8();

    model_pci_bridge(&h, how & 1);
    if (how & 2)
        vpci_plug_legacy(1 + how / 64);
    else
        plug_modern(1 + how / 64, how & 4);
    if (how & 8 && !(how & 2)) { /* the model plays one role only: the other finds nonsense */
        model_vpci_transitional(&vpci);
        fuzz_lies(vpci_model);
    }
    host_msi_limit(how & 16 ? fuzz_below(8) : 32);
    vpci.vectors = how & 32 ? fuzz_below(8) : 0xffff;
    for (unsigned i = 0; i < 24 && fuzz_more(); i++) {
        uint8_t what = fuzz8();
        if (what < 64 && other_count < FUNCTIONS)
            add_function();
        else if (what < 192)
            add_capability();
        else if (what < 216)
            poke();
    }
}

void fuzz_one(void)
{
    bool ends = (fuzz8() & 7) != 1;

    build();
    host_boot();
    vpci_model->reset_never = !ends;
    if (virtio_find("vtest0")) {
        for (unsigned i = 0; i < td.queues; i++)
            if (virtq_free_slots(td.q[i]) > 1)
                testdrv_submit(td.q[i], i);
        for (unsigned i = 0; i < td.queues; i++)
            if (vpci_model->queues[i].ready)
                model_serve(vpci_model, &vpci_model->queues[i]);
        host_run_for(100 * HAL_MS);
        if (!fuzz_lied() && ends)
            CHECK_EQ(td.done_count, td.queues);
    } else {
        CHECK(host_live_blocks() < (int64_t)bridge_count); /* one for each bridge that was opened */
    }
    fuzz_end(0);
}
