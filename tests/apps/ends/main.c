/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ends - the ways in which an image can end. The boot argument end= chooses one; status= is the
 * exit status where there is one.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal.h"
#include "vireo/image.h"
#include "vireo/task.h"

/* Functions that the back trace must name: not inlined, not tail calls. */
#define NAMED __attribute__((noinline))

static volatile uintptr_t nowhere; /* 0, and the compiler does not know */
static volatile int sink;
static volatile int limit = 1000000; /* of the recursion; the stack is smaller */
static const char constant[] = "this is read-only";

static NAMED void write_to(uintptr_t address)
{
    *(volatile uint32_t *)address = 0x5a5a5a5a;
    sink++;
}

static NAMED void second_level(uintptr_t address)
{
    write_to(address);
    sink++;
}

static NAMED void first_level(uintptr_t address)
{
    second_level(address);
    sink++;
}

static NAMED int read_from(uintptr_t address)
{
    return *(volatile uint32_t *)address;
}

static NAMED void call(uintptr_t address)
{
    ((void (*)(void))address)();
    sink++;
}

static NAMED int use_stack(int depth)
{
    volatile char frame[1024];

    frame[depth & 1023] = (char)depth;
    if (depth < limit)
        depth += use_stack(depth + 1);
    return depth + frame[depth & 1023];
}

static NAMED void smash(size_t length)
{
    char small[16];

    memset(small, 'x', length); /* the length is not known to the compiler */
    sink += small[3];
}

static void in_a_task(void *arg)
{
    (void)arg;
    sink += use_stack(0);
}

static void do_end(const char *how, int status)
{
    static uint32_t data[16];

    if (strcmp(how, "exit") == 0)
        exit(status);
    if (strcmp(how, "_exit") == 0)
        vireo_exit(status);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "panic") == 0)
        hal_panic("a panic with %d and %s", 42, "text");
    if (strcmp(how, "assert") == 0)
        hal_assert(nowhere == 1);
    if (strcmp(how, "assert-libc") == 0)
        assert(nowhere == 1);
    if (strcmp(how, "null-write") == 0)
        first_level(nowhere);
    if (strcmp(how, "null-read") == 0)
        sink = read_from(nowhere + 8);
    if (strcmp(how, "null-call") == 0)
        call(nowhere);
    if (strcmp(how, "wild-write") == 0)
        first_level((uintptr_t)(sizeof(uintptr_t) > 4 ? 0xdead00000000u : 0xdead0000u));
    if (strcmp(how, "code-write") == 0)
        first_level((uintptr_t)&read_from);
    if (strcmp(how, "constant-write") == 0)
        first_level((uintptr_t)constant & ~(uintptr_t)3);
    if (strcmp(how, "data-exec") == 0)
        call((uintptr_t)data);
    if (strcmp(how, "heap-exec") == 0)
        call((uintptr_t)calloc(1, 64));
    if (strcmp(how, "stack-exec") == 0) {
        uint32_t code[2] = {0xd65f03c0, 0}; /* ret */

        call((uintptr_t)code);
    }
    if (strcmp(how, "undefined") == 0)
        __builtin_trap();
    if (strcmp(how, "svc") == 0)
        __asm__ volatile("svc #1");
    if (strcmp(how, "stack-overflow") == 0)
        sink = use_stack(0);
    if (strcmp(how, "task-stack-overflow") == 0) {
        task_spawn("deep", in_a_task, NULL, 0);
        task_sleep_until(hal_now_ns() + HAL_SEC);
    }
    if (strcmp(how, "stack-smash") == 0)
        smash(24 + nowhere); /* the guard value, and none of the caller's frame */
}

int main(void)
{
    const char *how = hal_bootarg("end");
    const char *number = hal_bootarg("status");
    int status = number ? atoi(number) : 0;

    printf("ends: %s\n", how ? how : "return");
    fflush(stdout);
    if (how)
        do_end(how, status);
    return status;
}
