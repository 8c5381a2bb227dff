# SPDX-License-Identifier: BSD-2-Clause
# The reader of requests is the demo's.
SRCS := conn.c request.c table.c ../httpd/http.c ../httpd/target.c
LIBS_FROM := sqlite
FORWARD := auto:80
DATABASE := 64M
