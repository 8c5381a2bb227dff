/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.h - what the report of a fault (fault.c) needs to know of an exception, and who tells it
 * (exception.c of each CPU).
 */
#ifndef VIREO_FAULT_H
#define VIREO_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arch_frame; /* the registers, as the CPU's vectors have stored them */

struct fault {
    const char *name;   /* the class of exception */
    const char *access; /* an abort: "read", "write" or "execution"; NULL: none */
    unsigned status;    /* an abort: its fault status code */
    uintptr_t address;  /* an abort: what was accessed */
    uintptr_t pc, link, fp, sp;
    bool frameless; /* the code at pc keeps no frame records */
};

/* Ends the run. say_registers prints the frame, in lines of its own. */
void fault_report(const struct fault *f, const struct arch_frame *frame,
                  void (*say_registers)(const struct arch_frame *)) __attribute__((noreturn));

/* The name of a fault status code. */
const char *fault_abort_name(unsigned status);

/* A formatted piece of the report, straight to the console. */
void fault_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
