/* SPDX-License-Identifier: BSD-2-Clause */
/* streams.c - streams in memory, lines, options, jumps, locale (C11, 7.5, 7.11, 7.13, 7.21;
 * POSIX.1).
 */
#include "results.h"

#include <endian.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void lines(void)
{
    static char text[700] = "first\n\nthird line:with:colons\nlast without end";
    char *line = NULL;
    size_t size = 0;

    block("lines");
    memset(text + strlen(text), 'x', 300);
    FILE *f = fmemopen(text, strlen(text), "r");
    for (ssize_t n; (n = getline(&line, &size, f)) >= 0;)
        result("getline = %s %i %i", line, (int)n, size > (size_t)n);
    result("end = %i %i", feof(f) != 0, ferror(f) != 0);
    rewind(f);
    for (ssize_t n; (n = getdelim(&line, &size, ':', f)) >= 0;)
        result("getdelim = %s %i", line, (int)n);
    errno = 0;
    ssize_t none = getline(NULL, &size, f);
    result("getline of nothing = %i %e", (int)none, errno);
    fclose(f);
    free(line);
}

static void in_memory(void)
{
    char *text = NULL, buffer[16] = "abcdefghij";
    size_t size = 99;

    block("streams");
    FILE *f = open_memstream(&text, &size);
    for (int i = 0; i < 200; i++)
        fprintf(f, "%d,", i);
    fflush(f);
    result("open_memstream = %s %i", text, (int)size);
    fseek(f, 3, SEEK_SET);
    fputs("XYZ", f);
    fflush(f);
    result("open_memstream after fseek = %i %b", (int)size, text, (size_t)6);
    fclose(f);
    free(text);

    f = fmemopen(buffer, 10, "r+");
    result("ftell = %i", (int)ftell(f));
    result("getc = %i", getc(f));
    ungetc('Z', f);
    int first = getc(f), second = getc(f);
    result("ungetc = %i %i", first, second);
    result("fseek = %i", fseek(f, -3, SEEK_END));
    result("ftell at 7 = %i", (int)ftell(f));
    result("getc at 7 = %i", getc(f));
    result("fseek beyond = %i", fseek(f, 11, SEEK_SET));
    result("fseek before = %i", fseek(f, -1, SEEK_SET));
    rewind(f);
    result("fputs = %i", fputs("12", f) >= 0);
    fflush(f);
    result("buffer = %b", buffer, (size_t)12);
    fclose(f);
}

static void formatted(void)
{
    char *text = NULL;

    block("asprintf");
    for (int i = 0; i < 300; i += 37) {
        int n = asprintf(&text, "%*d|%s", i, i, "end");
        result("asprintf %i = %s %i", i, text, n);
        free(text);
    }
}

static const struct option longs[] = {
    {"help", no_argument, NULL, 'h'},
    {"file", required_argument, NULL, 'f'},
    {"level", optional_argument, NULL, 'l'},
    {"fill", no_argument, NULL, 'i'},
    {0},
};

/* `letters` begins with 'o' for getopt_long_only(), 's' for getopt(), and 'l' for getopt_long(). */
static void options(const char *letters)
{
    static const char *const words[] = {
        "program",  "-h",    "rest",   "--file", "name",  "--file=x", "more", "--lev", "--level=5",
        "-l7",      "--fi",  "-l",     "--none", "-qhz",  "-fvalue",  "-f",   "two",   "-",
        "--help=7", "-hf=y", "-level", "-fill",  "-hell", "end",      "--",   "-h",    "--file"};
    char *argv[COUNT(words) + 1] = {0};
    int count = (int)COUNT(words), c;

    for (int start = 0; start < count - 1; start++) {
        int argc = count - start;
        for (int i = 0; i < argc; i++)
            argv[i] = (char *)words[start + i];
        argv[argc] = NULL;
        if (start % 3 == 1) /* no "--" and its like at the end */
            argv[argc -= 3] = NULL;
        if (start % 3 == 2)
            argv[argc -= argc > 12 ? 11 : 0] = NULL;
        optind = 0;
        opterr = 0;
        for (int i = 0;; i++) {
            int index = -1;
            c = *letters == 's'   ? getopt(argc, argv, letters + 1)
                : *letters == 'o' ? getopt_long_only(argc, argv, letters + 1, longs, &index)
                                  : getopt_long(argc, argv, letters + 1, longs, &index);
            result("getopt %s %i %i = %i %s %i %i", letters, start, i, c, optarg,
                   c == '?' || c == ':' ? optopt : 0, index);
            if (c < 0)
                break;
        }
        for (int i = optind; i <= argc; i++)
            result("getopt %s %i rest %i = %s", letters, start, i, argv[i]);
    }
}

static jmp_buf back;

static void jump(int value)
{
    longjmp(back, value);
}

static void others(void)
{
    volatile int passes = 0;

    block("jumps");
    int value = setjmp(back);
    result("setjmp %i = %i", passes, value);
    if (passes < 3)
        jump(passes++);
    block("locale");
    result("setlocale = %s %s", setlocale(LC_ALL, NULL), setlocale(LC_ALL, "C"));
    result("setlocale of none = %s", setlocale(LC_ALL, "xx_YY.none"));
    struct lconv *l = localeconv();
    result("localeconv = %s %s %s %s", l->decimal_point, l->thousands_sep, l->grouping,
           l->currency_symbol);
    result("localeconv numbers = %i %i", l->frac_digits >= 127, l->p_sep_by_space >= 127);
    block("strsignal");
    static const int signals[] = {SIGINT,  SIGTERM,   SIGSEGV,    SIGABRT,        SIGFPE,  SIGILL,
                                  SIGHUP,  SIGPIPE,   SIGALRM,    SIGUSR1,        SIGKILL, SIGBUS,
                                  SIGQUIT, SIGTRAP,   SIGSYS,     SIGURG,         SIGSTOP, SIGTSTP,
                                  SIGCONT, SIGCHLD,   SIGTTIN,    SIGTTOU,        SIGIO,   SIGXCPU,
                                  SIGXFSZ, SIGVTALRM, SIGPROF,    SIGWINCH,       SIGUSR2, 0,
                                  12345,   -7,        2147483647, -2147483647 - 1};
    for (size_t i = 0; i < COUNT(signals); i++)
        result("strsignal %i = %s", (int)i, strsignal(signals[i]));
    block("endian");
    result("endian = %x %x %x %x", (unsigned long long)htobe16(0x1234),
           (unsigned long long)be32toh(0x12345678u),
           (unsigned long long)htobe64(0x123456789abcdefull),
           (unsigned long long)le32toh(0x12345678u));
    setenv("NAME", "x", 1);
    clearenv();
    result("clearenv = %s", getenv("NAME"));
    setenv("NAME", "y", 1);
    result("setenv after clearenv = %s", getenv("NAME"));
}

void stream_results(void)
{
    lines();
    in_memory();
    formatted();
    block("getopt");
    static const char *const letters[] = {"shf:l::i",  "lhf:l::i", "ohf:l::i", "s+hf:l::i",
                                          "l-hf:l::i", "l:hf:l:",  "s:hf:l",   "l"};
    for (size_t i = 0; i < COUNT(letters); i++)
        options(letters[i]);
    others();
}
