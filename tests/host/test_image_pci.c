/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_pci.c - PCI hosts of an image: what the device tree says of them
 * (platform/virt/tree.c), how drivers see them, INTx lines and the IOMMU (pci_host.c), and which
 * doorbell a function's messages go to (msi.c).
 */
#include <string.h>

#include "treemaker.h"

struct virt_machine virt; /* board.c's */

/* ---- doorbells and an IOMMU ------------------------------------------------------------------ */

static uint32_t v2m_id, its_id; /* as the doorbell was told last */
static unsigned v2m_frees, its_frees, bypasses;
static int bypass_result;

static int alloc_v2m(const struct virt_part *part, uint32_t id, struct hal_msi *msi)
{
    CHECK(part == &virt.msi[VIRT_MSI_V2M]);
    v2m_id = id;
    msi->irq = 100;
    return 0;
}

static int alloc_its(const struct virt_part *part, uint32_t id, struct hal_msi *msi)
{
    CHECK(part == &virt.msi[VIRT_MSI_ITS]);
    its_id = id;
    msi->irq = 9000;
    return -ENOSPC;
}

static bool free_v2m(const struct hal_msi *msi)
{
    v2m_frees++;
    return msi->irq < 1000;
}

static bool free_its(const struct hal_msi *msi)
{
    its_frees++;
    return msi->irq >= 1000;
}

const struct msi_doorbell msi_v2m = {alloc_v2m, free_v2m}, msi_its = {alloc_its, free_its};

int smmu_bypass(const struct virt_part *smmu)
{
    CHECK(smmu == &virt.smmu);
    bypasses++;
    return bypass_result;
}

/* ---- PCI ------------------------------------------------------------------------------------- */

static void pci_begin(uint64_t ecam, uint64_t ecam_len)
{
    node("pcie@10000000");
    text("compatible", "pci-host-ecam-generic");
    WORDS("reg", (uint32_t)(ecam >> 32), (uint32_t)ecam, (uint32_t)(ecam_len >> 32),
          (uint32_t)ecam_len);
    WORDS("#address-cells", 3);
    WORDS("#size-cells", 2);
}

static void pci_host(void)
{
    basics_with_memory();
    pci_begin(0x4010000000ull, 0x10000000);
    WORDS("bus-range", 0, 0xff);
    WORDS("ranges", 0x1000000, 0, 0, 0, 0x3eff0000, 0, 0x10000,   /* I/O */
          0x2000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2eff0000, /* 32 bits */
          0x3000000, 0x80, 0, 0x80, 0, 0x80, 0);                  /* 64 bits */
    WORDS("interrupt-map-mask", 0x1800, 0, 0, 7);
    WORDS("interrupt-map", 0, 0, 0, 1, GIC, 0, 0, 0, 3, 4, /* device 0, pin 1: line 35 */
          0x800, 0, 0, 2, GIC, 0, 0, 0, 6, 1,              /* device 1, pin 2: line 38 */
          0x1000, 0, 0, 1, OTHER_GIC, 0, 0, 0, 7, 4);      /* ends the table */
    WORDS("msi-map", 0, 9, 0x100, 0x10000);
    WORDS("msi-map-mask", 0xff00);
    WORDS("iommu-map", 0, 11, 0, 0x8000, 0x8000, 12, 5, 0x8000);
    end();
    accept();
    const struct virt_pci *p = &virt.pci[0];
    CHECK(virt.pci_count == 1 && p->host.index == 0);
    CHECK(p->host.ecam.cpu == 0x4010000000ull && p->host.ecam.len == 0x10000000);
    CHECK(p->host.bus_first == 0 && p->host.bus_last == 255);
    CHECK(p->host.io.cpu == 0x3eff0000 && p->host.io.pci == 0 && p->host.io.len == 0x10000);
    CHECK(p->host.mem32.pci == 0x10000000 && p->host.mem32.len == 0x2eff0000);
    CHECK(p->host.mem64.cpu == 0x8000000000ull && p->host.mem64.len == 0x8000000000ull);
    CHECK(p->unit_mask == 0x1800 && p->intx_count == 2 && virt.intx_count == 2);
    CHECK(virt.intx[0].unit == 0 && virt.intx[0].pin == 1 && virt.intx[0].irq == 35);
    CHECK(virt.intx[1].unit == 0x800 && virt.intx[1].pin == 2);
    CHECK(virt.intx[1].irq == (38 | VIRT_IRQ_EDGE));
    CHECK(p->msi.mask == 0xff00 && p->msi.count == 1 && p->msi.entry[0].id == 0x100);
    CHECK(p->msi.entry[0].phandle == 9 && p->msi.entry[0].count == 0x10000);
    CHECK(p->iommu.mask == ~0u && p->iommu.count == 2 && p->iommu.entry[1].first == 0x8000);
    CHECK(p->iommu.entry[1].id == 5);
}

