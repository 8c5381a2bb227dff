/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.h - the Cache-Control of files, by rules that the tree itself holds.
 */
#ifndef HTTPD_RULES_H
#define HTTPD_RULES_H

#define RULES_PATH "/.cache-control"

/*
 * The value of Cache-Control for the file at `path` (RFC 9111, 5.2): that of the first rule that
 * fits, else "no-cache": a client asks each time whether its copy is still good. The rules are read
 * at the first call; what is wrong with them is printed then.
 */
const char *cache_rule(const char *path);

#endif
