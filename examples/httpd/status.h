/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * status.h - the live page and its data.
 */
#ifndef HTTPD_STATUS_H
#define HTTPD_STATUS_H

#include <stddef.h>

/* The page of /status: complete HTML that fetches /status.json again and again. */
extern const char status_page[];
extern const size_t status_page_len;

/* The state of the image as JSON, from malloc; the caller frees it. NULL: out of memory. */
char *status_json(size_t *len);

#endif
