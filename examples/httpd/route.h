/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * route.h - which request gets which answer.
 */
#ifndef HTTPD_ROUTE_H
#define HTTPD_ROUTE_H

#include "conn.h"

/* Begins the answer to a request whose head has been taken off the input. */
void route(struct conn *c, const struct http_request *r);

/* Begins the answer to something that is no request, and ends the connection after it. */
void route_refuse(struct conn *c, int status);

#endif
