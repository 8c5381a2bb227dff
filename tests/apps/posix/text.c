/* SPDX-License-Identifier: BSD-2-Clause */
/* text.c - messages for the log, searches. */
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "posix.h"

static int same_int(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void check_search(void)
{
    struct element {
        struct element *next, *before;
    } first, second, third;
    int table[4] = {3, 1}, key = 1;
    size_t count = 2;

    is(lfind(&key, table, &count, sizeof(int), same_int) == &table[1]);
    key = 9;
    is(!lfind(&key, table, &count, sizeof(int), same_int));
    is(lsearch(&key, table, &count, sizeof(int), same_int) == &table[2] && count == 3);
    insque(&first, NULL);
    insque(&third, &first);
    insque(&second, &first);
    is(first.next == &second && second.next == &third && third.before == &second && !third.next);
    remque(&second);
    is(first.next == &third && third.before == &first);
}

void check_text(void)
{
    check_search();
    is(ftrylockfile(stdout) == 0);
    funlockfile(stdout);
    openlog("program", 0, LOG_DAEMON);
    errno = ENOENT;
    syslog(LOG_WARNING, "warned of %d%%: %m\n", 50);
    is(setlogmask(LOG_UPTO(LOG_ERR)) == 0xff);
    syslog(LOG_INFO, "not told");
    syslog(LOG_ERR, "an error");
    closelog();
}
