/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * script.h - what a device does wrong, and when, as a table. An entry names a moment, by counting
 * accesses, kicks, loads of shared words or used entries since the script began, or by the time;
 * and what then happens. It works on every bus and both rings of the model.
 *
 *     static const struct script_entry lies[] = {
 *         {.when = AT_USED, .n = 3, .what = DO_USED_ID, .v = 0x10000},
 *         {.when = AT_READ, .at = REG_STATUS, .n = 2, .times = FOR_EVER, .what = DO_ANSWER, .v =
 * 255},
 *     };
 */
#ifndef VIREO_SCRIPT_H
#define VIREO_SCRIPT_H

#include "model.h"

enum script_when {
    AT_ONCE,   /* when the script begins */
    AT_ACCESS, /* a register is read or written: any, or .at */
    AT_READ,   /* it is read; DO_ANSWER and DO_TOGGLE change the answer */
    AT_KICK,   /* a kick, before the device looks */
    AT_LOAD,   /* the driver loaded a shared word (.at: which, or any); DO_CHANGE changes it now */
    AT_USED,   /* the device puts a used entry, before it is shown */
    AT_TIME,   /* .n microseconds after the script began */
    SCRIPT_MOMENTS
};

/* Registers by what they are for, on whichever bus. A bus that lacks one has no such moment. */
enum script_register {
    REG_ANY,
    REG_IDENTITY, /* the magic value; vendor and device id */
    REG_FEATURES,
    REG_STATUS,
    REG_QUEUE_MAX,
    REG_QUEUE_USE, /* ready, enable, page number */
    REG_GENERATION,
    REG_CAUSE,
    REG_QUEUE_RESET,
    REG_NUM_QUEUES,
    REG_NOTIFY_OFF,
    REG_VECTOR,
    REG_DEVICE_CONFIG,                      /* + offset: a field of the device's configuration */
    REG_FUNCTION = REG_DEVICE_CONFIG + 256, /* + offset: the function's, with its capabilities */
};

/* Words that the device writes; those of all entries go by one name. */
enum script_word {
    WORD_ANY,
    WORD_USED_IDX, /* split; packed: the flags of a descriptor, which tell the same */
    WORD_USED_ID,
    WORD_USED_LEN,
    WORD_SUPPRESS, /* available event, used flags; device event */
    WORD_DATA,     /* of a buffer */
};

enum script_what {
    DO_ANSWER,     /* the read gives v */
    DO_TOGGLE,     /* the read gives the truth with the bits of v toggled */
    DO_CHANGE,     /* the word that was loaded is v from now on: a second look sees that */
    DO_USED_ID,    /* the entry's id is v; with .add, here and above: what it was + v */
    DO_USED_LEN,   /* its length, likewise */
    DO_USED_FLAGS, /* packed: bits of v are toggled in its flags */
    DO_FORGE,      /* a used entry with id v and length `arg`, at once */
    DO_JUMP,       /* the used index is v further than what was put; packed: v stale used slots */
    DO_SUPPRESS,   /* the word that suppresses kicks is v */
    DO_REWRITE,    /* descriptors of buffers that the device has are overwritten with v */
    DO_LATE,       /* the last buffer that was given back is overwritten with v */
    DO_CONFIG,     /* byte `arg` of the device's configuration is v, and it says so */
    DO_CAPABILITY, /* byte `arg` of the function's configuration space is v */
    DO_SILENCE,    /* no kick is heard for v microseconds; 0: until the script ends */
    DO_DELAY,      /* this kick is heard v microseconds later */
    DO_MUTE,       /* no more interrupts */
    DO_INTERRUPT,  /* one with cause v, for nothing */
    DO_NEEDS_RESET,
    DO_SLOW_RESET, /* the next reset takes v reads of the status */
    DO_NO_RESET,   /* no reset completes any more */
    DO_VANISH,     /* every read is all ones, and nothing is heard: for good */
    SCRIPT_DEEDS
};

#define FOR_EVER   UINT32_MAX
#define SCRIPT_MAX 16

struct script_entry {
    enum script_when when;
    unsigned at;    /* script_register or script_word; 0: any */
    uint32_t n;     /* the n-th, from 1; 0 is 1 */
    uint32_t times; /* how often from then; 0 is once */
    enum script_what what;
    bool add;
    uint32_t v, arg;
};

/*
 * The device follows the table from now on: call it before the boot, or in the middle of traffic.
 * model_watch is done by it. The entries must live until script_end.
 */
void script_begin(struct model *m, const struct script_entry *entries, unsigned n);
/* The device behaves from now on (but for what cannot be taken back), and hears kicks it ignored.
 */
void script_end(void);
/* How often anything was done. */
unsigned script_done(void);
/* An entry in words, for a failing random script. */
void script_print(const struct script_entry *e);

#endif
