/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fpregs - 32-bit Arm: an interrupt handler may use the floating-point registers (the compiler's
 * own 64-bit division does), and the code that it interrupts keeps its own; so do two tasks that
 * take turns.
 */
#include "../checks.h"
#include <vireo.h>

#define TIMER_LINE 27   /* the virtual timer's */
#define TICKS      1000 /* of 16 ns */
#define ROUNDS     20

static volatile unsigned spoilt;

/* Runs beside the timer's own handler. */
static void spoil(void *ctx)
{
    (void)ctx;
    __asm__ volatile(
        "vmov.i32 q0, #0\n\tvmov.i32 q1, #0\n\tvmov.i32 q2, #0\n\tvmov.i32 q3, #0\n\t"
        "vmov.i32 q8, #0\n\tvmov.i32 q9, #0\n\tvmov.i32 q10, #0\n\tvmov.i32 q11, #0\n\t"
        "vmov.i32 q12, #0\n\tvmov.i32 q13, #0\n\tvmov.i32 q14, #0\n\t"
        "vmov.i32 q15, #0\n\t"
        "vmsr fpscr, %0"
        :
        : "r"(0xf0000000u)
        : "q0", "q1", "q2", "q3", "q8", "q9", "q10", "q11", "q12", "q13", "q14", "q15");
    spoilt++;
}

/*
 * Sets the timer, fills registers, waits for its interrupt in a loop that touches none, and counts
 * what changed.
 */
static unsigned changed_by_interrupt(void)
{
    unsigned changed, before = spoilt, flags;

    __asm__ volatile("vmov.i32 q0, #1\n\tvmov.i32 q3, #4\n\tvmov.i32 q8, #5\n\tvmov.i32 q15, #6\n\t"
                     "mov %1, #0x50000000\n\t"
                     "vmsr fpscr, %1\n\t"
                     "mov %0, #1\n\t"
                     "mcr p15, 0, %4, c14, c3, 0\n\t" /* CNTV_TVAL */
                     "mcr p15, 0, %0, c14, c3, 1\n"   /* CNTV_CTL */
                     "1:\tldr %0, [%2]\n\t"
                     "cmp %0, %3\n\t"
                     "beq 1b\n\t"
                     "vmrs %1, fpscr\n\t"
                     "vmov.i32 q1, #1\n\tvceq.i32 q0, q0, q1\n\t"
                     "vmov.i32 q1, #4\n\tvceq.i32 q3, q3, q1\n\t"
                     "vmov.i32 q1, #5\n\tvceq.i32 q8, q8, q1\n\t"
                     "vmov.i32 q1, #6\n\tvceq.i32 q15, q15, q1\n\t"
                     "vand q0, q0, q3\n\tvand q8, q8, q15\n\tvand q0, q0, q8\n\t"
                     "vand d0, d0, d1\n\t"
                     "vmov.32 %0, d0[0]"
                     : "=&r"(changed), "=&r"(flags)
                     : "r"(&spoilt), "r"(before), "r"(TICKS)
                     : "q0", "q1", "q3", "q8", "q15", "memory", "cc");
    return (changed != 0xffffffffu) + (flags >> 28 != 5);
}

/* Values that a task keeps in registers while the other task runs. */
static unsigned lost;

static void take_turns(void *arg)
{
    volatile double own = (double)(uintptr_t)arg; /* read each time, never computed again */

    for (unsigned i = 0; i < ROUNDS; i++) {
        double sum = own + i, product = own * i;
        task_yield();
        lost += sum != own + i || product != own * i;
    }
}

int main(void)
{
    unsigned changed = 0;

    check(hal_irq_attach(TIMER_LINE, spoil, NULL) == 0, "a handler beside the timer's");
    for (unsigned i = 0; i < ROUNDS; i++)
        changed += changed_by_interrupt();
    check(changed == 0, "an interrupt leaves the registers alone: %u changed", changed);
    check(spoilt >= ROUNDS, "%u interrupts spoilt them", spoilt);
    task_spawn("other", take_turns, (void *)7, 0);
    take_turns((void *)5);
    check(lost == 0, "tasks keep their own: %u lost", lost);
    return checks_end();
}
