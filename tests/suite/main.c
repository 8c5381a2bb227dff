/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - runs all scenarios with the driver that is linked, each in a process of its own, and
 * prints two tables: rows of the standard, and lies of devices that the driver survived.
 *
 *     suite-NAME            everything; the status is 1 if a row is broken or a scenario failed
 *     suite-NAME TEXT       the scenarios whose names contain TEXT
 *     suite-NAME --list     their names
 *     suite-NAME --rows     the rows that the suite judges
 *     suite-NAME --broken   everything; prints only what is broken or failed
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge.h"
#include "scenario.h"

#define SECONDS 120 /* for a scenario, on a busy machine */

/* Leaks are no finding; a scenario ends by _exit. The name is the sanitizer's. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=0";
}

static struct {
    const char *filter;
    bool only_broken;
    unsigned honest, honest_failed, lies, survived, failed, impossible;
} run;

/* ---- in the process of a scenario ------------------------------------------------------------ */

static void play_honest(const struct scenario *s)
{
    s->run();
    watch_settle();
    order_end();
    if (host_violations() > 0)
        world_fail("the machine around the driver: %s", host_first_violation());
}

static void play_lie(const struct scenario *s)
{
    judge_listen(false);
    host_judge(false);
    world.honest = false;
    if (s->script && !s->early) {
        scenario_start();
        scenario_traffic(2);
        world.started = true;
    }
    if (s->script)
        script_begin(world.m, s->script, s->entries ? s->entries : 1);
    if (s->run)
        s->run();
    else
        lies_run();
}

static void play(const struct scenario *s, enum suite_device kind, enum suite_transport t)
{
    alarm(SECONDS);
    world_make(kind, t);
    if (s->make)
        s->make();
    else
        scenario_usual();
    for (unsigned bit = 0; bit < 64; bit++)
        if (s->more >> bit & 1)
            world_offer(bit);
    if (s->queue)
        world_queues(s->queue);
    world.quiet |= s->quiet;
    world_plug();
    if (s->class)
        play_lie(s);
    else
        play_honest(s);
    fflush(stdout);
    _exit(0);
}

/* ---- outside --------------------------------------------------------------------------------- */

/* The sanitizer's first line tells what it found. */
static void read_report(FILE *errors, char *why, size_t len)
{
    char line[500], *at;

    rewind(errors);
    while (!why[0] && fgets(line, sizeof(line), errors)) {
        if ((at = strstr(line, "Sanitizer: ")) != NULL)
            snprintf(why, len, "%.*s", (int)strcspn(at + 11, " \n("), at + 11);
        else if ((at = strstr(line, "runtime error: ")) != NULL)
            snprintf(why, len, "%.*s", (int)strcspn(at, "\n"), at);
    }
}

static void explain(int status, FILE *out, FILE *errors, char *why, size_t len)
{
    why[0] = '\0';
    rewind(out);
    char line[300];
    while (fgets(line, sizeof(line), out))
        if (!strncmp(line, "failed: ", 8))
            snprintf(why, len, "%.*s", (int)strcspn(line + 8, "\n"), line + 8);
    if (status != 0 && !why[0])
        read_report(errors, why, len);
    if (status != 0 && !why[0] && WIFSIGNALED(status))
        snprintf(why, len, WTERMSIG(status) == SIGALRM ? "still running after %d s" : "signal %d",
                 WTERMSIG(status) == SIGALRM ? SECONDS : WTERMSIG(status));
    if (status != 0 && !why[0])
        snprintf(why, len, "the process ended with status %d", WEXITSTATUS(status));
}

/* false: the driver failed, and `why` tells how. */
static bool run_process(const struct scenario *s, enum suite_device kind, enum suite_transport t,
                        char *why, size_t len)
{
    FILE *out = tmpfile(), *errors = tmpfile();
    int status = 0;

    if (!out || !errors) {
        perror("suite: a file for the output");
        exit(2);
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fileno(out), 1);
        dup2(fileno(errors), 2);
        play(s, kind, t);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("suite: a process");
        exit(2);
    }
    explain(status, out, errors, why, len);
    fclose(out);
    fclose(errors);
    return status == 0;
}

static bool is_possible(const struct scenario *s)
{
    return (!s->needs_irq || suite_driver.interrupts) && (!s->needs_watch || suite_driver.watched);
}

static void run_one(const struct scenario *s, enum suite_device kind, enum suite_transport t)
{
    char name[80], why[300];

    snprintf(name, sizeof(name), "%s %s%s", s->name, kind == SUITE_BLK ? "blk" : "net",
             t == SUITE_MMIO ? "" : " legacy");
    if (run.filter && !strstr(name, run.filter))
        return;
    if (!is_possible(s)) {
        run.impossible++;
        return;
    }
    judge_scenario(name);
    bool good = run_process(s, kind, t, why, sizeof(why));
    run.honest += !s->class;
    run.honest_failed += !s->class && !good;
    run.lies += s->class != 0;
    run.survived += s->class && good;
    run.failed += !good;
    if (good && run.only_broken)
        return;
    if (s->class)
        printf("class %2u  %-32s %-9s %s%s%s\n", s->class, name, good ? "survived" : "FAILED",
               s->about, good ? "" : ": ", why);
    else
        printf("honest    %-32s %-9s %s\n", name, good ? "ok" : "FAILED", why);
}

/* May the scenario run on this transport? */
static bool fits(const struct scenario *s, unsigned t)
{
    return !s->transports || s->transports & t;
}

static void for_all(void (*fn)(const struct scenario *, enum suite_device, enum suite_transport),
                    const struct scenario *table, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        for (unsigned t = SUITE_MMIO; t <= SUITE_MMIO_LEGACY; t <<= 1)
            for (unsigned k = SUITE_BLK; k <= SUITE_NET; k <<= 1)
                if (table[i].kinds & k & suite_driver.devices && fits(&table[i], t) &&
                    suite_driver.transports & t)
                    fn(&table[i], k, t);
}

static void list(const struct scenario *s, enum suite_device kind, enum suite_transport t)
{
    printf("%s %s%s\n", s->name, kind == SUITE_BLK ? "blk" : "net",
           t == SUITE_MMIO ? "" : " legacy");
}

static int summary(void)
{
    struct judge_counts c = judge_count();

    printf("\n");
    judge_print(!run.only_broken);
    printf("\nsuite: driver=%s version=%s honest=%u failed=%u lies=%u survived=%u\n",
           suite_driver.name, suite_driver.version, run.honest, run.honest_failed, run.lies,
           run.survived);
    printf("suite: of the broken rows MUST=%u SHOULD=%u\n", c.broken - c.should, c.should);
    printf("suite: driver=%s rows=%u passed=%u broken=%u not-exercised=%u\n", suite_driver.name,
           c.rows, c.passed, c.broken, c.idle);
    return c.broken > 0 || run.failed > 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (!judge_open(SUITE_ROWS)) {
        perror("suite: " SUITE_ROWS);
        return 2;
    }
    if (!strcmp(what, "--rows")) {
        judge_list();
        return 0;
    }
    if (!strcmp(what, "--list")) {
        for_all(list, honest, honest_count);
        for_all(list, lies, lies_count);
        return 0;
    }
    run.only_broken = !strcmp(what, "--broken");
    run.filter = *what && !run.only_broken ? what : NULL;
    for_all(run_one, honest, honest_count);
    for_all(run_one, lies, lies_count);
    return summary();
}
