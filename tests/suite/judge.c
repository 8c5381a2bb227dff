/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.c - the rows and their verdicts (judge.h).
 */
#define _GNU_SOURCE
#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The rows of requirements.csv that can be seen from outside, in its order. */
static const char *const ids =
    "INIT-01 INIT-02 INIT-03 INIT-05 INIT-06 INIT-07 INIT-08 INIT-09 INIT-11 INIT-12 INIT-13 "
    "INIT-14 INIT-15 INIT-16 INIT-17 INIT-18 INIT-19 INIT-20 INIT-21 "
    "FEAT-01 FEAT-02 FEAT-03 FEAT-04 FEAT-05 FEAT-06 FEAT-07 FEAT-08 FEAT-09 FEAT-10 FEAT-11 "
    "FEAT-12 FEAT-14 FEAT-16 FEAT-17 FEAT-18 FEAT-28 FEAT-29 "
    "RST-01 CFG-01 CFG-02 CFG-03 CFG-06 CFG-07 CFG-08 LEGACY-INIT-01 "
    "VQ-02 VQ-03 VQ-04 VQ-06 "
    "SPLIT-01 SPLIT-02 SPLIT-03 SPLIT-04 SPLIT-05 SPLIT-06 SPLIT-07 SPLIT-08 SPLIT-09 SPLIT-10 "
    "SPLIT-11 SPLIT-12 SPLIT-13 SPLIT-14 SPLIT-15 SPLIT-16 SPLIT-17 SPLIT-19 SPLIT-20 SPLIT-21 "
    "SPLIT-25 SPLIT-26 SPLIT-27 SPLIT-28 SPLIT-29 SPLIT-30 SPLIT-31 "
    "NOTIF-01 NOTIF-03 NOTIF-05 NOTIF-06 NOTIF-07 NOTIF-08 NOTIF-09 NOTIF-10 NOTIF-11 NOTIF-13 "
    "NOTIF-14 NOTIF-15 NOTIF-16 LEGACY-VQ-02 LEGACY-VQ-03 LEGACY-VQ-05 LEGACY-VQ-06 "
    "PACK-01 PACK-02 PACK-03 PACK-04 PACK-05 PACK-06 PACK-07 PACK-08 PACK-09 PACK-10 PACK-11 "
    "PACK-12 PACK-15 PACK-16 PACK-17 PACK-18 PACK-19 PACK-21 PACK-22 PACK-23 PACK-27 PACK-28 "
    "PACK-29 PACK-30 PACK-31 PACK-32 PACK-33 PACK-34 PACK-36 "
    "NOTIF-PACK-01 NOTIF-PACK-02 NOTIF-PACK-03 NOTIF-PACK-04 NOTIF-PACK-05 NOTIF-PACK-06 "
    "MMIO-REG-01 MMIO-REG-02 MMIO-REG-03 MMIO-REG-04 MMIO-REG-05 MMIO-REG-06 MMIO-REG-08 "
    "MMIO-REG-10 MMIO-REG-12 MMIO-REG-13 MMIO-REG-14 MMIO-REG-15 MMIO-REG-17 MMIO-REG-18 "
    "MMIO-REG-19 MMIO-REG-20 MMIO-REG-21 MMIO-REG-24 MMIO-REG-25 MMIO-REG-27 MMIO-REG-28 "
    "MMIO-INIT-01 MMIO-INIT-02 MMIO-INIT-03 MMIO-INIT-04 MMIO-INIT-07 MMIO-INIT-08 MMIO-INIT-09 "
    "MMIO-INIT-10 MMIO-INIT-11 MMIO-INIT-12 MMIO-NOTIF-01 MMIO-NOTIF-02 MMIO-NOTIF-03 "
    "MMIO-NOTIF-05 "
    "LEGACY-MMIO-01 LEGACY-MMIO-03 LEGACY-MMIO-04 LEGACY-MMIO-05 LEGACY-MMIO-06 LEGACY-MMIO-07 "
    "LEGACY-MMIO-08 LEGACY-MMIO-11 LEGACY-MMIO-12 LEGACY-MMIO-13 LEGACY-MMIO-14 LEGACY-MMIO-15 "
    "LEGACY-MMIO-16 LEGACY-MMIO-18 "
    "NET-FDEP-01 NET-FDEP-02 NET-FDEP-04 NET-FDEP-05 NET-FDEP-06 NET-FDEP-09 NET-FDEP-10 "
    "NET-FDEP-12 NET-FDEP-13 NET-FDEP-16 NET-FDEP-17 NET-FDEP-18 NET-FDEP-19 NET-FDEP-20 "
    "NET-FDEP-21 NET-FDEP-23 NET-CFG-01 NET-CFG-03 NET-CFG-04 NET-CFG-05 NET-CFG-06 NET-CFG-07 "
    "NET-CFG-11 NET-TX-01 NET-TX-02 NET-TX-03 NET-TX-04 NET-TX-34 NET-TX-48 NET-RX-02 NET-RX-03 "
    "NET-RX-06 NET-RX-11 NET-RX-18 LEGACY-NET-05 LEGACY-NET-11 "
    "BLK-02 BLK-03 BLK-05 BLK-09 BLK-10 BLK-11 BLK-13 BLK-14 BLK-15 BLK-16 BLK-17 BLK-18 "
    "BLK-20 LEGACY-BLK-04 LEGACY-BLK-12";

