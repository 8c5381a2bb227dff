/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virt.h - what the files of the virt board share: the machine as the device tree describes it.
 */
#ifndef VIREO_VIRT_H
#define VIREO_VIRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch.h"
#include "board.h"
#include "hal.h"

/* Interrupt lines (hal_irq_t) are GIC interrupt ids, and say how the line triggers. */
#define VIRT_IRQ_EDGE    (1 << 16)
#define VIRT_IRQ_ID(irq) ((unsigned)(irq)&0xffff)
#define VIRT_IRQ_NONE    (-1)

enum virt_psci { VIRT_PSCI_NONE, VIRT_PSCI_HVC, VIRT_PSCI_SMC };

struct virt_gic {
    unsigned version; /* 0: none found, 2, 3 */
    struct board_range dist;
    struct board_range cpu; /* version 2: CPU interface; 3: redistributors */
    uint32_t phandle;
    uint32_t address_cells; /* of a parent in an interrupt-map */
};

/* A device that others name by its phandle; len 0: there is none. */
struct virt_part {
    struct board_range reg;
    uint32_t phandle;
};

/* Where messages can be written to: the frame of a GICv2m, a GICv3 ITS. */
enum virt_msi_kind { VIRT_MSI_V2M, VIRT_MSI_ITS, VIRT_MSI_KINDS };

/* Requester ids [first, first + count) of a PCI host: at that controller they are id, id + 1 ... */
struct virt_map_entry {
    uint32_t first, count, phandle, id;
};
#define VIRT_MAP_MAX 8u
struct virt_map {
    uint32_t mask; /* of the requester id, before it is looked up */
    unsigned count;
    struct virt_map_entry entry[VIRT_MAP_MAX];
};
/* The entry that a requester id falls into, and its id there; NULL: none. */
const struct virt_map_entry *virt_map_find(const struct virt_map *map, uint32_t requester,
                                           uint32_t *id);

#define VIRT_MMIO_MAX 64u
#define VIRT_PCI_MAX  2u
#define VIRT_INTX_MAX 128u

struct virt_intx {
    uint32_t unit; /* masked first cell of the unit address: bus, device, function */
    uint32_t pin;
    hal_irq_t irq;
};

struct virt_pci {
    struct hal_pci_host host;
    uint32_t unit_mask;
    uint16_t intx_first, intx_count; /* in virt_machine.intx */
    struct virt_map msi, iommu; /* bus << 8 | devfn to what stands at the doorbell, the IOMMU */
};

struct virt_machine {
    struct board_info info;
    struct board_range uart, rtc;
    hal_irq_t uart_irq;
    hal_irq_t timer_irq;
    enum virt_psci psci;
    struct virt_gic gic;
    struct virt_part msi[VIRT_MSI_KINDS];
    struct virt_part smmu;
    struct hal_virtio_mmio mmio[VIRT_MMIO_MAX];
    unsigned mmio_count;
    struct virt_pci pci[VIRT_PCI_MAX];
    unsigned pci_count;
    struct virt_intx intx[VIRT_INTX_MAX];
    unsigned intx_count;
};
extern struct virt_machine virt;

/*
 * Reads the whole tree into `virt`. NULL, or why the tree cannot be used, in words that say what to
 * do. The tree is not used afterwards.
 */
const char *tree_read(const void *dtb);

/* The console works from here on. Before, board_console_write uses QEMU's address for it. */
void uart_init(void);
/* Bytes straight to the UART while the MMU is off. */
void uart_write_raw(const char *s);

/* Interrupt controller and timer. NULL, or what is wrong. */
const char *gic_init(void);
const char *timer_init(void);
/* Makes hal_now_ns work; before anything else that takes time. */
void timer_start_clock(void);

/* Lines [first, limit), which are masked and configured in one way. */
struct gic_lines {
    unsigned first, limit;
    /* Sets trigger, priority and target of a line that is masked. */
    void (*configure)(unsigned id, bool edge);
    void (*mask)(unsigned id);
    int (*unmask)(unsigned id); /* 0, or -EIO: the controller does not answer */
};

/* The interrupt controller, in one of two versions. */
struct gic_ops {
    const char *(*init)(const struct virt_gic *gic);
    struct gic_lines lines;
    unsigned (*ack)(void); /* 1020 to 1023: nothing pending */
    void (*end)(unsigned id);
};
extern const struct gic_ops gic_v2, gic_v3;

#define GIC_PPI_FIRST 16u
#define GIC_SPI_FIRST 32u
#define GIC_SPI_LIMIT 1020u /* up to 1023: not an interrupt */
#define GIC_LPI_FIRST 8192u

/* From now on there are these lines as well; `lines` stays as long as the run. Once. */
void irq_add_lines(const struct gic_lines *lines);

/* What a version 3 has for LPIs, once gic_init has succeeded. */
struct gic_v3_frames {
    hal_mmio_t dist, redist; /* redist: of this core */
    uint64_t redist_phys;
};
struct gic_v3_frames gic_v3_frames(void);

/* A kind of doorbell (hal_msi_alloc); `id` is what the function is known by there. */
struct msi_doorbell {
    int (*alloc)(const struct virt_part *part, uint32_t id, struct hal_msi *msi);
    bool (*free)(const struct hal_msi *msi); /* false: it is none of this doorbell's */
};
extern const struct msi_doorbell msi_v2m, msi_its;

/* Makes an SMMUv3 pass all accesses through unchanged. 0, or -EIO after having said why not. */
int smmu_bypass(const struct virt_part *smmu);

#endif
