/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getopt.c - options of a program (POSIX.1-2017, getopt; getopt_long as on Linux). newlib's takes
 * an unknown long option for letters, and forgets optopt where it prints nothing.
 *
 * Words that are no options go behind the options, unless the letters begin with "+" or
 * POSIXLY_CORRECT is set; with "-" each is returned, as the argument of option 1.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *optarg;
int optind = 1, opterr = 1, optopt = '?';

/* One call of getopt() or its kin. */
struct getopt_call {
    int argc;
    char **argv;
    const char *letters; /* behind "+", "-" and ":" */
    const struct option *longs;
    int *index;
    bool only; /* "-name" is a long option, too */
    char mode; /* '+', '-' or 0 */
    bool colon;
};

static const char *getopt_next; /* the rest of a word of letters; NULL or "": none */
static int getopt_skipped; /* words behind argv[optind] that are no options, and were in front */

/* Brings the word at `from` to the place `to` in front of it. */
static void getopt_move(char **argv, int from, int to)
{
    char *word = argv[from];

    memmove(argv + to + 1, argv + to, (size_t)(from - to) * sizeof(*argv));
    argv[to] = word;
}

static int getopt_wrong(const struct getopt_call *call, const char *before, const char *what,
                        int length, const char *after, int option)
{
    if (opterr && !call->colon)
        fprintf(stderr, "%s: %s'%.*s'%s\n", call->argv[0], before, length, what, after);
    optopt = option;
    return '?';
}

/* The word behind the option is its argument. False: there is none. */
static bool getopt_take(const struct getopt_call *call)
{
    int at = optind + getopt_skipped;

    if (at >= call->argc)
        return false;
    getopt_move(call->argv, at, optind);
    optarg = call->argv[optind++];
    return true;
}

/* The long option of that name, or of the only name that begins so. -1: none, -2: several. */
static int getopt_match(const struct getopt_call *call, const char *name, size_t length)
{
    int found = -1;

    for (int i = 0; call->longs[i].name; i++) {
        const struct option *o = &call->longs[i], *other = found < 0 ? o : &call->longs[found];
        if (strncmp(o->name, name, length))
            continue;
        if (!o->name[length])
            return i;
        if (found == -1)
            found = i;
        else if (call->only || o->has_arg != other->has_arg || o->flag != other->flag ||
                 o->val != other->val)
            found = -2;
    }
    return found;
}

/* The word, whose name begins behind its dashes, is long option `i`. */
static int getopt_long_option(const struct getopt_call *call, const char *word, const char *name,
                              int i)
{
    const char *value = strchr(name, '=');
    const struct option *o = &call->longs[i];
    int length = value ? (int)(value - word) : (int)strlen(word);

    if (value && o->has_arg == no_argument)
        return getopt_wrong(call, "option ", word, length, " doesn't allow an argument", o->val);
    if (value)
        optarg = (char *)value + 1;
    else if (o->has_arg == required_argument && !getopt_take(call)) {
        getopt_wrong(call, "option ", word, length, " requires an argument", o->val);
        return call->colon ? ':' : '?';
    }
    if (call->index)
        *call->index = i;
    if (!o->flag)
        return o->val;
    *o->flag = o->val;
    return 0;
}

/* The next letter of the word. */
static int getopt_letter(const struct getopt_call *call)
{
    char letter = *getopt_next++;
    const char *known = letter == ':' || letter == ';' ? NULL : strchr(call->letters, letter);
    bool last = !*getopt_next;

    optind += last;
    if (!known)
        return getopt_wrong(call, "invalid option -- ", &letter, 1, "", letter);
    if (known[1] != ':')
        return letter;
    if (!last) {
        optarg = (char *)getopt_next;
        getopt_next = NULL;
        optind++;
    } else if (known[2] != ':' && !getopt_take(call)) {
        getopt_wrong(call, "option requires an argument -- ", &letter, 1, "", letter);
        return call->colon ? ':' : '?';
    }
    return letter;
}

/* The word at optind, which is an option. */
static int getopt_word(const struct getopt_call *call)
{
    const char *word = call->argv[optind], *name = word + 1 + (word[1] == '-');
    bool letter_too = word[1] != '-' && strchr(call->letters, word[1]);

    getopt_next = NULL;
    if (call->longs && (word[1] == '-' || (call->only && (word[2] || !letter_too)))) {
        int i = getopt_match(call, name, strcspn(name, "="));
        if (i != -1 || !letter_too) {
            optind++;
            if (i >= 0)
                return getopt_long_option(call, word, name, i);
            return i == -1 ? getopt_wrong(call, "unrecognized option ", word, 999, "", 0)
                           : getopt_wrong(call, "option ", word, 999, " is ambiguous", 0);
        }
    }
    getopt_next = word + 1;
    return getopt_letter(call);
}

static int getopt_find(struct getopt_call *call)
{
    if (optind == 0) {
        optind = 1;
        getopt_next = NULL;
    }
    optarg = NULL;
    if (*call->letters == '+' || *call->letters == '-')
        call->mode = *call->letters++;
    else if (getenv("POSIXLY_CORRECT"))
        call->mode = '+';
    call->colon = *call->letters == ':';
    call->letters += call->colon;
    if (getopt_next && *getopt_next)
        return getopt_letter(call);
    int at = optind;
    while (at < call->argc && (call->argv[at][0] != '-' || !call->argv[at][1])) {
        if (call->mode == '-') {
            optarg = call->argv[optind++];
            return 1;
        }
        if (call->mode == '+')
            return -1;
        at++;
    }
    if (at >= call->argc)
        return -1;
    getopt_skipped = at - optind;
    getopt_move(call->argv, at, optind);
    if (strcmp(call->argv[optind], "--"))
        return getopt_word(call);
    optind++;
    return -1;
}

int getopt(int argc, char *const *argv, const char *letters)
{
    struct getopt_call call = {.argc = argc, .argv = (char **)argv, .letters = letters};

    return getopt_find(&call);
}

int getopt_long(int argc, char *const *argv, const char *letters, const struct option *longs,
                int *index)
{
    struct getopt_call call = {
        .argc = argc, .argv = (char **)argv, .letters = letters, .longs = longs, .index = index};

    return getopt_find(&call);
}

int getopt_long_only(int argc, char *const *argv, const char *letters, const struct option *longs,
                     int *index)
{
    struct getopt_call call = {.argc = argc,
                               .argv = (char **)argv,
                               .letters = letters,
                               .longs = longs,
                               .index = index,
                               .only = true};

    return getopt_find(&call);
}
