# SPDX-License-Identifier: BSD-2-Clause
SRCS := disk.c backend.c \
    $(patsubst %,../../../examples/httpd/%.c,chunked conn files http reply route server sink \
    status status_page)
DRIVERS := block
