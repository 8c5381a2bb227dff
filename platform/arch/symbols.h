/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * symbols.h - names of functions, by address.
 */
#ifndef VIREO_SYMBOLS_H
#define VIREO_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is addr an address of the image's code? */
bool symbol_is_code(uintptr_t addr);

/*
 * The name of the function that holds addr, valid until the next call, and in *offset the bytes
 * from its start. NULL: not known.
 */
const char *symbol_find(uintptr_t addr, unsigned *offset);

#endif
