/* SPDX-License-Identifier: BSD-2-Clause */
/* sigjmp.c - the mask of signals in sigsetjmp() and siglongjmp(). */
#include <setjmp.h>
#include <stddef.h>

void sigsetjmp_mask(sigjmp_buf env, int with_mask)
{
    env->with_mask = with_mask;
    if (with_mask)
        sigprocmask(SIG_SETMASK, NULL, &env->mask);
}

void siglongjmp(sigjmp_buf env, int value)
{
    if (env->with_mask)
        sigprocmask(SIG_SETMASK, &env->mask, NULL);
    longjmp(env->place, value);
}
