/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * environ.c - changes of the environment (POSIX.1-2017: setenv, putenv, unsetenv). newlib's
 * putenv() takes a copy, where the caller's own text is to be the variable, and its setenv() a name
 * without letters.
 *
 * A text that getenv() returned stays as it is, as on Linux: a program may set TZ, and set it back
 * to what it was. So texts are never freed; one that is set again is found again.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

struct environ_text {
    struct environ_text *next;
    char text[]; /* NAME=VALUE */
};

static struct environ_text *environ_texts;
static char **environ_array; /* what `environ` points to, once a variable was added */

static size_t environ_count(void)
{
    size_t n = 0;

    while (environ && environ[n])
        n++;
    return n;
}

/* The variable whose name is the first `length` bytes of `name`; NULL: there is none. */
static char **environ_find(const char *name, size_t length)
{
    for (char **p = environ; p && *p; p++)
        if (!strncmp(*p, name, length) && (*p)[length] == '=')
            return p;
    return NULL;
}

static bool environ_is_name(const char *name)
{
    if (name && *name && !strchr(name, '='))
        return true;
    errno = EINVAL;
    return false;
}

/* Makes `text` the variable of its name, which has `length` bytes. -1: no memory. */
static int environ_put(char *text, size_t length)
{
    char **old = environ_find(text, length);

    if (old) {
        *old = text;
        return 0;
    }
    size_t n = environ_count();
    bool ours = environ && environ == environ_array;
    char **array = realloc(ours ? environ_array : NULL, (n + 2) * sizeof(*array));
    if (!array)
        return -1;
    if (!ours && n)
        memcpy(array, environ, n * sizeof(*array));
    array[n] = text;
    array[n + 1] = NULL;
    environ = environ_array = array;
    return 0;
}

/* "NAME=VALUE" in memory that stays. NULL: there is none. */
static char *environ_text(const char *name, size_t length, const char *value)
{
    size_t size = strlen(value) + 1;

    for (struct environ_text *t = environ_texts; t; t = t->next)
        if (!strncmp(t->text, name, length) && t->text[length] == '=' &&
            !strcmp(t->text + length + 1, value))
            return t->text;
    struct environ_text *t = malloc(sizeof(*t) + length + 1 + size);
    if (!t)
        return NULL;
    memcpy(t->text, name, length);
    t->text[length] = '=';
    memcpy(t->text + length + 1, value, size);
    t->next = environ_texts;
    environ_texts = t;
    return t->text;
}

int setenv(const char *name, const char *value, int replace)
{
    if (!environ_is_name(name))
        return -1;
    size_t length = strlen(name);
    if (!replace && environ_find(name, length))
        return 0;
    char *text = environ_text(name, length, value);
    return text ? environ_put(text, length) : -1;
}

int unsetenv(const char *name)
{
    if (!environ_is_name(name))
        return -1;
    for (char **p; (p = environ_find(name, strlen(name))) != NULL;)
        do
            p[0] = p[1];
        while (*p++);
    return 0;
}

/* `text` itself becomes the variable, so it must last. Without a "=" it is a name to be removed. */
int putenv(char *text)
{
    char *end = strchr(text, '=');

    return end ? environ_put(text, (size_t)(end - text)) : unsetenv(text);
}

/* No variables. */
int clearenv(void)
{
    environ = NULL;
    return 0;
}
