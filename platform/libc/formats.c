/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * formats.c - the end of a run in which printf or scanf meets a directive that is not linked. An
 * image has the light functions unless a literal in its objects, or app.mk, asks for all formats
 * (scripts/image.mk); so the format was put together at run time.
 */
#include "vireo/task.h"

void vireo_format_refused(const char *format) __attribute__((noreturn));
void vireo_format_refused(const char *format)
{
    hal_panic("printf or scanf cannot do \"%s\" (a long double, %%1$d, %%ls); set FORMATS := full "
              "in app.mk",
              format ? format : "(wide)");
}