/* The ECAM window bounds the buses; ranges that make no sense are left out. */
static void pci_bounds(void)
{
    basics_with_memory();
    pci_begin(0x10000000, 4 * MIB);
    WORDS("bus-range", 2, 200);
    WORDS("ranges", 0x2000000, 0, 0xfff00000, 0, 0x50000000, 0, 0x200000, /* beyond 32 bits */
          0x3000000, 0xffffffff, 0xfff00000, 0, 0x60000000, 0, 0x200000,  /* over the end */
          0x1000000, 0, 0, 0x10000, 0, 0, 0x10000,                        /* no CPU address */
          0x2000000, 0, 0, 0, 0x50000000, 0, 0);                          /* empty */
    WORDS("msi-parent", 9);
    end();
    pci_begin(0x20000000, MIB - 1); /* less than one bus */
    end();
    pci_begin(0x30000000, MIB);
    WORDS("bus-range", 5, 4);
    end();
    pci_begin(0x30000000, MIB);
    WORDS("bus-range", 0, 256);
    end();
    accept();
    const struct hal_pci_host *h = &virt.pci[0].host;
    CHECK_EQ(virt.pci_count, 1);
    CHECK(h->bus_first == 2 && h->bus_last == 5);
    CHECK(!h->mem32.len && !h->mem64.len && !h->io.len);
    CHECK(virt.pci[0].msi.count == 1 && virt.pci[0].msi.entry[0].phandle == 9);
    CHECK(virt.pci[0].msi.entry[0].count == 0x10000 && virt.pci[0].msi.mask == ~0u);
    CHECK_EQ(virt.pci[0].intx_count, 0);
}

static void pci_limits(void)
{
    static uint32_t map[10 * (VIRT_INTX_MAX + 5)], msi[4 * (VIRT_MAP_MAX + 2)];

    for (unsigned i = 0; i < VIRT_INTX_MAX + 5; i++)
        memcpy(map + 10 * i, (const uint32_t[]){i << 11, 0, 0, 1, GIC, 0, 0, 0, 3, 4}, 40);
    for (unsigned i = 0; i < VIRT_MAP_MAX + 2; i++)
        memcpy(msi + 4 * i, (const uint32_t[]){i << 8, 9, 0, 0x100}, 16);
    basics_with_memory();
    for (unsigned i = 0; i < VIRT_PCI_MAX + 1; i++) {
        pci_begin(0x10000000 * (i + 1), MIB);
        words("interrupt-map", map, sizeof(map) / 4);
        words("msi-map", msi, sizeof(msi) / 4);
        end();
    }
    accept();
    CHECK_EQ(virt.pci_count, VIRT_PCI_MAX);
    CHECK_EQ(virt.intx_count, VIRT_INTX_MAX);
    CHECK(virt.pci[0].intx_count == VIRT_INTX_MAX && virt.pci[1].intx_count == 0);
    CHECK_EQ(virt.pci[0].msi.count, VIRT_MAP_MAX);
    CHECK(virt.pci[1].host.index == 1 && virt.pci[0].unit_mask == ~0u);
}

/* ---- as drivers see it ----------------------------------------------------------------------- */

static void two_hosts(void)
{
    virt.pci_count = 2;
    virt.pci[0].host = (struct hal_pci_host){.index = 0, .bus_last = 255};
    virt.pci[1].host = (struct hal_pci_host){.index = 1, .bus_first = 4, .bus_last = 9};
}

