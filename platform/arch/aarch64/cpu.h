/*
 * cpu.h - system registers of AArch64, read and written by name.
 */
#ifndef VIREO_CPU_H
#define VIREO_CPU_H

#include <stdint.h>

/* Register names are part of the instruction, so these two cannot be functions. */
#define cpu_read(reg)                                                                              \
    ({                                                                                             \
        uint64_t cpu_value_;                                                                       \
        __asm__ volatile("mrs %0, " #reg : "=r"(cpu_value_) : : "memory");                         \
        cpu_value_;                                                                                \
    })
#define cpu_write(reg, value)                                                                      \
    __asm__ volatile("msr " #reg ", %x0" : : "rZ"((uint64_t)(value)) : "memory")

static inline void cpu_isb(void)
{
    __asm__ volatile("isb" : : : "memory");
}

static inline void cpu_dsb(void)
{
    __asm__ volatile("dsb sy" : : : "memory");
}

#endif
