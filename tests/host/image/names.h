/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.h - put in front of files of an image that are tested on this machine, and of their tests:
 * functions of hal.h that platform/host has too get other names, so that both can be linked.
 * hal_panic is platform/host's, and so are hal_log and hal_now_ns but for their own tests.
 */
#ifndef VIREO_IMAGE_NAMES_H
#define VIREO_IMAGE_NAMES_H

#define hal_alloc        image_alloc
#define hal_free         image_free
#define hal_dma_alloc    image_dma_alloc
#define hal_dma_free     image_dma_free
#define hal_dma_addr     image_dma_addr
#define hal_memory       image_memory
#define hal_page_lend    image_page_lend
#define hal_page_return  image_page_return
#define hal_irq_attach   image_irq_attach
#define hal_irq_detach   image_irq_detach
#define hal_irq_mask     image_irq_mask
#define hal_msi_alloc    image_msi_alloc
#define hal_msi_free     image_msi_free
#define hal_virtio_mmio  image_virtio_mmio
#define hal_pci_host     image_pci_host
#define hal_pci_intx     image_pci_intx
#define hal_service_add  image_service_add
#define hal_service_wake image_service_wake
#define hal_on_shutdown  image_on_shutdown
#define hal_entropy_add  image_entropy_add
#define hal_option       image_option
#define hal_option_u64   image_option_u64
#define hal_option_bad   image_option_bad
#define hal_bootarg      image_bootarg
#define hal_bootarg_nth  image_bootarg_nth
#define vireo_initrd     image_initrd
#define vireo_memory     image_vireo_memory

#define arch_mark_insn(n) ((void)(n)) /* a NOP for a plugin */

#ifdef IMAGE_LOG
#define hal_log image_log
#endif
#ifdef IMAGE_CLOCK
#define hal_now_ns image_now_ns
#endif

#endif
