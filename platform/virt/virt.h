/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virt.h - what the files of the virt board share: the machine that the device tree describes.
 */
#ifndef VIREO_VIRT_H
#define VIREO_VIRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch.h"
#include "board.h"
#include "hal.h"

/* A line (hal_irq_t) is a GIC interrupt id, and a bit for edge-triggered ones. */
#define VIRT_IRQ_EDGE    (1 << 16)
#define VIRT_IRQ_ID(irq) ((unsigned)(irq)&0xffff)
#define VIRT_IRQ_NONE    (-1)

enum virt_psci { VIRT_PSCI_NONE, VIRT_PSCI_HVC, VIRT_PSCI_SMC };

struct virt_gic {
    unsigned version; /* 0: none found, 2, 3 */
    struct board_range dist;
    struct board_range cpu; /* version 2: CPU interface; 3: redistributors */
    uint32_t phandle;
    uint32_t address_cells; /* words of its unit address in an interrupt-map */
};

/* A device that other nodes name by its phandle; reg.len 0: there is none. */
struct virt_part {
    struct board_range reg;
    uint32_t phandle;
};

/* Kinds of doorbells for messages: the frame of a GICv2m, a GICv3 ITS. */
enum virt_msi_kind { VIRT_MSI_V2M, VIRT_MSI_ITS, VIRT_MSI_KINDS };

/* Requester ids first, first + 1 ... of a PCI host are id, id + 1 ... at that controller. */
struct virt_map_entry {
    uint32_t first, count, phandle, id;
};
#define VIRT_MAP_MAX 8u
struct virt_map {
    uint32_t mask; /* the requester id is masked with it first */
    unsigned count;
    struct virt_map_entry entry[VIRT_MAP_MAX];
};
/* The entry of a requester id, and in *id the id at that controller. NULL: no entry. */
const struct virt_map_entry *virt_map_find(const struct virt_map *map, uint32_t requester,
                                           uint32_t *id);

#define VIRT_MMIO_MAX 64u
#define VIRT_PCI_MAX  2u
#define VIRT_INTX_MAX 128u

struct virt_intx {
    uint32_t unit; /* first word of the unit address, masked: bus, device, function */
    uint32_t pin;
    hal_irq_t irq;
};

struct virt_pci {
    struct hal_pci_host host;
    uint32_t unit_mask;
    uint16_t intx_first, intx_count; /* in virt_machine.intx */
    struct virt_map msi, iommu;      /* from bus << 8 | devfn to the id at doorbell and IOMMU */
};

/* The power button: a key that hangs on a pin of a PL061. */
#define VIRT_GPIO_MAX 2u
struct virt_power {
    struct virt_gpio {
        struct virt_part part;
        hal_irq_t irq;
    } gpio[VIRT_GPIO_MAX];
    unsigned gpio_count;
    uint32_t phandle, pin, flags; /* of the key; phandle 0: there is no key */
};

struct virt_machine {
    struct board_info info;
    uint8_t seed[64]; /* rng-seed of the tree, until the runtime has it */
    unsigned seed_len;
    struct board_range uart, rtc;
    hal_irq_t uart_irq;
    struct virt_power power;
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
 * Reads the whole tree into `virt`, and wipes the seed in the tree. NULL, or why the tree cannot be
 * used. Nothing but tree_report() looks into the tree afterwards.
 */
const char *tree_read(const void *dtb);
/* Logs what of the tree cannot be used. While the tree is mapped, after uart_init(). */
void tree_report(void);

/* Sets up the UART of the tree. Until then board_console_write uses QEMU's address. */
void uart_init(void);
/* Writes text to QEMU's UART, while the MMU is off. */
void uart_write_raw(const char *s);

/* Interrupt controller and timer. NULL, or what is wrong. */
const char *gic_init(void);
const char *timer_init(void);
/* Makes hal_now_ns work; the time since boot begins here. */
void timer_start_clock(void);

/* Lines [first, limit), and how they are configured and masked. */
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
};
extern const struct gic_ops gic_v2, gic_v3;
extern hal_mmio_t gic_v2_cpu; /* CPU interface of a GICv2; 0: the controller is a GICv3 */

#define GIC_PPI_FIRST 16u
#define GIC_SPI_FIRST 32u
#define GIC_SPI_LIMIT 1020u /* up to 1023: not an interrupt */
#define GIC_LPI_FIRST 8192u

/* Adds lines, once; *lines must live as long as the image. */
void irq_add_lines(const struct gic_lines *lines);

/* Registers of a GICv3, for LPIs; after gic_init has succeeded. */
struct gic_v3_frames {
    hal_mmio_t dist, redist; /* redist: of this core */
    uint64_t redist_phys;
};
struct gic_v3_frames gic_v3_frames(void);

/* A kind of doorbell (hal_msi_alloc); `id` is the function's id there. */
struct msi_doorbell {
    int (*alloc)(const struct virt_part *part, uint32_t id, struct hal_msi *msi);
    bool (*free)(const struct hal_msi *msi); /* false: the message is another doorbell's */
};
extern const struct msi_doorbell msi_v2m, msi_its;

/* Puts an SMMUv3 into bypass. 0, or -EIO after a line in the log with the cause. */
int smmu_bypass(const struct virt_part *smmu);

#endif
