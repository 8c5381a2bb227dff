# SPDX-License-Identifier: BSD-2-Clause
SRCS := disk.c backend.c \
    $(filter-out %/main.c,$(wildcard ../../../examples/httpd/*.c))
DRIVERS := block
