/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_sql.h - the loads of SQLite, which only one of the Linux guests has.
 */
#ifndef VIREO_LINUX_SQL_H
#define VIREO_LINUX_SQL_H

#include <stdint.h>

/*
 * "txn" or "speedtest1", which has a size; prints the result as linux_blk.c does. 0, or a status
 * that is not 0. NULL where SQLite is not linked.
 */
int load_sql(const char *name, uint64_t size) __attribute__((weak));

#endif
