/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * route.h - which request gets which answer.
 */
#ifndef HTTPD_ROUTE_H
#define HTTPD_ROUTE_H

#include "conn.h"

/* Are folders without an index.html listed? Boot argument vireo.httpd.listing. */
extern bool route_listings;

/*
 * Begins the answer to a request, or takes its body first. True: the body is read and dropped; then
 * route_taken() is to be called with the same request.
 */
bool route(struct conn *c, const struct http_request *r);
void route_taken(struct conn *c, const struct http_request *r);

/* Begins the answer to something that is no request, and ends the connection after it. */
void route_refuse(struct conn *c, int status);

#endif
