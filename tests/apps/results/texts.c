/* SPDX-License-Identifier: BSD-2-Clause */
/* texts.c - <ctype.h>, <string.h>, sorting, division (C11, 7.4, 7.22, 7.24; POSIX.1-2017; glibc).
 */
#include "results.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>
#include <wctype.h>

static void characters(void)
{
    block("ctype");
    for (int c = -1; c < 256; c++) {
        result("ctype %i = %i%i%i%i%i%i%i%i%i%i%i%i", c, !!isalnum(c), !!isalpha(c), !!isblank(c),
               !!iscntrl(c), !!isdigit(c), !!isgraph(c), !!islower(c), !!isprint(c), !!ispunct(c),
               !!isspace(c), !!isupper(c), !!isxdigit(c));
        result("case %i = %i %i", c, tolower(c), toupper(c));
        if (c >= 0 && c < 128) {
            result("wctype %i = %i%i%i%i%i%i", c, !!iswalpha((wint_t)c), !!iswdigit((wint_t)c),
                   !!iswpunct((wint_t)c), !!iswspace((wint_t)c), !!iswupper((wint_t)c),
                   !!iswprint((wint_t)c));
            result("wide case %i = %i %i", c, (int)towlower((wint_t)c), (int)towupper((wint_t)c));
        }
    }
}

static int sign_of(int v)
{
    return (v > 0) - (v < 0);
}

static int at(const char *s, const void *p)
{
    return p ? (int)((const char *)p - s) : -1;
}

static const char *const words[] = {
    "",     "a",     "b",    "A",    "ab",    "abc",    "aab",         "abcabc",
    "a9",   "a10",   "a010", "a1.2", "x y",   "/a/b/c", "hello world", "aaaaaaaaab",
    "\xff", "\x80z", "Abc",  "abd",  "  pad", "1.002",  "1.01",
};

static void pairs(const char *a, const char *b)
{
    char text[64];

    result("strcmp %s %s = %i %i %i", a, b, sign_of(strcmp(a, b)), sign_of(strncmp(a, b, 2)),
           sign_of(strcoll(a, b)));
    result("strcasecmp %s %s = %i %i", a, b, sign_of(strcasecmp(a, b)),
           sign_of(strncasecmp(a, b, 2)));
    result("strverscmp %s %s = %i", a, b, sign_of(strverscmp(a, b)));
    result("strstr %s %s = %i %i", a, b, at(a, strstr(a, b)), at(a, strcasestr(a, b)));
    result("spans %s %s = %i %i %i", a, b, (int)strspn(a, b), (int)strcspn(a, b),
           at(a, strpbrk(a, b)));
    result("memmem %s %s = %i", a, b, at(a, memmem(a, strlen(a), b, strlen(b))));
    for (size_t n = 0; n < 5; n++) {
        memset(text, 'z', sizeof(text));
        strncpy(text, b, n);
        result("strncpy %s %i = %b", b, (int)n, text, (size_t)6);
        strcpy(text, a);
        strncat(text, b, n);
        result("strncat %s %s %i = %s", a, b, (int)n, text);
    }
    strcpy(text, a);
    result("stpcpy %s %s = %i %s", a, b, at(text, stpcpy(text + strlen(a), b)), text);
    char *token;
    strcpy(text, a);
    char *state = NULL;
    token = strtok_r(text, b, &state);
    for (int i = 0; token; i++, token = strtok_r(NULL, b, &state))
        result("strtok_r %s %s %i = %s", a, b, i, token);
    char *rest = strcpy(text, a);
    for (int i = 0; (token = strsep(&rest, b)) != NULL; i++)
        result("strsep %s %s %i = %s %i", a, b, i, token, rest != NULL);
}

