/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * floats - <fenv.h>: rounding modes change results, operations raise flags, environments are saved
 * and restored; and each task has its own.
 */
#include <fenv.h>
#include <float.h>
#include <math.h>

#include "../checks.h"
#include "vireo/task.h"

static volatile double one = 1, three = 3, half = 2.5, huge = DBL_MAX, tiny = DBL_MIN, zero;
static volatile float onef = 1, threef = 3;
static volatile long double onel = 1, threel = 3;
static volatile double sink;

static const struct mode {
    int mode;
    const char *name;
    double third, minus_third, rint_half, rint_minus_half;
    long lrint_half;
} modes[] = {
    {FE_TONEAREST, "to nearest", 0x1.5555555555555p-2, -0x1.5555555555555p-2, 2, -2, 2},
    {FE_UPWARD, "upward", 0x1.5555555555556p-2, -0x1.5555555555555p-2, 3, -2, 3},
    {FE_DOWNWARD, "downward", 0x1.5555555555555p-2, -0x1.5555555555556p-2, 2, -3, 2},
    {FE_TOWARDZERO, "toward zero", 0x1.5555555555555p-2, -0x1.5555555555555p-2, 2, -2, 2},
};

static void rounding(void)
{
    check(fegetround() == FE_TONEAREST, "the mode at the start");
    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        const struct mode *m = &modes[i];
        int set = fesetround(m->mode), seen = fegetround();
        volatile double third = one / three, minus_third = -one / three;
        volatile double up = rint(half), down = rint(-half), near = nearbyint(half);
        volatile long number = lrint(half);
        volatile float f = onef / threef;
        volatile long double l = onel / threel;
        fesetround(FE_TONEAREST);
        check(set == 0 && seen == m->mode, "%s: the mode is set", m->name);
        check(third == m->third && minus_third == m->minus_third, "%s: 1/3 is %a, %a", m->name,
              third, minus_third);
        check(up == m->rint_half && down == m->rint_minus_half && near == up &&
                  number == m->lrint_half,
              "%s: 2.5 is %g, -2.5 is %g", m->name, up, down);
        check(f == (m->mode == FE_DOWNWARD || m->mode == FE_TOWARDZERO ? 0x1.555554p-2f
                                                                       : 0x1.555556p-2f),
              "%s: 1/3 of floats is %a", m->name, (double)f);
        check((l > onel / threel) == (m->mode == FE_UPWARD), "%s: long doubles", m->name);
    }
    check(fesetround(0x1234567) != 0 && fegetround() == FE_TONEAREST, "no such mode");
}

static int raised(void)
{
    int flags = fetestexcept(FE_ALL_EXCEPT);

    feclearexcept(FE_ALL_EXCEPT);
    return flags;
}

static void flags(void)
{
    fexcept_t saved;

    raised();
    check(fetestexcept(FE_ALL_EXCEPT) == 0, "no flags after feclearexcept");
    sink = one + one;
    check(raised() == 0, "1 + 1 raises none");
    sink = one / zero;
    check(raised() == FE_DIVBYZERO, "1 / 0");
    sink = zero / zero;
    check(raised() == FE_INVALID, "0 / 0");
    sink = huge * huge;
    check(raised() == (FE_OVERFLOW | FE_INEXACT), "too large");
    sink = tiny * tiny;
    check(raised() == (FE_UNDERFLOW | FE_INEXACT), "too small");
    sink = one / three;
    check(raised() == FE_INEXACT, "1 / 3");
    sink = sqrt(-one);
    check(raised() == FE_INVALID, "the root of -1");
    sink = nearbyint(half);
    check(raised() == 0, "nearbyint raises none");
    sink = rint(half);
    check(raised() == FE_INEXACT, "rint tells");
    for (unsigned i = 0; i < 31; i++)
        if (1 << i & FE_ALL_EXCEPT) {
            feraiseexcept(1 << i);
            check(fetestexcept(1 << i) == 1 << i, "feraiseexcept of %#x", 1 << i);
        }
    feclearexcept(FE_INVALID | FE_INEXACT);
    check((raised() & (FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW | FE_INEXACT)) ==
              (FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW),
          "some are cleared");
    feraiseexcept(FE_OVERFLOW);
    fegetexceptflag(&saved, FE_OVERFLOW | FE_INVALID);
    raised();
    feraiseexcept(FE_INVALID | FE_DIVBYZERO);
    fesetexceptflag(&saved, FE_OVERFLOW | FE_INVALID);
    check(raised() == (FE_OVERFLOW | FE_DIVBYZERO), "fesetexceptflag");
}

static void environments(void)
{
    fenv_t saved, held;

    fesetround(FE_UPWARD);
    feraiseexcept(FE_DIVBYZERO);
    check(fegetenv(&saved) == 0, "fegetenv");
    check(fesetenv(FE_DFL_ENV) == 0 && fegetround() == FE_TONEAREST && raised() == 0,
          "the default environment");
    check(fesetenv(&saved) == 0 && fegetround() == FE_UPWARD && raised() == FE_DIVBYZERO,
          "fesetenv brings it back");
    feraiseexcept(FE_OVERFLOW);
    check(feholdexcept(&held) == 0 && fetestexcept(FE_ALL_EXCEPT) == 0 && fegetround() == FE_UPWARD,
          "feholdexcept clears the flags alone");
    fesetround(FE_DOWNWARD);
    sink = zero / zero;
    check(feupdateenv(&held) == 0 && fegetround() == FE_UPWARD &&
              raised() == (FE_OVERFLOW | FE_INVALID),
          "feupdateenv has the old flags and the new ones");
    fesetround(FE_TONEAREST);
}

static bool other_right = true;
static unsigned turns;

static void other_task(void *arg)
{
    (void)arg;
    other_right &= fegetround() == FE_TONEAREST && fetestexcept(FE_ALL_EXCEPT) == 0;
    fesetround(FE_TOWARDZERO);
    sink = one / zero;
    for (; turns < 5; turns++) {
        task_yield();
        other_right &= fegetround() == FE_TOWARDZERO && fetestexcept(FE_ALL_EXCEPT) == FE_DIVBYZERO;
    }
}

static void tasks(void)
{
    bool right = true;

    fesetround(FE_UPWARD);
    raised();
    feraiseexcept(FE_INVALID);
    task_spawn("other", other_task, NULL, 0);
    while (turns < 5) {
        task_yield();
        right &= fegetround() == FE_UPWARD && fetestexcept(FE_ALL_EXCEPT) == FE_INVALID;
    }
    fesetround(FE_TONEAREST);
    check(right && other_right, "each task has its own mode and flags");
}

int main(void)
{
    rounding();
    flags();
    environments();
    tasks();
    return checks_end();
}
