# SPDX-License-Identifier: BSD-2-Clause
"""Files that an appliance writes (docs/files.md): tests/apps/fileset, whose disk mkdisk makes and
reads.
"""
import os
import subprocess
import sys

import pytest

from conftest import TREE
from vireolib.machine import Disk

MKDISK = os.path.join(TREE, 'scripts', 'mkdisk')


def mkdisk(*arguments):
    return subprocess.run([sys.executable, MKDISK, *map(str, arguments)], stdout=subprocess.PIPE,
                          check=True).stdout


@pytest.mark.parametrize('arch', ['aarch64', pytest.param('arm', marks=pytest.mark.full)])
def test_files(boot, tmp_path, arch):
    """What POSIX has for files; what the host wrote is there, and the host reads what the image
    wrote. What was on the disk before stays."""
    disk = tmp_path / 'data.img'
    (tmp_path / 'mine').write_bytes(b'mine')
    mkdisk('--data', '1M', disk, '--quiet')
    mkdisk('--write', disk, '/kept/here', tmp_path / 'mine')
    guest = boot('fileset', net='none', arch=arch, disks=[Disk(str(disk))])
    assert guest.wait() == 0, guest.report()
    assert guest.seen(r'^checks: passed=22 failed=0'), guest.report()
    guest = boot('fileset', net='none', arch=arch, disks=[Disk(str(disk))],
                 append='vireo.fileset.mode=rounds vireo.fileset.rounds=12')
    assert guest.wait() == 0, guest.report()
    names = {line.split()[-1] for line in mkdisk('--list', disk).decode().splitlines()}
    assert names == {'/kept/', '/kept/here', '/log', '/state', *(f'/f{n}' for n in range(5, 13))}
    assert mkdisk('--read', disk, '/kept/here') == b'mine'
    assert mkdisk('--read', disk, '/log').count(b'\n') >= 12


def test_another_disk_is_not_touched(boot, tmp_path):
    """A blank disk is not formatted, and the table's disk by a boot argument."""
    disk = tmp_path / 'blank.img'
    disk.write_bytes(bytes(1 << 20))
    guest = boot('fileset', net='none', disks=[Disk(str(disk))], append='vireo.mount=/data:vblk0')
    assert guest.wait() == 1
    assert guest.seen(r'vblk0: error: is blank: it is not mounted'), guest.report()
    assert disk.read_bytes() == bytes(1 << 20)
