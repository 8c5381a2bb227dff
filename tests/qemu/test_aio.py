# SPDX-License-Identifier: BSD-2-Clause
"""Asynchronous requests, advice and space, of a disk and of littlefs: tests/apps/aio."""
import pytest

from test_files import mkdisk
from vireolib.machine import Disk


@pytest.mark.parametrize('arch', ['aarch64', pytest.param('arm', marks=pytest.mark.full)])
def test_requests_advice_and_space(boot, tmp_path, arch):
    data, raw = tmp_path / 'data.img', tmp_path / 'raw.img'
    mkdisk('--data', '4M', data, '--quiet')
    raw.write_bytes(bytes(4 << 20))
    guest = boot('aio', net='none', arch=arch, disks=[Disk(str(data)), Disk(str(raw))])
    assert guest.wait() == 0, guest.report()
    assert guest.seen(r'^checks: passed=65 failed=0'), guest.report()
    on_disk = raw.read_bytes()
    assert on_disk[:4096] == bytes(4096) and on_disk[5000:45000] == bytes(40000)
    assert on_disk[4096:5000] == b'\xaa' * 904 and on_disk[45000:65536] == b'\xaa' * 20536
