# SPDX-License-Identifier: BSD-2-Clause
"""What scripts/fix-lwip changes in the copy of lwIP, one file for each part of it.

Each file has a list MENDS, of which tests show that a test fails without, and may have a list
ALWAYS, of what Vireo's files do not compile without. An entry is (file, name, text that occurs
there once, what stands there instead); entries that are "the same" belong to the one before.
Files are applied in the order below: a later entry sees what earlier ones have made.
"""
from . import (conn, ip, neighbour, rx, tcp_fast, tcp_fields, tcp_guard, tcp_mtu, tcp_option,
               tcp_queue, tcp_recovery, tcp_way, tcp_window, udp_flow)

PARTS = [ip, conn, neighbour, rx, tcp_fast, tcp_fields, tcp_queue, tcp_way, tcp_guard, tcp_window,
         tcp_recovery, tcp_mtu, tcp_option, udp_flow]
ALWAYS = [fix for part in PARTS for fix in getattr(part, 'ALWAYS', [])]
MENDS = [fix for part in PARTS for fix in getattr(part, 'MENDS', [])]
