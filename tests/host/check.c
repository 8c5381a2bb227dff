/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.c - runs test cases, each in a process of its own (check.h).
 */
#define _GNU_SOURCE
#include "check.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

/* How long a case may take; the environment may say otherwise. */
static unsigned case_seconds(void)
{
    const char *env = getenv("VIREO_CASE_SECONDS");

    return env ? (unsigned)atoi(env) : 60;
}

unsigned case_variant;
const char *case_name;

static int why_fd; /* the child's pipe to the parent: why it failed */

void check_fail(const char *file, int line, const char *fmt, ...)
{
    const char *base = strrchr(file, '/');
    char text[400];
    va_list ap;
    int n = snprintf(text, sizeof(text), "%s:%d: ", base ? base + 1 : file, line);

    va_start(ap, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    if (write(why_fd, text, strlen(text)) < 0)
        perror("check");
    _exit(1);
}

void expect_violations(unsigned n)
{
    CHECK_EQ(host_violations(), n);
    host_violations_clear();
}

static uint64_t seed = 0x9e3779b97f4a7c15ull;

void random_seed(uint64_t v)
{
    seed = v;
}

uint32_t random32(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    uint32_t x = (uint32_t)(seed >> 33);
    return x ^ (uint32_t)(seed >> 13);
}

uint32_t random_below(uint32_t n)
{
    return (uint32_t)((uint64_t)random32() * n >> 32);
}

static void run_child(const struct test_case *t)
{
    alarm(case_seconds());
    case_variant = t->variant;
    case_name = t->name;
    t->fn();
    if (host_violations() > 0)
        check_fail("model", 0, "%u rules broken, first: %s", host_violations(),
                   host_first_violation());
    exit(0);
}

static void explain(int status, char *why, size_t len)
{
    if (why[0])
        return;
    if (WIFSIGNALED(status))
        snprintf(why, len, WTERMSIG(status) == SIGALRM ? "still running after %d s" : "signal %d",
                 WTERMSIG(status) == SIGALRM ? (int)case_seconds() : WTERMSIG(status));
    else
        snprintf(why, len, "exit status %d (see stderr)", WEXITSTATUS(status));
}

static bool run_case(const struct test_case *t)
{
    char why[400] = "";
    int fds[2], status = 0;

    fflush(stdout);
    if (pipe(fds) != 0) {
        perror("pipe");
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        why_fd = fds[1];
        run_child(t);
    }
    close(fds[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(fds[0], why + len, sizeof(why) - 1 - len)) > 0;)
        len += (size_t)n;
    why[len] = '\0';
    close(fds[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("fork");
        return false;
    }
    if (status == 0) {
        printf("ok %s\n", t->name);
        return true;
    }
    explain(status, why, sizeof(why));
    printf("FAIL %s: %s\n", t->name, why);
    return false;
}

/* ---- cases and their variants ---------------------------------------------------------------- */

static const struct test_variant none[] = {{"", 0}, {NULL, 0}};

static const struct test_variant *variants_of(const struct test_case *t)
{
    return t->variants ? t->variants : none;
}

/* The case as it is listed and run in this variant; its name lies in `name`. */
static struct test_case in_variant(const struct test_case *t, const struct test_variant *v,
                                   char *name, size_t len)
{
    struct test_case one = *t;

    snprintf(name, len, t->variants ? "%s[%s]" : "%s", t->name, v->name);
    one.name = name;
    one.variant = t->variants ? v->value : t->variant;
    return one;
}

static void list_case(const struct test_case *t)
{
    printf("%s: %s\n", t->name, t->shows ? t->shows : "");
}

int run_cases(const struct test_case *cases, unsigned n, int argc, char **argv)
{
    unsigned passed = 0, failed = 0;
    const char *env = getenv("VIREO_SEED");
    bool list = argc > 1 && !strcmp(argv[1], "--list");
    char name[120];

    if (env)
        seed = strtoull(env, NULL, 0);
    for (unsigned i = 0; i < n; i++) {
        for (const struct test_variant *v = variants_of(&cases[i]); v->name; v++) {
            struct test_case one = in_variant(&cases[i], v, name, sizeof(name));

            if (list)
                list_case(&one);
            else if (argc > 1 && !strstr(name, argv[1]))
                continue;
            else if (run_case(&one))
                passed++;
            else
                failed++;
        }
    }
    if (list)
        return 0;
    printf("%u passed, %u failed\n", passed, failed);
    return failed || !passed;
}
