/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.c - the end of a run by a fault: an exception (which exception.c of the CPU describes), an
 * overwritten stack canary, hal_panic. Prints the cause and a back trace by frame pointers, stops
 * devices, exits with status 134.
 *
 * The stack is not trusted: each frame record is checked before it is read. A fault during the
 * report ends the report; a third one ends the run at once.
 */
#include <stdarg.h>

#include "arch.h"
#include "board.h"
#include "cpu.h"
#include "fault.h"
#include "hal.h"
#include "symbols.h"

#define EXIT_FAULT  134
#define TRACE_MAX   32u
#define CROSS_MAX   512             /* words of stack */
#define FRAME_LARGE (1024u * 1024u) /* a stack pointer so far below a stack is that stack's */

extern char __boot_stack_low[], __boot_stack_top[], __handler_stack_low[], __handler_stack_top[];
extern char __fault_stack_low[], __fault_stack_top[];

static unsigned deaths; /* faults and panics so far */

void fault_say(const char *fmt, ...)
{
    char line[192];
    va_list ap;

    va_start(ap, fmt);
    size_t n = runtime_format_args(line, sizeof(line), fmt, ap);
    va_end(ap);
    board_console_write(line, n);
}

/* ---- stacks ---------------------------------------------------------------------------------- */

struct stack {
    uintptr_t low, high;
    const char *name;
};

/* The n-th stack; false past the last. low 0: that stack does not exist now. */
static bool fault_stack(unsigned n, struct stack *s)
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

/* Name of the stack whose guard page holds addr, or NULL. */
static const char *fault_guard_of(uintptr_t addr)
{
    struct stack s;

    for (unsigned n = 0; fault_stack(n, &s); n++)
        if (s.low && addr < s.low && addr >= s.low - ARCH_PAGE)
            return s.name;
    return NULL;
}

/* Is addr on a stack that no task has? */
static bool fault_on_other_stack(uintptr_t addr)
{
    struct stack s;

    for (unsigned n = 1; fault_stack(n, &s); n++)
        if (addr >= s.low && addr <= s.high)
            return true;
    return false;
}

/* The frame record that fp points into. NULL: it is not aligned, or not all of it on a stack. */
static const uintptr_t *fault_record(uintptr_t fp)
{
    uintptr_t at = fp - CPU_FRAME_BIAS;
    struct stack s;

    if (fp % CPU_FRAME_ALIGN)
        return NULL;
    for (unsigned n = 0; fault_stack(n, &s); n++)
        if (at >= s.low && at < s.high && s.high - at >= 2 * sizeof(at))
            return (const uintptr_t *)at;
    return NULL;
}

/*
 * The frame pointer to begin a back trace with: the function's, or its caller's if the function
 * calls nothing. Such a function saves the frame pointer alone, without a return address.
 */
static uintptr_t fault_first_frame(uintptr_t fp)
{
    const uintptr_t *record = CPU_LEAF_RECORDS ? fault_record(fp) : NULL;

    return record && !symbol_is_code(record[1]) && fault_record(record[1]) ? record[1] : fp;
}

static void fault_say_code(uintptr_t pc)
{
    unsigned offset;
    const char *name = symbol_find(pc, &offset);

    if (name)
        fault_say("    0x%lx %s+0x%x\n", (unsigned long)pc, name, offset);
    else
        fault_say("    0x%lx%s\n", (unsigned long)pc, symbol_is_code(pc) ? "" : " (not code)");
}

/*
 * Prints the caller of code that keeps no records: the call behind the first word between sp and
 * fp's record that is a return address. Returns fp, with which the trace goes on. Such code may
 * also use fp for something else: then its callers are not known, and 0 is returned.
 */
static uintptr_t fault_cross(uintptr_t sp, uintptr_t fp)
{
    const uintptr_t *next = fault_record(fp), *p = (const uintptr_t *)(sp & ~(sizeof(sp) - 1));

    if (!next || !symbol_is_code(next[1]) || next - p > CROSS_MAX) {
        fault_say("    (code without frame records: its callers are not known)\n");
        return 0;
    }
    for (; p < next; p++)
        if (symbol_is_code(*p) && cpu_after_call(*p)) {
            fault_say_code(cpu_call_site(*p));
            break;
        }
    return fp;
}

