/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * begin.c - from the CPU's entry code to the board, and the stack canary.
 */
#include "arch.h"
#include "board.h"
#include "cpu.h"

bool arch_secure;

/*
 * The canary of -fstack-protector. Its lowest byte is 0, so that no copy of a string contains it.
 */
uintptr_t __stack_chk_guard = (uintptr_t)0xa5c396e14b2d7800;

void __stack_chk_fail(void) __attribute__((noreturn));
void __stack_chk_fail(void)
{
    arch_die("stack smashed: a function overran its local array");
}

/* One round of a 64-bit mixing function: exclusive or, multiply, fold. */
static inline uint64_t canary_stir(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

__attribute__((no_stack_protector)) void arch_canary_stir(const void *seed, size_t len)
{
    const uint8_t *p = seed;
    uint64_t h = __stack_chk_guard, v;

    for (size_t i = 0; i < len; i++)
        h = canary_stir(h, p[i]);
    if (arch_random(&v))
        h = canary_stir(h, v);
    h = canary_stir(h, cpu_counter());
    __stack_chk_guard = (uintptr_t)h & ~(uintptr_t)0xff;
}

/* Called by entry.S, with the MMU on and bss cleared. */
void arch_start(const void *dtb) __attribute__((noreturn, no_stack_protector));
void arch_start(const void *dtb)
{
    arch_canary_stir(NULL, 0);
    board_start(dtb);
}

/* Called by vectors.S if the function of a context returns. */
void arch_ended(void) __attribute__((noreturn));
void arch_ended(void)
{
    arch_die("the function of a context returned");
}
