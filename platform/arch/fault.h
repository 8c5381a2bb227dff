/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.h - what exception.c of each CPU tells fault.c of an exception, for the fault report.
 */
#ifndef VIREO_FAULT_H
#define VIREO_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arch_frame; /* the registers that vectors.S stored */

struct fault {
    const char *name;   /* the class of exception */
    const char *access; /* an abort: "read", "write" or "execution"; NULL: none */
    unsigned status;    /* an abort: its fault status code */
    uintptr_t address;  /* an abort: what was accessed */
    uintptr_t pc, link, fp, sp;
    bool frameless; /* the code at pc keeps no frame records */
};

/* Prints the report and ends the run. say_registers prints the frame, in whole lines. */
void fault_report(const struct fault *f, const struct arch_frame *frame,
                  void (*say_registers)(const struct arch_frame *)) __attribute__((noreturn));

/* The name of an abort's fault status code. */
const char *fault_abort_name(unsigned status);

/* Prints a piece of the report, at most 192 bytes, to the serial line. */
void fault_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
