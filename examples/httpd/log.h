/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h - the access log: a line for each answer, in the Common Log Format.
 */
#ifndef HTTPD_LOG_H
#define HTTPD_LOG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "http.h"

#define LOG_LINE_MAX 512u /* bytes of a request line that are shown */

extern bool log_enabled; /* boot argument vireo.httpd.access_log */

/* Prints the line of an answer: the client's address, the request line, the status and the bytes of
 * the body that were sent. The request line may hold any bytes: what could mislead a reader of the
 * log is escaped. */
void log_answer(const struct sockaddr_in6 *peer, struct http_slice line, int status,
                uint64_t bytes);

#endif
