/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_feature.c - negotiation (virtio 1.4, sections 2.2, 3.1.1 and 6) with a device that offers
 * and refuses any set of bits, on any transport, with the boot arguments that bear on it. What is
 * accepted was offered, is complete in itself, and lets buffers through; or the device is given up.
 */
#include <string.h>

#include "fuzz.h"
#include "model_pci.h"
#include "testdrv.h"

static struct model m;
static struct model_vpci function;

static void boot_arguments(void)
{
    static const char *const words[] = {"vireo.deny=ring_packed",
                                        "vireo.deny=event_idx",
                                        "vireo.deny=a,needs_a",
                                        "vireo.vtest0.deny=indirect_desc,b",
                                        "vireo.deny=",
                                        "vireo.poll=1",
                                        "vireo.poll=hybrid",
                                        "vireo.qsize=3",
                                        "vireo.vtest0.qsize=64",
                                        "vireo.pci.legacy=1",
                                        "vireo.pci.window=1",
                                        "vireo.deny=version_1,word_2,ring_reset"};
    char text[256] = "";

    for (unsigned n = fuzz_below(4); n > 0; n--) {
        strcat(text, words[fuzz_below(sizeof(words) / sizeof(words[0]))]);
        strcat(text, " ");
    }
    host_set_bootargs(text);
}

static void plug(void)
{
    enum model_transport t = fuzz_below(4);

    testdrv_one_queue(1 + fuzz_below(64), 2 + fuzz_below(3));
    model_init(&m, t, MODEL_DEVICE_ID);
    m.queues[0].max = 1 + fuzz_below(128);
    for (unsigned w = 0; w < 4; w++)
        m.offered[w] = fuzz32();
    if (fuzz8() & 1 && !model_is_legacy(&m))
        model_offer(&m, VIRTIO_F_VERSION_1);
    if (model_is_legacy(&m))
        m.offered[1] = m.offered[2] = m.offered[3] = 0;
    for (unsigned w = 0; w < 4; w++)
        m.refuse[w] = fuzz8() & 1 ? fuzz32() : 0;
    m.alias_features = fuzz8() & 1 && t == MODEL_MMIO;
    m.refuse_features = (fuzz8() & 15) == 1;
    if (t == MODEL_MMIO || t == MODEL_MMIO_LEGACY) {
        model_plug_mmio(&m, 0);
    } else {
        struct hal_pci_host h = model_pci_windows();
        model_pci_bridge(&h, fuzz8() & 1);
        model_plug_pci(&function, &m, 1, t == MODEL_PCI);
        function.window = true;
        if (t == MODEL_PCI) {
            model_pci_add_msix(&function.fn, 4, 1, 0);
            model_vpci_caps(&function);
        }
    }
    model_watch(&m);
}

static void needs(unsigned bit, unsigned other)
{
    CHECK(!virtio_has(td.dev, bit) || virtio_has(td.dev, other));
}

static void check_accepted(void)
{
    for (unsigned w = 0; w < 4; w++)
        CHECK((m.accepted[w] & ~m.offered[w]) == 0);
    for (unsigned bit = 0; bit < 128; bit++)
        CHECK_EQ(virtio_has(td.dev, bit), model_accepted(&m, bit));
    needs(TD_NEEDS_A, TD_A);
    needs(TD_NEEDS_B_AND_2, TD_B);
    needs(TD_NEEDS_B_AND_2, TD_NEEDS_A);
    needs(TD_LAST, TD_WORD_2);
    CHECK(model_is_legacy(&m) || virtio_has(td.dev, VIRTIO_F_VERSION_1));
}

void fuzz_one(void)
{
    boot_arguments();
    plug();
    host_boot();
    if (virtio_find("vtest0")) {
        check_accepted();
        if (virtq_free_slots(td.q[0]) > 1)
            CHECK_EQ(testdrv_submit(td.q[0], 0), 1);
        model_serve(&m, &m.queues[0]);
        host_run_for(HAL_SEC);
        CHECK_EQ(td.done_count, virtq_stats(td.q[0])->submitted);
    } else {
        CHECK_EQ(host_live_blocks(), 0);
        CHECK(!(m.status & VIRTIO_STATUS_DRIVER_OK));
    }
    fuzz_end(0);
}
