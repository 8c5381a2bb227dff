# SPDX-License-Identifier: BSD-2-Clause
"""What some disks do besides reading and writing (tests/apps/ranges), on QEMU's disks."""
import os

import pytest

from test_block import blank
from test_net import checks_end
from vireolib.machine import Disk

MIB, PIECE = 1 << 20, 1 << 18


@pytest.mark.parametrize('transport, block', [('mmio', 512), ('mmio-legacy', 4096), ('pci', 4096)])
def test_ranges(boot, tmp_path, transport, block):
    """The disk's file has what was written, zeroes where there shall be, and fewer blocks of its
    own where the disk may free them."""
    path = blank(tmp_path, 4 * MIB)
    guest = boot('ranges', net='none', transport=transport, disks=[
        Disk(path, block=block, drive='discard=unmap',
             device=f'physical_block_size=4096,min_io_size={block},opt_io_size=65536')])
    checks_end(guest)
    assert guest.seen(r'^ranges: physical=4096 at=0 min=\d+ opt=65536 '), guest.report()
    with open(path, 'rb') as f:
        data = f.read()
    assert data[:PIECE] == b'\xa5' * PIECE and not any(data[PIECE:3 * PIECE])
    assert len(data) == 4 * MIB
    assert os.stat(path).st_blocks * 512 <= 2 * PIECE + PIECE // 2 + 65536, 'nothing was freed'


def test_a_disk_without_ranges(boot, tmp_path):
    disk = Disk(blank(tmp_path, 4 * MIB), device='discard=off,write-zeroes=off,config-wce=off')
    checks_end(boot('ranges', net='none', append='none=1', disks=[disk]))
