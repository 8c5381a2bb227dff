/* SPDX-License-Identifier: BSD-2-Clause */
/* setjmp.h - newlib's header, and jumps that bring the mask of signals back (POSIX.1-2017). */
#include_next <setjmp.h>
#ifndef VIREO_SETJMP_H
#define VIREO_SETJMP_H

#include <signal.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    jmp_buf place;
    sigset_t mask;
    int with_mask;
} sigjmp_buf[1];

void sigsetjmp_mask(sigjmp_buf env, int with_mask);
void siglongjmp(sigjmp_buf env, int value) __attribute__((noreturn));
#define sigsetjmp(env, with_mask) (sigsetjmp_mask(env, with_mask), setjmp((env)->place))

#ifndef _setjmp
#define _setjmp(env)         setjmp(env)
#define _longjmp(env, value) longjmp(env, value)
#endif

#ifdef __cplusplus
}
#endif

#endif
