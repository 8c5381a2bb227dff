/*
 * fault.c - the end of a run that went wrong: exceptions (Arm ARM, D13.2.37: ESR_EL1), a smashed
 * canary, hal_panic. Prints what is known, a back trace by frame pointers, stops devices, exits
 * 134.
 *
 * Nothing here trusts the stack that it describes. A fault while reporting one cuts the report
 * short; a further one ends the run at once.
 */
#include <stdarg.h>

#include "arch.h"
#include "board.h"
#include "hal.h"
#include "runtime/format.h"
#include "symbols.h"

#define EXIT_FAULT 134
#define TRACE_MAX  32u

extern char __boot_stack_low[], __boot_stack_top[], __handler_stack_low[], __handler_stack_top[];
extern char __fault_stack_low[], __fault_stack_top[];

static unsigned deaths;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
    char line[192];
    va_list ap;

    va_start(ap, fmt);
    size_t n = format_args(line, sizeof line, fmt, ap);
    va_end(ap);
    board_console_write(line, n);
}

/* ---- stacks ---------------------------------------------------------------------------------- */

struct stack {
    uintptr_t low, high;
    const char *name;
};

/* The n-th stack that may be in use; false past the last. low 0: that one is not. */
static bool stack_get(unsigned n, struct stack *s)
{
    switch (n) {
    case 0:
        s->name = runtime_task_name();
        if (!runtime_task_stack(&s->low, &s->high))
            s->low = s->high = 0;
        return true;
    case 1:
        *s = (struct stack){(uintptr_t)__boot_stack_low, (uintptr_t)__boot_stack_top, "boot"};
        return true;
    case 2:
        *s = (struct stack){(uintptr_t)__handler_stack_low, (uintptr_t)__handler_stack_top,
                            "handler"};
        return true;
    case 3:
        *s = (struct stack){(uintptr_t)__fault_stack_low, (uintptr_t)__fault_stack_top, "fault"};
        return true;
    default:
        return false;
    }
}

/* The stack whose guard page holds addr, or NULL. */
static const char *guard_of(uintptr_t addr)
{
    struct stack s;

    for (unsigned n = 0; stack_get(n, &s); n++)
        if (s.low && addr < s.low && addr >= s.low - ARCH_PAGE)
            return s.name;
    return NULL;
}

/* Is a frame record at fp readable? Aligned, and whole on a known stack. */
static bool frame_ok(uintptr_t fp)
{
    struct stack s;

    if (fp % 16)
        return false;
    for (unsigned n = 0; stack_get(n, &s); n++)
        if (fp >= s.low && fp < s.high && s.high - fp >= 16)
            return true;
    return false;
}

static void say_code(uintptr_t pc)
{
    unsigned offset;
    const char *name = symbol_find(pc, &offset);

    if (name)
        say("    0x%lx %s+0x%x\n", (unsigned long)pc, name, offset);
    else
        say("    0x%lx%s\n", (unsigned long)pc, symbol_is_code(pc) ? "" : " (not code)");
}

/* The callers, from a frame record on: bounded in count, each record checked before it is read. */
static void back_trace(uintptr_t fp)
{
    for (unsigned n = 0; n < TRACE_MAX && frame_ok(fp); n++) {
        const uintptr_t *record = (const uintptr_t *)fp;
        uintptr_t next = record[0], back = record[1];
        if (!symbol_is_code(back - 4))
            break;
        say_code(back - 4);
        if (next == fp)
            break;
        fp = next;
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

/* True for the first report; later ones, from a fault inside it, are cut short. */
static bool first_death(void)
{
    arch_irq_save();
    return ++deaths == 1;
}

static void finish(void) __attribute__((noreturn));
static void finish(void)
{
    if (deaths == 1)
        runtime_stop_devices();
    if (deaths <= 2)
        say("vireo: exit %d\n", EXIT_FAULT);
    board_exit(EXIT_FAULT);
}

void arch_die(const char *what)
{
    if (first_death()) {
        say("\nvireo: panic in task %s: %s\n", runtime_task_name(), what);
        say("  back trace:\n");
        back_trace((uintptr_t)__builtin_frame_address(0));
    } else if (deaths == 2) {
        say("vireo: panic while reporting: %s\n", what);
    }
    finish();
}

void hal_panic(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    text[format_args(text, sizeof text - 1, fmt, ap)] = 0;
    va_end(ap);
    arch_die(text);
}

/* ---- exceptions ------------------------------------------------------------------------------ */

static const char *class_name(unsigned ec)
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

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].ec == ec)
            return names[i].name;
    return "unexpected exception";
}

