/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * environ_begin.c - the environment as main() finds it: of the boot arguments env.NAME=VALUE.
 * Linked where something looks at the environment, since it defines `environ` in place of newlib's
 * file.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"
#include "vireo/task.h"

static char *environ_none[] = {NULL};
char **environ = environ_none;

/* Of several of one name the last counts. */
static void environ_begin(void)
{
    unsigned n = 0, count = 0;
    char **array;
    char *text;

    while (option_variable(n))
        n++;
    if (!n)
        return;
    array = calloc(n + 1, sizeof(*array));
    if (!array) {
        hal_log(HAL_ERROR, "vireo", "no memory for env. in the boot arguments");
        return;
    }
    for (unsigned i = 0; (text = option_variable(i)) != NULL; i++) {
        size_t length = strcspn(text, "=") + 1;
        unsigned at = 0;

        while (at < count && strncmp(array[at], text, length) != 0)
            at++;
        array[at] = text;
        count += at == count;
    }
    environ = array;
}
HAL_INIT(HAL_INIT_BUS, environ_begin);
