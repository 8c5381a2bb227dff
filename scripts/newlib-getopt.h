/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newlib-getopt.h - included in front of newlib's getopt.c: optind is 1 before main()
 * (POSIX.1-2017, getopt), where the file itself has 0, which means "begin again".
 */
extern int optind;
static int optwhere; /* where in the argument getopt goes on; 1 at the start of one */

__attribute__((constructor)) static void getopt_begin(void)
{
    optind = 1;
    optwhere = 1;
}
