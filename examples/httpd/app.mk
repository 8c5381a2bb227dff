# SPDX-License-Identifier: BSD-2-Clause
SRCS := chunked.c conn.c files.c http.c reply.c route.c server.c sink.c status.c status_page.c
