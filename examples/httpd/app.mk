# SPDX-License-Identifier: BSD-2-Clause
SRCS := chunked.c condition.c conn.c conn_wait.c files.c http.c known.c listing.c log.c parts.c \
        range.c reply.c route.c rules.c say.c server.c sink.c status.c status_page.c target.c \
        types.c
# What few requests need is compiled for size.
SMALL := chunked.c condition.c conn.c conn_wait.c files.c http.c listing.c log.c main.c parts.c \
         range.c reply.c route.c rules.c say.c server.c sink.c status.c status_page.c target.c \
         types.c
