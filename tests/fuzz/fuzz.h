/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz.h - what the fuzz targets share. A target is one function, fuzz_one(), that plays one input
 * on a fresh machine: the bytes are choices, taken from the front, most of them commands to the
 * scripted device of tests/host/model.h.
 *
 * After each input the harness demands: no broken rule of the model (host_violation) while the
 * device kept the rules itself, and that the waits of the drivers ended. AddressSanitizer and
 * UndefinedBehaviorSanitizer watch meanwhile, and a panic is a finding.
 */
#ifndef VIREO_FUZZ_H
#define VIREO_FUZZ_H

#include "check.h"
#include "model.h"

/* The target. */
void fuzz_one(void);

/* The next bytes of the input as a number, little-endian; past its end: 0. */
uint8_t fuzz8(void);
uint16_t fuzz16(void);
uint32_t fuzz32(void);
uint64_t fuzz64(void);
unsigned fuzz_below(unsigned n); /* 0..n-1, of one byte (n up to 256) */
bool fuzz_more(void);            /* is there anything left? */
/* The rest of the input, or its next `want` bytes; *len: their number, fewer at the end. */
const uint8_t *fuzz_rest(size_t *len);
const uint8_t *fuzz_take(size_t want, size_t *len);
/* A 32-bit number, often one of those that end something: 0, 1, all-ones, near a power of two. */
uint32_t fuzz_odd32(void);

/*
 * The device breaks rules from here on: what it held counts as the driver's, and what the model
 * says of the driver is not judged any more. All else is.
 */
void fuzz_lies(struct model *m);
bool fuzz_lied(void);

/* all_drivers.c: links them, and says so before they are asked for anything. */
void fuzz_all_drivers(void);

/* device.c: the input's next command to a device, whatever its type. */
void fuzz_device(struct model *m);

/*
 * Ends every loop of commands: the services run for `ns` of virtual time, then the machine is shut
 * down.
 */
void fuzz_end(uint64_t ns);

#endif
