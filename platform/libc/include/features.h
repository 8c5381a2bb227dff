/* SPDX-License-Identifier: BSD-2-Clause */
/* features.h - where glibc keeps what <sys/features.h> has. */
#include <sys/features.h>
