# SPDX-License-Identifier: BSD-2-Clause
"""hostile - attacks an unmodified image with devices of our own, and prints a verdict for each
attack.

Every attack of tests/hostile/ runs on {mmio, pci} x {split, packed}. An interrupted table goes on
as long as neither the image nor the attacks change. The exit status is 1 when a verdict is bad, 2
when something is missing.
"""
import os
import sys

sys.dont_write_bytecode = True
TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TREE, *path) for path in (('scripts',), ('tests',), ('tests', 'qemu'))]

from hostile import table                       # noqa: E402
from vireolib.machine import Unusable           # noqa: E402

if __name__ == '__main__':
    try:
        sys.exit(table.main(__doc__))
    except Unusable as e:
        print(f'hostile: {e}', file=sys.stderr)
        sys.exit(2)