static void hosts_and_lines(void)
{
    struct hal_pci_host h;

    two_hosts();
    virt.pci[0].unit_mask = 0x1800;
    virt.pci[0].intx_count = 2;
    virt.pci[1].unit_mask = ~0u;
    virt.pci[1].intx_first = 2;
    virt.pci[1].intx_count = 1;
    virt.intx[0] = (struct virt_intx){0x800, 1, 35};
    virt.intx[1] = (struct virt_intx){0x800, 2, 36};
    virt.intx[2] = (struct virt_intx){4 << 16 | 3 << 11, 1, 40};
    CHECK(hal_pci_host(0, &h) == 0 && h.bus_last == 255);
    CHECK(hal_pci_host(1, &h) == 0 && h.bus_first == 4);
    CHECK_EQ(hal_pci_host(2, &h), -ENOENT);
    CHECK_EQ(hal_pci_intx(0, 1, 1), 35);
    CHECK_EQ(hal_pci_intx(0, 5, 2), 36); /* the mask leaves two bits of the device */
    CHECK(hal_pci_intx(0, 1, 3) < 0 && hal_pci_intx(0, 0, 1) < 0);
    CHECK_EQ(hal_pci_intx(1, 3, 1), 40); /* its root bus is 4 */
    CHECK(hal_pci_intx(1, 1, 1) < 0);    /* the other host's */
    CHECK(hal_pci_intx(0, 32, 1) < 0 && hal_pci_intx(0, 1, 0) < 0 && hal_pci_intx(0, 1, 5) < 0);
    CHECK(hal_pci_intx(2, 1, 1) < 0);
    CHECK_EQ(bypasses, 0);
}

static void iommu(void)
{
    struct hal_pci_host h;

    two_hosts();
    virt.smmu = (struct virt_part){{0x09050000, 0x20000}, 11};
    virt.pci[0].iommu.count = 1;
    virt.pci[0].iommu.entry[0].phandle = 11;
    virt.pci[1].iommu.count = 1;
    virt.pci[1].iommu.entry[0].phandle = 12; /* something else */
    bypass_result = case_variant ? -EIO : 0;
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(hal_pci_host(0, &h), case_variant ? -ENODEV : 0);
    CHECK_EQ(bypasses, 1); /* once for all looks */
    CHECK_EQ(hal_pci_host(1, &h), 0);
    CHECK_EQ(hal_pci_host(1, &h), 0);
    CHECK_EQ(bypasses, 1);
    CHECK_EQ(host_log_matches("host 1: its IOMMU is no SMMUv3"), 1);
}

static const struct test_variant bypass[] = {{"works", 0}, {"fails", 1}, {NULL, 0}};

static void doorbells(void)
{
    struct hal_msi msi;

    two_hosts();
    CHECK_EQ(hal_msi_alloc(0x0010, &msi), -ENODEV); /* no doorbell at all */
    virt.msi[VIRT_MSI_V2M] = (struct virt_part){{0x08020000, 0x1000}, 9};
    virt.msi[VIRT_MSI_ITS] = (struct virt_part){{0x08080000, 0x20000}, 10};
    CHECK_EQ(hal_msi_alloc(0x0010, &msi), 0); /* without a map: the frame */
    struct virt_map *map = &virt.pci[1].msi;
    map->mask = 0xff00;
    map->count = 2;
    map->entry[0] = (struct virt_map_entry){.first = 0, .count = 0x800, .phandle = 9, .id = 7};
    map->entry[1] = (struct virt_map_entry){.first = 0x800, .count = 0x100, .phandle = 10, .id = 3};
    CHECK_EQ(hal_msi_alloc(1 << 16 | 0x0123, &msi), 0);
    CHECK_EQ(v2m_id, 0x100 + 7);
    CHECK_EQ(hal_msi_alloc(1 << 16 | 0x0812, &msi), -ENOSPC);
    CHECK_EQ(its_id, 3);
    CHECK_EQ(hal_msi_alloc(1 << 16 | 0x0900, &msi), -ENODEV); /* not in the map */
    CHECK_EQ(hal_msi_alloc(2 << 16, &msi), -ENODEV);
    map->entry[1].phandle = 77;
    CHECK_EQ(hal_msi_alloc(1 << 16 | 0x0812, &msi), -ENODEV); /* a doorbell of another kind */
    msi.irq = 9000;
    hal_msi_free(&msi);
    CHECK(v2m_frees == 1 && its_frees == 1);
    msi.irq = 100;
    hal_msi_free(&msi);
    CHECK(v2m_frees == 2 && its_frees == 1);
}

static const struct test_case cases[] = {
    {"pci_host", pci_host},
    {"pci_bounds", pci_bounds},
    {"pci_limits", pci_limits},
    {"hosts_and_lines", hosts_and_lines},
    {"iommu", iommu, NULL, 0, bypass},
    {"doorbells", doorbells},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
