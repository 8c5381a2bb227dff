/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo_config.h - what the drivers are compiled with. Each switch is 1 or 0, and is set by the
 * compiler's command line (-DVIREO_PCI=0) or in a header that VIREO_USER_CONFIG names
 * (-DVIREO_USER_CONFIG='"my_config.h"'). All files are compiled with the same.
 */
#ifndef VIREO_CONFIG_H
#define VIREO_CONFIG_H

#include "vireo_prefix.h"

#ifdef VIREO_USER_CONFIG
#include VIREO_USER_CONFIG
#endif

/* The buses. */
#ifndef VIREO_MMIO
#define VIREO_MMIO 1
#endif
#ifndef VIREO_PCI
#define VIREO_PCI 1
#endif
#if !VIREO_MMIO && !VIREO_PCI
#error "VIREO_MMIO or VIREO_PCI, or both: else there is no bus to find a device on"
#endif

/* Devices of before virtio 1.0, and transitional ones that are used as such. */
#ifndef VIREO_LEGACY
#define VIREO_LEGACY 1
#endif

/* Packed rings; split ones are always there, since every device has them. */
#ifndef VIREO_PACKED
#define VIREO_PACKED 1
#endif

/* The drivers: their code, and their entries in the list virtio_drivers (vireo_table.c). */
#ifndef VIREO_BLK
#define VIREO_BLK 1
#endif
#ifndef VIREO_NET
#define VIREO_NET 1
#endif
#ifndef VIREO_CONSOLE
#define VIREO_CONSOLE 1
#endif
#ifndef VIREO_ENTROPY
#define VIREO_ENTROPY 1
#endif
#ifndef VIREO_VSOCK
#define VIREO_VSOCK 1
#endif
#ifndef VIREO_BALLOON
#define VIREO_BALLOON 1
#endif

/* hal_defaults.c also has memcpy(), memset() and memcmp(), for a kernel that has none. */
#ifndef VIREO_MEMORY_FUNCTIONS
#define VIREO_MEMORY_FUNCTIONS 0
#endif

/*
 * A driver enters itself in the section "vireo_drivers" when its object file is linked. Needs an
 * ELF linker; a linker script with --gc-sections says KEEP(*(vireo_drivers)), unless the compiler
 * has the attribute "retain" (GCC 11, clang 13). 0: vireo_start() has a list.
 */
#ifndef VIREO_SECTIONS
#ifdef __ELF__
#define VIREO_SECTIONS 1
#else
#define VIREO_SECTIONS 0
#endif
#endif

#endif
