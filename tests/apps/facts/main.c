/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts - what sockets do, as some hundred lines "fact NAME: VALUE". The same source is compiled by
 * the compiler of a Linux machine and as an appliance; tests/socket_facts.txt holds Linux' answers,
 * and tests/qemu/test_sockets.py compares. The machine has the address OWN (facts.h) on an
 * interface with nobody else, no default route, and the loopback interface.
 */
#include <signal.h>

#include "facts.h"

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    text_facts();
    call_facts();
    bind_facts();
    udp_facts();
    tcp_facts();
    tcp_end_facts();
    ready_facts();
    option_facts();
    tcp_option_facts();
    group_facts();
    control_facts();
    printf("facts: done\n");
    return 0;
}
