/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getline.c - lines of any length (POSIX.1-2017, getdelim). The text is in memory of malloc(),
 * which *line and *size describe before and after, and which belongs to the caller, after an error,
 * too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define GETLINE_FIRST 120

ssize_t getdelim(char **restrict line, size_t *restrict size, int end, FILE *restrict f)
{
    size_t n = 0;
    int c = 0;

    if (!line || !size) {
        errno = EINVAL;
        return -1;
    }
    if (!*line)
        *size = 0;
    do {
        if (n + 2 > *size) {
            size_t larger = *size ? *size * 2 : GETLINE_FIRST;
            char *grown = realloc(*line, larger);
            if (!grown)
                return -1;
            *line = grown;
            *size = larger;
        }
        c = getc(f);
        if (c == EOF)
            break;
        (*line)[n++] = (char)c;
    } while (c != end);
    (*line)[n] = '\0';
    return n && !ferror(f) ? (ssize_t)n : -1;
}

ssize_t getline(char **restrict line, size_t *restrict size, FILE *restrict f)
{
    return getdelim(line, size, '\n', f);
}
