# SPDX-License-Identifier: BSD-2-Clause
SRCS := load.c load_raw.c iperf_client.c iperf_server.c iperf_stream.c iperf_text.c
FORWARD := 5201:5201 udp:5201:5201
