/*
 * context.c - interrupt mask, new contexts, random bits, the stack canary.
 */
#include "arch.h"
#include "board.h"
#include "cpu.h"

#define CONTEXT_FRAME 176 /* as arch_switch in vectors.S stores it */

bool arch_secure;

unsigned long arch_irq_save(void)
{
    unsigned long state = cpu_read(daif);

    __asm__ volatile("msr daifset, #3" : : : "memory");
    return state;
}

void arch_irq_restore(unsigned long state)
{
    cpu_write(daif, state);
}

void arch_begin(void);
void arch_ended(void) __attribute__((noreturn));

void arch_ended(void)
{
    arch_die("the function of a context returned");
}

void arch_context_init(struct arch_context *c, void *stack_top, void (*entry)(void *), void *arg)
{
    uintptr_t top = (uintptr_t)stack_top & ~(uintptr_t)15;
    uint64_t *frame = (uint64_t *)(top - CONTEXT_FRAME);

    for (unsigned i = 0; i < CONTEXT_FRAME / 8; i++)
        frame[i] = 0; /* x29 too: a back trace ends here */
    frame[1] = (uintptr_t)arch_begin;
    frame[2] = (uintptr_t)entry;
    frame[3] = (uintptr_t)arg;
    c->sp = frame;
}

bool arch_random(uint64_t *out)
{
    if (!(cpu_read(id_aa64isar0_el1) >> 60))
        return false;
    for (unsigned i = 0; i < 16; i++) {
        uint64_t v, ok;
        __asm__ volatile("mrs %0, S3_3_C2_C4_0\n\t" /* RNDR sets Z when it has no bits to give */
                         "cset %1, ne"
                         : "=r"(v), "=r"(ok)
                         :
                         : "cc");
        if (ok) {
            *out = v;
            return true;
        }
    }
    return false;
}

/* What -fstack-protector compares; its lowest byte is 0, so that no string copies past it. */
uintptr_t __stack_chk_guard = 0xa5c396e14b2d7800;

void __stack_chk_fail(void) __attribute__((noreturn));
void __stack_chk_fail(void)
{
    arch_die("stack smashed: a function overran its local array");
}

/* One round of a 64-bit mixing function (multiply and fold), so that each input bit spreads. */
static inline uint64_t stir(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

__attribute__((no_stack_protector)) void arch_canary_stir(const void *seed, size_t len)
{
    const uint8_t *p = seed;
    uint64_t h = __stack_chk_guard, v;

    for (size_t i = 0; i < len; i++)
        h = stir(h, p[i]);
    if (arch_random(&v))
        h = stir(h, v);
    h = stir(h, cpu_read(cntpct_el0));
    __stack_chk_guard = h & ~(uint64_t)0xff;
}

/* From entry.S: the MMU is on, bss is clear. */
void arch_start(const void *dtb) __attribute__((noreturn, no_stack_protector));
void arch_start(const void *dtb)
{
    arch_canary_stir(NULL, 0);
    board_start(dtb);
}
