/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo_version.h - the version of the drivers, and what stays the same between versions.
 *
 * While MAJOR is 0, MINOR counts versions that may break a port or a program, and PATCH those that
 * do not. CHANGELOG.md marks what breaks with "breaks". Stable in that sense, for source code that
 * is compiled anew, are the functions, macros, structure members and their meaning in
 *   - hal.h, hal_errno.h, hal_util.h, vireo_config.h and vireo_drivers.h: what a port supplies and
 *     calls. A function that hal.h gains gets a default in hal_defaults.c;
 *   - virtio/virtio.h and virtio/ring/virtq.h: what a driver of one's own calls;
 *   - block/block.h, block/vblk.h, block/cache/bcache.h, net/vnet.h, console/vcon.h,
 *     entropy/vrng.h, vsock/vsock.h and balloon/balloon.h: what a program calls.
 * Not stable are the other headers, sizes and layouts of structures, the order of members, names of
 * source files, and the texts of messages.
 */
#ifndef VIREO_VERSION_H
#define VIREO_VERSION_H

#define VIREO_VERSION_MAJOR 0
#define VIREO_VERSION_MINOR 5
#define VIREO_VERSION_PATCH 0

/* For #if: is this version `major`.`minor`, or a later one? */
#define VIREO_VERSION_AT_LEAST(major, minor)                                                       \
    (VIREO_VERSION_MAJOR > (major) ||                                                              \
     (VIREO_VERSION_MAJOR == (major) && VIREO_VERSION_MINOR >= (minor)))

#endif
