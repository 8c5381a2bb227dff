# SPDX-License-Identifier: BSD-2-Clause
"""Prints the segments of a capture: python3 -m tcpcheck FILE, from tests/."""
import sys

from . import capture

for segment in capture.read(sys.argv[1]):
    print(segment)
