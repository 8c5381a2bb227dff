/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo_config.h - what the drivers are compiled with. Each switch is 1 or 0, and is set by the
 * compiler's command line (-DVIREO_PCI=0) or in a header that VIREO_USER_CONFIG names
 * (-DVIREO_USER_CONFIG='"my_config.h"'). All files are compiled with the same.
 */
#ifndef VIREO_CONFIG_H
#define VIREO_CONFIG_H

#ifdef VIREO_USER_CONFIG
#include VIREO_USER_CONFIG
#endif

/* The drivers in the list virtio_drivers (vireo_table.c). */
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
