/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * symbols.h - names for code addresses.
 */
#ifndef VIREO_SYMBOLS_H
#define VIREO_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does addr lie in the image's code? */
bool symbol_is_code(uintptr_t addr);

/* The function that addr lies in, and how far; NULL when it is not known. */
const char *symbol_find(uintptr_t addr, unsigned *offset);

#endif
