/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * args.c - argv of main(): the words behind " -- " in the boot arguments. Linked where main() takes
 * arguments (scripts/image.mk).
 *
 * Words are separated by blanks, tabs and newlines. As in a shell, double and single quotes make
 * one word of what is between them, "" is a word without letters, and a backslash takes what a
 * character means; between double quotes only that of a quote and of another backslash, between
 * single quotes none. Nothing is expanded.
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "hal.h"
#include "runtime.h"

extern const char args_image[] __attribute__((weak)); /* the image's name; of image.mk */

static bool args_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/*
 * Copies the next word of *in to *out, and its end, and moves both behind it. False: there is no
 * more, or (*open) the last quote is not closed; then the rest is the word.
 */
static bool args_word(const char **in, char **out, bool *open)
{
    const char *s = *in;
    char *o = *out, quote = '\0';

    while (args_is_blank(*s))
        s++;
    if (!*s)
        return false;
    for (; *s && (quote || !args_is_blank(*s)); s++) {
        if (*s == quote)
            quote = '\0';
        else if (!quote && (*s == '"' || *s == '\''))
            quote = *s;
        else if (*s == '\\' && s[1] && (!quote || (quote == '"' && (s[1] == '"' || s[1] == '\\'))))
            *o++ = *++s;
        else
            *o++ = *s;
    }
    *o++ = '\0';
    *open = quote != '\0';
    *in = s;
    *out = o;
    return true;
}

char **args_begin(int *argc)
{
    static char name[32] = "vireo";
    static char *none[] = {name, NULL};
    const char *rest = option_rest();
    bool open = false;

    if (args_image)
        strncpy(name, args_image, sizeof(name) - 1);
    *argc = 1;
    if (!rest)
        return none;
    /* A word takes a byte of the text and one behind it at least. */
    size_t length = strlen(rest), most = length / 2 + 1;
    char **argv = malloc((most + 2) * sizeof(*argv) + length + 1);
    if (!argv) {
        hal_log(HAL_ERROR, "vireo", "no memory for what follows -- in the boot arguments");
        return none;
    }
    char *out = (char *)(argv + most + 2);
    argv[0] = name;
    for (argv[1] = out; args_word(&rest, &out, &open); argv[*argc] = out)
        ++*argc;
    argv[*argc] = NULL;
    if (open)
        hal_log(HAL_WARN, "vireo", "boot arguments: a quote behind -- is not closed");
    return argv;
}
