/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exception.c - describes an exception to fault.c, by the registers that vectors.S stored (Arm ARM,
 * D13.2.37: ESR_EL1).
 */
#include "fault.h"

/* As vectors.S stores it. */
struct arch_frame {
    uint64_t x[31];
    uint64_t sp, pc, pstate, esr, far;
};

static const char *exception_class(unsigned ec)
{
    static const struct {
        unsigned char ec;
        const char *name;
    } names[] = {
        {0x00, "undefined instruction"},
        {0x07, "FP or SIMD instruction while disabled"},
        {0x0d, "branch target"},
        {0x0e, "illegal execution state"},
        {0x15, "SVC"},
        {0x16, "HVC"},
        {0x17, "SMC"},
        {0x18, "system register access"},
        {0x1c, "pointer authentication"},
        {0x21, "instruction abort"},
        {0x22, "misaligned pc"},
        {0x25, "data abort"},
        {0x26, "misaligned stack pointer"},
        {0x2c, "floating point"},
        {0x2f, "SError"},
        {0x3c, "BRK"},
    };

    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].ec == ec)
            return names[i].name;
    return "unexpected exception";
}

static bool exception_is_abort(unsigned ec)
{
    return ec == 0x20 || ec == 0x21 || ec == 0x24 || ec == 0x25;
}

static void exception_say_registers(const struct arch_frame *f)
{
    unsigned ec = f->esr >> 26 & 63;

    fault_say("  esr 0x%08lx (%s%s%s) far 0x%lx\n", (unsigned long)f->esr, exception_class(ec),
              exception_is_abort(ec) ? ", " : "",
              exception_is_abort(ec) ? fault_abort_name(f->esr & 63) : "", (unsigned long)f->far);
    fault_say("  pc  0x%016lx sp  0x%016lx pstate 0x%lx\n", (unsigned long)f->pc,
              (unsigned long)f->sp, (unsigned long)f->pstate);
    for (unsigned i = 0; i < 31; i++)
        fault_say("%sx%-2u 0x%016lx%s", i % 3 ? " " : "  ", i, (unsigned long)f->x[i],
                  i % 3 == 2 || i == 30 ? "\n" : "");
}

/* Called by vectors.S, on the fault stack. */
void arch_fault(const struct arch_frame *f) __attribute__((noreturn));
void arch_fault(const struct arch_frame *f)
{
    unsigned ec = f->esr >> 26 & 63;
    const char *how = ec == 0x21 ? "execution" : f->esr & 1 << 6 ? "write" : "read";
    struct fault fault = {
        .name = exception_class(ec),
        .access = exception_is_abort(ec) ? how : NULL,
        .status = f->esr & 63,
        .address = f->far,
        .pc = f->pc,
        .link = f->x[30],
        .fp = f->x[29],
        .sp = f->sp,
    };

    fault_report(&fault, f, exception_say_registers);
}
