/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostage.h - what the parts of hostage share: tallies that the host reads, and when to stop.
 */
#ifndef HOSTAGE_H
#define HOSTAGE_H

#include <stdbool.h>
#include <stdint.h>

enum { HOSTAGE_PAUSE_MS = 2, HOSTAGE_AFTER_ERROR_MS = 20 };

/* One kind of operation, counted since the start. */
struct tally {
    const char *name;
    unsigned good;
    unsigned errors; /* calls that returned an error */
    unsigned wrong;  /* calls that returned success, and were wrong */
    int last;        /* the last error, a negative errno; 0 after a good one */
};

/* Ends an operation with 0 or a negative errno. The first of several equal errors is printed. */
void tally_end(struct tally *t, int result);
/* An operation returned success, and `what` shows that it failed. */
void tally_wrong(struct tally *t, const char *what, unsigned number);

/* The host has told the image to end. */
extern bool hostage_stopping;
/* Waits before the next operation; longer after an error. [parks] */
void hostage_pause(const struct tally *t);

/* disk.c: tasks that read, and write and sync. disk_report: when both have ended. */
extern struct tally reads, syncs;
void disk_reader(void *running);
void disk_writer(void *running);
void disk_report(void);

/* net.c: a task that has datagrams answered by the other end of the cable. lost: without an answer
 * in time. */
extern struct tally echoes;
extern unsigned net_lost;
void net_echoes(void *running);

#endif
