/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpcitest.c - the device and checks of vpcitest.h.
 */
#include "vpcitest.h"

#include <string.h>

#include "check.h"

struct model *vpci_model;
struct model_vpci vpci;

void vpci_bridge(bool intx)
{
    struct hal_pci_host h = model_pci_windows();

    model_pci_bridge(&h, intx);
}

static void plug(enum model_transport t, unsigned queues, bool bare)
{
    vpci_model = calloc(1, sizeof(*vpci_model));
    model_init(vpci_model, t, MODEL_DEVICE_ID);
    for (unsigned i = 0; i < queues; i++)
        vpci_model->queues[i].max = 64;
    model_plug_pci(&vpci, vpci_model, 1, bare);
    model_watch(vpci_model);
    testdrv_one_queue(16, 2);
    td.queues = queues;
    for (unsigned i = 1; i < queues; i++)
        td.cfg[i] = td.cfg[0];
}

void vpci_plug(unsigned queues, bool bare)
{
    plug(MODEL_PCI, queues, bare);
}

void vpci_plug_legacy(unsigned queues)
{
    plug(MODEL_PCI_LEGACY, queues, false);
}

void vpci_setup(void)
{
    vpci_bridge(true);
    vpci_plug(1, false);
}

const char *vpci_wakeup(void)
{
    static struct virtio_info info;

    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(info.alive);
    CHECK(strcmp(info.transport, model_is_legacy(vpci_model) ? "pci-legacy" : "pci") == 0);
    return info.wakeup;
}

void vpci_traffic(unsigned n)
{
    unsigned before = td.done_count;

    host_run_services(); /* now the queues are armed */
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < td.queues; k++) {
            unsigned kicks = (unsigned)vpci_model->queues[k].kicks, b = i * td.queues + k;

            CHECK_EQ(testdrv_submit(td.q[k], b), 1);
            CHECK_EQ(vpci_model->queues[k].kicks, kicks + 1);
            CHECK_EQ(model_serve(vpci_model, &vpci_model->queues[k]), 1);
            host_run_services();
            CHECK_EQ(td.done_count, before + b + 1);
            CHECK_EQ(td.done_queue[before + b], k);
            CHECK(td.done[before + b].cookie == testdrv_cookie(b));
            CHECK_EQ(td.done[before + b].len, 32);
        }
    }
    for (unsigned k = 0; k < td.queues; k++)
        CHECK_EQ(virtq_stats(td.q[k])->late, 0);
}

void vpci_check_given_up(void)
{
    CHECK(vpci_model->status & 128 && !(vpci_model->status & 4));
    CHECK(virtio_find("vtest0") == NULL);
    CHECK_EQ(host_live_blocks(), 0);
    CHECK(host_log_lines(HAL_ERROR) > 0);
    CHECK(!model_pci_master(&vpci.fn) && !model_pci_msix_on(&vpci.fn));
    for (hal_irq_t i = 0; i < HOST_IRQS; i++)
        CHECK_EQ(host_irq_handlers(i), 0);
}
