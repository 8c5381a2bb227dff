/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * say.h - lines for the console.
 */
#ifndef HTTPD_SAY_H
#define HTTPD_SAY_H

/* Prints as printf does, %s and %u alone, 255 bytes at most. printf itself would be 17 KiB. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
