/* SPDX-License-Identifier: BSD-2-Clause */
/* posix - what a system of one user and one process answers, each call at least once. */
#include "../checks.h"
#include "posix.h"

bool holds(bool it, const char *name)
{
    return check(it, "%s", name);
}

int main(void)
{
    check_names();
    check_process();
    check_paths();
    check_pages();
    check_pipes();
    check_signals();
    check_text();
    check_terminal();
    return checks_end();
}