/* Prints the callers from a frame record on, at most TRACE_MAX. */
static void fault_back_trace(uintptr_t fp)
{
    const uintptr_t *record;

    for (unsigned n = 0; n < TRACE_MAX && (record = fault_record(fp)) != NULL; n++) {
        uintptr_t next = record[0], call = cpu_call_site(record[1]);
        if (!symbol_is_code(call))
            break;
        fault_say_code(call);
        if (!cpu_keeps_record(record[1]))
            next = fault_cross((uintptr_t)(record + 2), next);
        if (next == fp)
            break;
        fp = next;
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

/* True for the first fault; later ones happen inside of its report. */
static bool fault_first(void)
{
    arch_irq_save();
    return ++deaths == 1;
}

static void fault_finish(void) __attribute__((noreturn));
static void fault_finish(void)
{
    if (deaths == 1)
        runtime_stop_devices();
    if (deaths <= 2)
        fault_say("vireo: exit %d\n", EXIT_FAULT);
    board_exit(EXIT_FAULT);
}

void arch_die(const char *what)
{
    if (fault_first()) {
        fault_say("\nvireo: panic in task %s: %s\n", runtime_task_name(), what);
        fault_say("  back trace:\n");
        fault_back_trace((uintptr_t)__builtin_frame_address(0));
    } else if (deaths == 2) {
        fault_say("vireo: panic while reporting: %s\n", what);
    }
    fault_finish();
}

void hal_panic(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    text[runtime_format_args(text, sizeof(text) - 1, fmt, ap)] = 0;
    va_end(ap);
    arch_die(text);
}

/* ---- exceptions ------------------------------------------------------------------------------ */

/* Codes are the same for both CPUs (Arm ARM, D13.2.37 DFSC; DDI 0406C, B3.13). */
const char *fault_abort_name(unsigned status)
{
    static const char *const groups[] = {"address size", "not mapped", "access flag", "permission"};

    if (status < 16)
        return groups[status >> 2];
    if (status == 0x10)
        return "no device answers there";
    return status == 0x21 ? "alignment" : "other";
}

/* Prints the cause in one line. */
static void fault_say_cause(const struct fault *f)
{
    const char *guard = f->access ? fault_guard_of(f->address) : NULL;
    uintptr_t low, high;

    /* Code of others may have moved the stack pointer over the guard page. */
    if (f->access && !guard && runtime_task_stack(&low, &high) && f->sp < low &&
        f->sp >= low - FRAME_LARGE && !fault_on_other_stack(f->sp))
        guard = runtime_task_name();

    fault_say("\nvireo: fault in task %s: ", runtime_task_name());
    if (guard) {
        fault_say("stack overflow in task %s (address 0x%lx)\n", guard, (unsigned long)f->address);
    } else if (f->access) {
        const char *what = f->address < ARCH_PAGE ? "null pointer" : fault_abort_name(f->status);
        fault_say("%s at 0x%lx: %s\n", f->access, (unsigned long)f->address, what);
    } else {
        fault_say("%s\n", f->name);
    }
}

/* Where the function that holds pc begins; 0: not known. */
static uintptr_t fault_function(uintptr_t pc)
{
    unsigned offset;

    return symbol_find(pc, &offset) ? pc - offset : 0;
}

/*
 * Is the caller known by the link register alone? So it is in a function that calls nothing, and
 * after a jump to an address without code. In other functions the link register points back into
 * the function itself, behind its last call.
 */
static bool fault_called_without_record(const struct fault *f)
{
    const uintptr_t *record = fault_record(f->fp);
    uintptr_t call = cpu_call_site(f->link);

    if (!symbol_is_code(call))
        return false;
    if (record && record[1] == f->link)
        return false;
    return !symbol_is_code(f->pc) || fault_function(call) != fault_function(f->pc);
}

void fault_report(const struct fault *f, const struct arch_frame *frame,
                  void (*say_registers)(const struct arch_frame *))
{
    if (fault_first()) {
        fault_say_cause(f);
        say_registers(frame);
        fault_say("  back trace:\n");
        fault_say_code(f->pc);
        if (fault_called_without_record(f))
            fault_say_code(cpu_call_site(f->link));
        uintptr_t fp = fault_first_frame(f->fp);
        fault_back_trace(f->frameless && !cpu_keeps_record(f->link) ? fault_cross(f->sp, fp) : fp);
    } else if (deaths == 2) {
        fault_say("vireo: fault while reporting, pc 0x%lx, %s at 0x%lx\n", (unsigned long)f->pc,
                  f->name, (unsigned long)f->address);
    }
    fault_finish();
}
