# SPDX-License-Identifier: BSD-2-Clause
"""Prints the segments of a capture, or judges an end of each connection:

    python3 -m tcpcheck FILE [ADDRESS]      from tests/
"""
import ipaddress
import sys

from . import capture
from .judge import judge

segments = capture.read(sys.argv[1])
if len(sys.argv) > 2:
    us = ipaddress.ip_address(sys.argv[2]).packed
    for connection in capture.connections(segments):
        for fault in judge(connection, us):
            print(fault)
else:
    for segment in segments:
        print(segment)
