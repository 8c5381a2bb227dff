/* SPDX-License-Identifier: BSD-2-Clause */
/* port.h - the machine (port.c) and its check (check.c). */
#include "vireo-drivers.h"

void port_put(char c); /* to the console */
void port_log(enum hal_level level, const char *who, const char *fmt, va_list ap);
/* Until an interrupt or the time `when`, if the port has interrupts. */
void port_sleep(uint64_t when);
void port_check(void); /* a disk's first sector, an ARP question */
/* Three seconds of hal_now_ns(), between two lines: to be compared with a watch. */
void port_check_clock(void);
/* Writes the LAST BLOCK of the disk, and reads it again: what was there is lost. */
void port_check_writes(unsigned rounds);
