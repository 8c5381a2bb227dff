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
    struct board_range v2m; /* frame for message-signalled interrupts, len 0: none */
    uint32_t phandle;
    uint32_t address_cells; /* of a parent in an interrupt-map */
};

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
};

struct virt_machine {
    struct board_info info;
    struct board_range uart, rtc;
    hal_irq_t uart_irq;
    hal_irq_t timer_irq;
    enum virt_psci psci;
    struct virt_gic gic;
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

/* The interrupt controller, in one of two versions. */
struct gic_ops {
    const char *(*init)(const struct virt_gic *gic);
    /* Sets trigger, priority and target of a line that is masked. */
    void (*configure)(unsigned id, bool edge);
    void (*mask)(unsigned id);
    void (*unmask)(unsigned id);
    unsigned (*ack)(void); /* 1020 and above: nothing pending */
    void (*end)(unsigned id);
};
extern const struct gic_ops gic_v2, gic_v3;

#define GIC_SPI_FIRST 32u
#define GIC_SPI_LIMIT 1020u

#endif
