/* SPDX-License-Identifier: BSD-2-Clause */
/* search.h - newlib's header, and tables and lists that are searched from one end to the other. */
#include_next <search.h>
#ifndef VIREO_SEARCH_H
#define VIREO_SEARCH_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *lfind(const void *key, const void *base, size_t *count, size_t size,
            int (*compare)(const void *, const void *));
void *lsearch(const void *key, void *base, size_t *count, size_t size,
              int (*compare)(const void *, const void *));
void insque(void *element, void *behind);
void remque(void *element);

#ifdef __cplusplus
}
#endif

#endif
