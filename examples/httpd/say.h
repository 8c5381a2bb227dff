/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * say.h - lines for the console.
 */
#ifndef HTTPD_SAY_H
#define HTTPD_SAY_H

/* Prints as printf does, 255 bytes at most. printf itself would be 7 KiB beside snprintf. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
