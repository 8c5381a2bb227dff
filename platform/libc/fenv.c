/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fenv.c - the floating-point environment (C11, 7.6), which each task has to itself. newlib's own
 * (left out) loses the rounding mode in an environment and takes modes that are none. Both CPUs
 * have the flags in the lowest bits; AArch64 has two registers, of which FPCR is the upper half
 * here.
 */
#include <fenv.h>
#include <stdint.h>

#ifdef __aarch64__
#define CONTROL_SHIFT 32
#define MODE_SHIFT    (CONTROL_SHIFT + 22)

static fenv_t fenv_read(void)
{
    fenv_t control, status;

    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(control), "=r"(status) : : "memory");
    return control << CONTROL_SHIFT | (uint32_t)status;
}

static void fenv_write(fenv_t e)
{
    __asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %1"
                     :
                     : "r"(e >> CONTROL_SHIFT), "r"((fenv_t)(uint32_t)e)
                     : "memory");
}
#else
#define CONTROL_SHIFT 0
#define MODE_SHIFT    0 /* <fenv.h> has the modes as they stand in FPSCR */

static fenv_t fenv_read(void)
{
    fenv_t e;

    __asm__ volatile("vmrs %0, fpscr" : "=r"(e) : : "memory");
    return e;
}

static void fenv_write(fenv_t e)
{
    __asm__ volatile("vmsr fpscr, %0" : : "r"(e) : "memory");
}
#endif

#define MODES (FE_UPWARD | FE_DOWNWARD | FE_TOWARDZERO)
#define TRAPS ((fenv_t)FE_ALL_EXCEPT << 8 << CONTROL_SHIFT)

int feclearexcept(int excepts)
{
    fenv_write(fenv_read() & ~(fenv_t)(excepts & FE_ALL_EXCEPT));
    return 0;
}

int fetestexcept(int excepts)
{
    return (int)fenv_read() & excepts & FE_ALL_EXCEPT;
}

int feraiseexcept(int excepts)
{
    fenv_write(fenv_read() | (fenv_t)(excepts & FE_ALL_EXCEPT));
    return 0;
}

int fegetexceptflag(fexcept_t *flags, int excepts)
{
    *flags = (fexcept_t)fetestexcept(excepts);
    return 0;
}

int fesetexceptflag(const fexcept_t *flags, int excepts)
{
    fenv_t which = (fenv_t)(excepts & FE_ALL_EXCEPT);

    fenv_write((fenv_read() & ~which) | ((fenv_t)*flags & which));
    return 0;
}

int fegetround(void)
{
    return (int)(fenv_read() >> MODE_SHIFT) & MODES;
}

int fesetround(int mode)
{
    if (mode & ~MODES)
        return -1;
    fenv_write((fenv_read() & ~((fenv_t)MODES << MODE_SHIFT)) | (fenv_t)mode << MODE_SHIFT);
    return 0;
}

int fegetenv(fenv_t *e)
{
    *e = fenv_read();
    return 0;
}

int fesetenv(const fenv_t *e)
{
    fenv_write(*e);
    return 0;
}

int feholdexcept(fenv_t *e)
{
    *e = fenv_read();
    fenv_write(*e & ~((fenv_t)FE_ALL_EXCEPT | TRAPS));
    return 0;
}

int feupdateenv(const fenv_t *e)
{
    fenv_write(*e | (fenv_read() & FE_ALL_EXCEPT));
    return 0;
}
