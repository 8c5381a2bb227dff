/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exception.c - describes an exception to fault.c, by the registers that vectors.S stored (DDI
 * 0406C, B3.13: DFSR and IFSR with long descriptors).
 */
#include "cpu.h"
#include "fault.h"

/* As vectors.S stores it; `vector` is the number of the exception vector, 1 to 7. */
struct arch_frame {
    uint32_t r[13];
    uint32_t sp, lr, pc, cpsr, vector;
};

enum { VECTOR_UNDEFINED = 1, VECTOR_SVC, VECTOR_PREFETCH, VECTOR_DATA, VECTOR_HYP, VECTOR_FIQ = 7 };
enum { DFSR_WRITE = 1 << 11, FSR_STATUS = 63, FSR_DEBUG = 0x22, CPSR_T32 = 1 << 5 };

static const char *exception_class(unsigned vector, unsigned status)
{
    static const char *const names[] = {
        [VECTOR_UNDEFINED] = "undefined instruction",
        [VECTOR_SVC] = "SVC",
        [VECTOR_PREFETCH] = "prefetch abort",
        [VECTOR_DATA] = "data abort",
        [VECTOR_FIQ] = "FIQ",
    };

    if (vector == VECTOR_PREFETCH && status == FSR_DEBUG)
        return "BKPT";
    const char *name = vector < sizeof(names) / sizeof(*names) ? names[vector] : NULL;
    return name ? name : "unexpected exception";
}

static uint32_t exception_fsr(unsigned vector)
{
    return vector == VECTOR_PREFETCH ? cp15_read(0, c5, c0, 1) : cp15_read(0, c5, c0, 0);
}

static uint32_t exception_far(unsigned vector)
{
    return vector == VECTOR_PREFETCH ? cp15_read(0, c6, c0, 2) : cp15_read(0, c6, c0, 0);
}

static void exception_say_registers(const struct arch_frame *f)
{
    fault_say("  dfsr 0x%08lx dfar 0x%08lx ifsr 0x%08lx ifar 0x%08lx\n",
              (unsigned long)exception_fsr(VECTOR_DATA), (unsigned long)exception_far(VECTOR_DATA),
              (unsigned long)exception_fsr(VECTOR_PREFETCH),
              (unsigned long)exception_far(VECTOR_PREFETCH));
    fault_say("  pc  0x%08lx sp  0x%08lx lr  0x%08lx cpsr 0x%lx\n", (unsigned long)f->pc,
              (unsigned long)f->sp, (unsigned long)f->lr, (unsigned long)f->cpsr);
    for (unsigned i = 0; i < 13; i++)
        fault_say("%sr%-2u 0x%08lx%s", i % 4 ? " " : "  ", i, (unsigned long)f->r[i],
                  i % 4 == 3 || i == 12 ? "\n" : "");
}

/* Called by vectors.S, on the fault stack. */
void arch_fault(const struct arch_frame *f) __attribute__((noreturn));
void arch_fault(const struct arch_frame *f)
{
    uint32_t fsr = exception_fsr(f->vector);
    unsigned status = fsr & FSR_STATUS;
    bool fetch = f->vector == VECTOR_PREFETCH;
    bool abort = f->vector == VECTOR_DATA || (fetch && status != FSR_DEBUG);
    const char *how = fetch ? "execution" : fsr & DFSR_WRITE ? "write" : "read";
    struct fault fault = {
        .name = exception_class(f->vector, status),
        .access = abort ? how : NULL,
        .status = status,
        .address = exception_far(f->vector),
        .pc = f->pc,
        .link = f->lr,
        .fp = f->r[11],
        .sp = f->sp,
        .frameless = f->cpsr & CPSR_T32,
    };

    fault_report(&fault, f, exception_say_registers);
}