/* Fault status code of an abort (D13.2.37, DFSC). */
static const char *abort_name(unsigned fsc)
{
    static const char *const groups[] = {"address size", "not mapped", "access flag", "permission"};

    if (fsc < 16)
        return groups[fsc >> 2];
    if (fsc == 0x10)
        return "no device answers there";
    return fsc == 0x21 ? "alignment" : "other";
}

static bool is_abort(unsigned ec)
{
    return ec == 0x20 || ec == 0x21 || ec == 0x24 || ec == 0x25;
}

/* What happened, in one line. */
static void say_cause(const struct arch_frame *f)
{
    unsigned ec = f->esr >> 26 & 63;
    const char *guard = is_abort(ec) ? guard_of(f->far) : NULL;

    say("\nvireo: fault in task %s: ", runtime_task_name());
    if (guard) {
        say("stack overflow in task %s (address 0x%lx)\n", guard, (unsigned long)f->far);
    } else if (is_abort(ec)) {
        const char *how = ec == 0x21 ? "execution" : f->esr & 1 << 6 ? "write" : "read";
        const char *what = f->far < ARCH_PAGE ? "null pointer" : abort_name(f->esr & 63);
        say("%s at 0x%lx: %s\n", how, (unsigned long)f->far, what);
    } else {
        say("%s\n", class_name(ec));
    }
}

static void say_registers(const struct arch_frame *f)
{
    unsigned ec = f->esr >> 26 & 63;

    say("  esr 0x%08lx (%s%s%s) far 0x%lx\n", (unsigned long)f->esr, class_name(ec),
        is_abort(ec) ? ", " : "", is_abort(ec) ? abort_name(f->esr & 63) : "",
        (unsigned long)f->far);
    say("  pc  0x%016lx sp  0x%016lx pstate 0x%lx\n", (unsigned long)f->pc, (unsigned long)f->sp,
        (unsigned long)f->pstate);
    for (unsigned i = 0; i < 31; i++)
        say("%sx%-2u 0x%016lx%s", i % 3 ? " " : "  ", i, (unsigned long)f->x[i],
            i % 3 == 2 || i == 30 ? "\n" : "");
}

static const char *function_at(uintptr_t pc)
{
    unsigned offset;

    return symbol_find(pc, &offset);
}

/*
 * A leaf function keeps no frame record, nor does a jump into nowhere: then only the link register
 * tells the caller. Elsewhere it points back into the function itself, after its last call.
 */
static bool called_without_record(const struct arch_frame *f)
{
    uintptr_t back = f->x[30];

    if (!symbol_is_code(back - 4))
        return false;
    if (frame_ok(f->x[29]) && ((const uintptr_t *)f->x[29])[1] == back)
        return false;
    return !symbol_is_code(f->pc) || function_at(back - 4) != function_at(f->pc);
}

/* From the vectors, on the fault stack. */
void arch_fault(const struct arch_frame *f) __attribute__((noreturn));
void arch_fault(const struct arch_frame *f)
{
    if (first_death()) {
        say_cause(f);
        say_registers(f);
        say("  back trace:\n");
        say_code(f->pc);
        if (called_without_record(f))
            say_code(f->x[30] - 4);
        back_trace(f->x[29]);
    } else if (deaths == 2) {
        say("vireo: fault while reporting, pc 0x%lx esr 0x%lx far 0x%lx\n", (unsigned long)f->pc,
            (unsigned long)f->esr, (unsigned long)f->far);
    }
    finish();
}
