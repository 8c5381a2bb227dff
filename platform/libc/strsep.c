/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strsep.c - strsep() of the BSDs and Linux: cuts *text at the first byte of it that is in `ends`,
 * and returns what is in front, which may be empty. *text is what follows then, NULL if no such
 * byte was there. NULL if *text is NULL. newlib's finds nothing in an empty text.
 */
#include <string.h>

char *strsep(char **text, const char *ends)
{
    char *part = *text;

    if (!part)
        return NULL;
    char *end = part + strcspn(part, ends);
    *text = *end ? end + 1 : NULL;
    *end = '\0';
    return part;
}