static void single(const char *s)
{
    char text[64];

    for (int c = 'a'; c < 'd'; c++)
        result("strchr %s %i = %i %i %i", s, c, at(s, strchr(s, c)), at(s, strrchr(s, c)),
               at(s, strchrnul(s, c)));
    result("strchr %s 0 = %i %i", s, at(s, strchr(s, 0)), at(s, strrchr(s, 0)));
    result("strnlen %s = %i %i", s, (int)strnlen(s, 3), (int)strlen(s));
    result("memchr %s = %i %i", s, at(s, memchr(s, 'b', strlen(s))),
           at(s, memrchr(s, 'b', strlen(s))));
    result("strxfrm %s = %i", s, (int)strxfrm(text, s, sizeof(text)));
    char *copy = strndup(s, 2);
    result("strndup %s = %s", s, copy);
    free(copy);
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int compare_down(const void *a, const void *b, void *calls)
{
    ++*(int *)calls;
    return compare(b, a);
}

static void sorting(void)
{
    int numbers[64], calls = 0;

    block("sorting");
    for (int n = 0; n < 64; n++) {
        for (int i = 0; i < n; i++)
            numbers[i] = (int)(any_u64() % 50);
        qsort(numbers, (size_t)n, sizeof(int), compare);
        for (int i = 0; i < n; i++)
            result("qsort %i %i = %i", n, i, numbers[i]);
        int key = 25, *found = bsearch(&key, numbers, (size_t)n, sizeof(int), compare);
        result("bsearch %i = %i", n, found ? *found : -1);
        qsort_r(numbers, (size_t)n, sizeof(int), compare_down, &calls);
        for (int i = 0; i < n; i++)
            result("qsort_r %i %i = %i", n, i, numbers[i]);
    }
}

static void numbers(void)
{
    static const int values[] = {0, 1, -1, 7, -7, 100, -100, 2147483647, -2147483647};

    block("stdlib");
    for (size_t i = 0; i < COUNT(values); i++) {
        result("abs %i = %i %l", values[i], abs(values[i]), llabs(values[i] * 3LL));
        result("ffs %i = %i %i", values[i], ffs(values[i]), ffsll(values[i] * 65536LL));
        for (size_t k = 1; k < COUNT(values); k++) {
            div_t d = div(values[i], values[k]);
            lldiv_t ll = lldiv(values[i] * 5LL, values[k]);
            result("div %i %i = %i %i %l %l", values[i], values[k], d.quot, d.rem, ll.quot, ll.rem);
        }
    }
    setenv("NAME", "one", 1);
    setenv("NAME", "two", 0);
    result("getenv = %s %s", getenv("NAME"), getenv("NONE"));
    result("setenv with = is = %i", setenv("A=B", "x", 1));
}

static void environment(void)
{
    static const char *const names[] = {"NAME", "NONE", "", "A=B"};
    char put[] = "PUT=1";

    block("environment");
    setenv("NAME", "one", 1);
    setenv("NAME2", "long", 1);
    for (size_t i = 0; i < COUNT(names); i++) {
        errno = 0;
        int n = unsetenv(names[i]);
        result("unsetenv %s = %i %e", names[i], n, errno);
        errno = 0;
        n = setenv(names[i], "x", 0);
        result("setenv %s = %i %e %s", names[i], n, errno, getenv(names[i]));
    }
    putenv(put);
    put[4] = '2';
    result("putenv = %s %s", getenv("PUT"), getenv("NAME2"));
    unsetenv("PUT");
    result("unsetenv PUT = %s", getenv("PUT"));
    setenv("EMPTY", "", 1);
    result("empty = %s", getenv("EMPTY"));
    const char *before = getenv("NAME");
    setenv("NAME", "much longer than it was", 1);
    result("longer = %s, was %s", getenv("NAME"), before);
    setenv("NAME", "y", 1);
    result("shorter = %s, was %s", getenv("NAME"), before);
    for (int i = 0; i < 100; i++) {
        char name[] = {'N', (char)('0' + i / 10), (char)('0' + i % 10), 0};
        setenv(name, name + 1, 1);
    }
    result("many = %s %s %s", getenv("N00"), getenv("N57"), getenv("N99"));
}

/* The row of numbers that POSIX prescribes; rand() and random() are each library's own. */
static void row_of_48_bits(void)
{
    unsigned short state[3] = {1, 2, 0xfff0}, parameters[7] = {9, 8, 7, 3, 2, 1, 11};

    block("rand48");
    srand48(12345);
    for (int i = 0; i < 100; i++) {
        result("mrand48 %i = %l", i, (long long)mrand48());
        result("lrand48 %i = %l", i, (long long)lrand48());
        result("drand48 %i = %d", i, drand48());
        result("jrand48 %i = %l", i, (long long)jrand48(state));
        result("nrand48 %i = %l", i, (long long)nrand48(state));
        result("erand48 %i = %d", i, erand48(state));
    }
    seed48(state);
    result("seed48 = %l", (long long)mrand48());
    lcong48(parameters);
    for (int i = 0; i < 20; i++)
        result("lcong48 %i = %l", i, (long long)mrand48());
}

static void wide_texts(void)
{
    wchar_t buffer[32], *state;
    char narrow[32];

    block("wide");
    for (size_t i = 0; i < COUNT(words); i++) {
        int n = (int)mbstowcs(buffer, words[i], 32);
        if ((unsigned char)words[i][0] >
            127) /* no character in the C locale of POSIX; one of glibc */
            continue;
        result("mbstowcs %s = %i %i", words[i], n, (int)wcslen(buffer));
        result("wcstombs %s = %i %s", words[i], (int)wcstombs(narrow, buffer, 32), narrow);
        result("wcschr %s = %i %i", words[i], wcschr(buffer, L'b') != NULL,
               wcsrchr(buffer, L'a') != NULL);
        result("wcscmp %s = %i %i", words[i], sign_of(wcscmp(buffer, L"abc")),
               sign_of(wcsncmp(buffer, L"abc", 2)));
        result("wcsspn %s = %i %i", words[i], (int)wcsspn(buffer, L"ab"),
               (int)wcscspn(buffer, L" c"));
        int k = 0;
        for (wchar_t *t = wcstok(buffer, L" /", &state); t; t = wcstok(NULL, L" /", &state))
            k += 1 + (int)wcslen(t) * 10;
        result("wcstok %s = %i", words[i], k);
    }
}

void text_results(void)
{
    characters();
    block("string-pairs");
    for (size_t i = 0; i < COUNT(words); i++)
        for (size_t k = 0; k < COUNT(words); k++)
            pairs(words[i], words[k]);
    block("string-single");
    for (size_t i = 0; i < COUNT(words); i++)
        single(words[i]);
    sorting();
    numbers();
    environment();
    row_of_48_bits();
    wide_texts();
}
