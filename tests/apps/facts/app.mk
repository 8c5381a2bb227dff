# SPDX-License-Identifier: BSD-2-Clause
SRCS := bind.c calls.c cmsg.c facts.c group.c opt.c ready.c tcp.c tcp_end.c tcp_opt.c text.c udp.c
