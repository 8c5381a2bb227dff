/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo_drivers.h - the drivers as a library for any kernel: start, service, end. The kernel
 * supplies hal.h, of which the hal_*.c beside this file have what a small one lacks: answers
 * (hal_defaults.c), memory (hal_arena.c), a loop of services (hal_services.c). Then hal_now_ns(),
 * "hal_arch.h" and some memory are left to supply. A kernel that starts the drivers:
 *
 *     vireo_give_memory(memory, sizeof(memory));
 *     static const struct virtio_driver *const drivers[] = {&vblk_driver, &vnet_driver, NULL};
 *
 *     vireo_start(drivers);
 *     virtio_mmio_attach(&(struct hal_virtio_mmio){.phys = 0x10001000, .len = 0x1000, .irq = 1});
 *     struct block_device *disk = block_get(0);
 *     for (;;) {
 *         uint64_t when = vireo_poll();
 *         ... interrupts off; sleep until `when`, unless vireo_pending(); interrupts on
 *     }
 *
 * All functions are for task context, one at a time, with handlers able to run.
 * vireo_version.h has the version, and what stays the same from one to the next.
 */
#ifndef VIREO_DRIVERS_H
#define VIREO_DRIVERS_H

#include <stdarg.h>

#include "hal.h"
#include "virtio/virtio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The drivers of this folder, for a list: each names its object file, so the linker takes it. */
extern const struct virtio_driver vblk_driver, vnet_driver, vcon_driver, vrng_driver, vsock_driver,
    balloon_driver;
/* Beside vblk_driver, for programs that call block_can(): discard and its kin (block/block.h). */
extern const struct virtio_driver vblk_more_driver;

/* A list of those that vireo_config.h chooses (vireo_table.c). */
extern const struct virtio_driver *const virtio_drivers[];

/*
 * Takes the drivers into use, and the devices behind the windows and hosts that hal_virtio_mmio()
 * and hal_pci_host() tell of: both may tell of none. `drivers`: a list that NULL ends and that
 * lasts for ever, such as virtio_drivers; of two for a type, the first counts. NULL: those that are
 * linked, if the compiler has VIREO_SECTIONS. A device that does not work is logged and left out.
 * 0;
 * -ENODEV: no driver is in the list, or none is linked; -EBUSY: devices are in use already.
 */
int vireo_start(const struct virtio_driver *const *drivers);

/*
 * After vireo_start: takes the device at a virtio-mmio window into use. *window is copied; a
 * negative irq means that the device is polled. 0: it works; -ENODEV: nothing is there, or no
 * driver wants it; -EBUSY: it is in use already; -EINVAL: the window cannot be mapped or is shorter
 * than 256 bytes; -ENOMEM; else the error that the log names.
 */
int virtio_mmio_attach(const struct hal_virtio_mmio *window);

/*
 * After vireo_start: enumerates the buses behind a PCI Express host, and takes all virtio devices
 * there into use, later those that are plugged in. *host is copied; host->index is a number of the
 * host's own, for hal_pci_intx() and hal_msi_alloc(): 0 to 3. 0; -EBUSY: a host of that index was
 * attached, or found by vireo_start; -EINVAL: no configuration space, or another index.
 */
int virtio_pci_attach(const struct hal_pci_host *host);

/*
 * For kernels whose hal_service_add() is that of hal_services.c. Runs each service that is woken,
 * due or polled, as often as one did anything, at most 64 times; then arms the interrupts. Returns
 * the time (hal_now_ns) of the next call: 0, at once, since a device is polled or more is to be
 * done; HAL_NEVER: not before a service is woken.
 */
uint64_t vireo_poll(void);
/*
 * Is a service woken that has not run? To be asked with interrupts masked, before the CPU sleeps:
 * a handler may have run since vireo_poll() returned. [handler]
 */
bool vireo_pending(void);

/*
 * With hal_defaults.c: the log goes to fn from now on, in handlers too; NULL, as at first: nowhere.
 * The text is for the kernel's vprintf(); hal.h has the formats that it needs.
 */
typedef void (*vireo_log_fn)(enum hal_level level, const char *who, const char *fmt, va_list ap);
void vireo_log_to(vireo_log_fn fn);

/*
 * With hal_arena.c: len bytes at p are the drivers' from now on, and all that they have. May be
 * called several times. A disk takes 164 KiB, with a queue of 128 entries, the most it uses unless
 * told otherwise; a network card of QEMU, with queues of 256, 256 KiB. With queues of 64
 * (hal_option "qsize") these are 88 and 196 KiB, of 16 20 and 76 KiB.
 */
void vireo_give_memory(void *p, size_t len);

/*
 * Resets all devices, so that none writes into memory any more: when the kernel ends, before it
 * starts another, or in a crash. Takes a second for each device at most. The drivers cannot be
 * started again.
 */
void vireo_stop(void);

#ifdef __cplusplus
}
#endif

#endif
