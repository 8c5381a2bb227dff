/* SPDX-License-Identifier: BSD-2-Clause */
/* no_sections.h - a kernel's own choices for vireo_config.h. */
#ifndef NO_SECTIONS_H
#define NO_SECTIONS_H
#define VIREO_SECTIONS 0
#endif
