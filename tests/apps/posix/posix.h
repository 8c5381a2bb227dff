/* SPDX-License-Identifier: BSD-2-Clause */
/* posix.h - the groups of checks of this appliance, one source file for each. */
#ifndef TESTS_POSIX_H
#define TESTS_POSIX_H

#include <errno.h>
#include <stdbool.h>

void check_names(void);
void check_paths(void);
void check_process(void);
void check_pages(void);
void check_pipes(void);
void check_signals(void);
void check_terminal(void);
void check_text(void);

/* A check that is named by its own text. */
bool holds(bool it, const char *name);

#define is(expression) holds(expression, #expression)
/* The call gives -1 and this error. */
#define fails(call, error)                                                                         \
    (errno = 0, holds((long)(call) == -1 && errno == (error), #call ": " #error))

#endif
