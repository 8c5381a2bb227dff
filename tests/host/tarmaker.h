/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tarmaker.h - tar archives in memory, for tests: well-formed ones, and headers to spoil.
 */
#ifndef VIREO_TARMAKER_H
#define VIREO_TARMAKER_H

#include <stddef.h>
#include <stdint.h>

struct tarmaker {
    uint8_t *image; /* malloc'd; exactly len bytes are its */
    size_t len;
};

enum {
    TAR_NAME = 0,
    TAR_MODE = 100,
    TAR_SIZE = 124,
    TAR_MTIME = 136,
    TAR_SUM = 148,
    TAR_TYPE = 156,
    TAR_LINK = 157,
    TAR_MAGIC = 257,
    TAR_PREFIX = 345
};

/* Appends a header and its data, padded. Where the header is. `text` is the name (100 bytes count).
 */
size_t tarmaker_add(struct tarmaker *a, const char *name, char type, const void *data, size_t len);
/* A file whose bytes follow from its name. */
size_t tarmaker_file(struct tarmaker *a, const char *name, size_t len);
uint8_t tarmaker_byte(const char *name, size_t at);
/* A link of the type '1' or '2'. */
size_t tarmaker_link(struct tarmaker *a, const char *name, char type, const char *target);
/* An extended header of one record. */
size_t tarmaker_pax(struct tarmaker *a, const char *key, const char *value);
/* Changes bytes of the header at `at`, and makes its checksum right again. */
void tarmaker_put(struct tarmaker *a, size_t at, unsigned field, const void *bytes, size_t len);
void tarmaker_sum(struct tarmaker *a, size_t at);
/* The two blocks of zeroes at the end. */
void tarmaker_end(struct tarmaker *a);
void tarmaker_free(struct tarmaker *a);

#endif