enum state { IDLE, PASSED, BROKEN };

struct row {
    char id[16], level[12];
    enum state state;
    char where[60], seen[160];
};

#define ROWS    300
#define REMARKS 12

static struct book {
    struct row row[ROWS];
    unsigned rows, remarks;
    char remark[REMARKS][220]; /* what breaks a rule of the model that has no row */
} * book;
static char (*summary)[200]; /* of each row: only the first process prints */
static const char *scenario = "";
static bool deaf;

/* ---- opening --------------------------------------------------------------------------------- */

static struct row *find(const char *id, size_t len)
{
    for (unsigned i = 0; i < book->rows; i++)
        if (strlen(book->row[i].id) == len && !memcmp(book->row[i].id, id, len))
            return &book->row[i];
    return NULL;
}

/* The next field of a line of the file: quotes may stand around it. */
static char *field(char **line)
{
    char *start = *line, *end;

    if (*start == '"')
        end = strstr(++start, "\",");
    else
        end = strchr(start, ',');
    if (!end)
        return start;
    *line = end + (*end == '"' ? 2 : 1);
    *end = '\0';
    return start;
}

/* id, area, section, level, kind, summary, since, basis */
static void read_line(char *line)
{
    char *part[8];

    for (unsigned i = 0; i < 8; i++)
        part[i] = field(&line);
    struct row *r = find(part[0], strlen(part[0]));
    if (!r)
        return;
    snprintf(r->level, sizeof(r->level), "%s%s", part[3], strcmp(part[7], "keyword") ? "*" : "");
    snprintf(summary[r - book->row], sizeof(summary[0]), "%s", part[5]);
}

bool judge_open(const char *csv)
{
    FILE *f = fopen(csv, "r");
    char line[2000];

    book = mmap(NULL, sizeof(*book), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    summary = calloc(ROWS, sizeof(*summary));
    if (!f || book == MAP_FAILED || !summary)
        return false;
    for (const char *at = ids; *at; book->rows++) {
        size_t len = strcspn(at, " ");

        memcpy(book->row[book->rows].id, at, len);
        at += len + (at[len] == ' ');
    }
    while (fgets(line, sizeof(line), f))
        read_line(line);
    fclose(f);
    return true;
}

/* ---- judging --------------------------------------------------------------------------------- */

void judge_scenario(const char *name)
{
    scenario = name;
}

void judge_listen(bool on)
{
    deaf = !on;
}

static void remark(const char *text)
{
    for (unsigned i = 0; i < book->remarks; i++)
        if (!strcmp(book->remark[i], text))
            return;
    if (book->remarks < REMARKS)
        snprintf(book->remark[book->remarks++], sizeof(book->remark[0]), "%s", text);
}

void judge_rule(bool kept, const char *rows, const char *text)
{
    if (deaf)
        return;
    if (!*rows && !kept)
        remark(text);
    for (const char *at = rows; *at;) {
        size_t len = strcspn(at, " ");
        struct row *r = find(at, len);

        if (!r) {
            fprintf(stderr, "suite: no row %.*s\n", (int)len, at);
            abort();
        }
        if (!kept && !strcmp(r->id, "RST-01"))
            deaf = true; /* what such a driver writes to a device that is not there yet follows */
        if (!kept && r->state != BROKEN) {
            r->state = BROKEN;
            snprintf(r->where, sizeof(r->where), "%s", scenario);
            snprintf(r->seen, sizeof(r->seen), "%s", text);
        } else if (kept && r->state == IDLE) {
            r->state = PASSED;
        }
        at += len + (at[len] == ' ');
    }
}

void judge(bool kept, const char *rows, const char *fmt, ...)
{
    char text[160] = "";
    va_list ap;

    if (!kept) {
        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
    }
    judge_rule(kept, rows, text);
}

bool judge_has(const char *row)
{
    struct row *r = find(row, strlen(row));

    return r && r->state != IDLE;
}

/* ---- printing -------------------------------------------------------------------------------- */

void judge_list(void)
{
    for (unsigned i = 0; i < book->rows; i++)
        printf("%s\n", book->row[i].id);
}

void judge_print(bool all)
{
    static const char *const word[] = {"not exercised", "passed", "broken"};

    for (unsigned i = 0; i < book->rows; i++) {
        struct row *r = &book->row[i];

        if (!all && r->state != BROKEN)
            continue;
        printf("%-15s %-10s %-14s %s\n", r->id, r->level, word[r->state], summary[i]);
        if (r->state == BROKEN)
            printf("%-15s %-10s %-14s seen in %s: %s\n", "", "", "", r->where, r->seen);
    }
    printf("*: follows from the standard's text, which does not say so with that word\n");
    for (unsigned i = 0; i < book->remarks; i++)
        printf("remark, of no row: %s\n", book->remark[i]);
}

struct judge_counts judge_count(void)
{
    struct judge_counts c = {.rows = book->rows, .remarks = book->remarks};

    for (unsigned i = 0; i < book->rows; i++) {
        c.passed += book->row[i].state == PASSED;
        c.broken += book->row[i].state == BROKEN;
        c.should += book->row[i].state == BROKEN && book->row[i].level[0] == 'S';
        c.idle += book->row[i].state == IDLE;
    }
    return c;
}
