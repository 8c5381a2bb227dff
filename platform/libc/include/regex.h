/* SPDX-License-Identifier: BSD-2-Clause */
/* regex.h - newlib's header, which does without the types that it uses. */
#include <sys/types.h>

#include_next <regex.h>
