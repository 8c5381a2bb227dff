/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.h - the verdicts: one for each row of the standard that the suite can see, one for each
 * scenario. They lie in memory that all processes of a run share.
 */
#ifndef VIREO_SUITE_JUDGE_H
#define VIREO_SUITE_JUDGE_H

#include <stdbool.h>

/* Reads the summaries from tests/conformance/requirements.csv. false: it cannot be read. */
bool judge_open(const char *csv);
/* The scenario that rows are judged in from now on. */
void judge_scenario(const char *name);
/* false: rows are not judged, as the device itself keeps no rule. */
void judge_listen(bool on);
/* A row of `rows` was kept, or broken: `text` tells how. */
void judge_rule(bool kept, const char *rows, const char *text);
/* The same, with what was seen in the manner of printf. */
void judge(bool kept, const char *rows, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Was this row judged in this run? */
bool judge_has(const char *row);

/* Prints all rows with their verdicts, broken ones with what was seen. `all`: passed ones too. */
void judge_print(bool all);
/* Prints the identifiers of all rows, one a line. */
void judge_list(void);
struct judge_counts {
    unsigned rows, passed, broken, idle, remarks;
    unsigned should; /* of the broken ones: SHOULD and SHOULD NOT */
};
struct judge_counts judge_count(void);

#endif
