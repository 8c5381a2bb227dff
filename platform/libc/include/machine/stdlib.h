/* SPDX-License-Identifier: BSD-2-Clause */
/* machine/stdlib.h - what <stdlib.h> includes: functions of Linux that newlib does not declare. */
#ifndef VIREO_MACHINE_STDLIB_H
#define VIREO_MACHINE_STDLIB_H

#if __MISC_VISIBLE
int clearenv(void);
#endif

#endif
