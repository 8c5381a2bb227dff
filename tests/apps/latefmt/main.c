/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * latefmt - formats that are put together at run time, so that no literal tells which directives
 * are needed. The boot argument format= chooses one; without it all are tried.
 */
#include <float.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "../checks.h"
#include "vireo/image.h"

/* '@' stands for '%'. */
struct late {
    const char *name, *format, *right;
    bool (*run)(const struct late *l, const char *format);
};

static bool prints(const struct late *l, const char *text)
{
    return check(!strcmp(text, l->right), "%s: %s", l->name, text);
}

static bool positions(const struct late *l, const char *format)
{
    char text[40];

    snprintf(text, sizeof(text), format, 1, "two");
    return prints(l, text);
}

static bool long_double(const struct late *l, const char *format)
{
    char text[40];

    snprintf(text, sizeof(text), format, 2.5L);
    return prints(l, text);
}

static bool wide_text(const struct late *l, const char *format)
{
    char text[40];

    snprintf(text, sizeof(text), format, L"wide");
    return prints(l, text);
}

static bool wide_letter(const struct late *l, const char *format)
{
    char text[40];

    snprintf(text, sizeof(text), format, (wint_t)L'w');
    return prints(l, text);
}

static bool scan_positions(const struct late *l, const char *format)
{
    char text[40] = "";
    int a = 0, b = 0;

    if (sscanf("8 9", format, &a, &b) == 2)
        snprintf(text, sizeof(text), "%d %d", a, b);
    return prints(l, text);
}

static bool scan_long_double(const struct late *l, const char *format)
{
    char text[40] = "";
    long double a = 0;

    if (sscanf("2.5", format, &a) == 1)
        snprintf(text, sizeof(text), "%g", (double)a);
    return prints(l, text);
}

static bool in_wide_format(const struct late *l, const char *format)
{
    wchar_t wide[40], out[40];
    char text[40];

    for (size_t i = 0; i <= strlen(format); i++)
        wide[i] = (wchar_t)format[i];
    swprintf(out, 40, wide, 1, "two");
    for (size_t i = 0; i == 0 || out[i - 1]; i++)
        text[i] = (char)out[i];
    return prints(l, text);
}

static const struct late lates[] = {
    {"positions", "@2$s @1$d", "two 1", positions},
    {"long-double", "@Lg", "2.5", long_double},
    {"wide-text", "@ls", "wide", wide_text},
    {"wide-letter", "@lc", "w", wide_letter},
    {"scan-positions", "@2$d @1$d", "9 8", scan_positions},
    {"scan-long-double", "@Lf", "2.5", scan_long_double},
    {"in-wide-format", "@2$s @1$d", "two 1", in_wide_format},
};

int main(void)
{
    const char *chosen = hal_bootarg("format");
    char format[40];

    for (size_t i = 0; i < sizeof(lates) / sizeof(lates[0]); i++) {
        if (chosen && strcmp(chosen, lates[i].name))
            continue;
        strcpy(format, lates[i].format);
        for (char *p = format; (p = strchr(p, '@')) != NULL;)
            *p = '%';
        lates[i].run(&lates[i], format);
    }
    return checks_end();
}
