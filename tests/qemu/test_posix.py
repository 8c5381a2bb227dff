# SPDX-License-Identifier: BSD-2-Clause
"""What an image answers as a POSIX system of one user and one process: each call from inside, and
which functions and headers there are.
"""
import pytest

from test_files import mkdisk
from test_net import checks_end
from vireolib.machine import Disk


@pytest.mark.parametrize('arch', ['aarch64', pytest.param('arm', marks=pytest.mark.full)])
def test_one_user_and_one_process(boot, tmp_path, arch):
    disk = tmp_path / 'data.img'
    mkdisk('--data', '1M', disk, '--quiet')
    guest = boot('posix', net='none', arch=arch, disks=[Disk(str(disk))],
                 append='vireo.hostname=named vireo.log=info')
    guest.expect('^terminal: lines', 60)
    guest.send('wrogn\x7f\x7fng\bg one two\x17three\r')
    guest.expect('^terminal: last')
    guest.send('rest\x04\x04')
    guest.expect('^terminal: signal')
    guest.send('forgotten\x03kept\x15all\n')
    guest.expect('^terminal: raw')
    guest.send('\x03\x7f\r')
    checks_end(guest, 60)
    assert guest.seen(r'^wrogn\x08 \x08\x08 \x08ng'), guest.report()
    assert guest.seen(r'libc: warning: fork\(\): an image is one process'), guest.report()
    assert not guest.seen(r'libc: warning: (?!fork)'), 'the log says it once'
    assert guest.seen(r'program: warning: warned of 50%: No such file')
    assert guest.seen(r'program: error: an error$') and not guest.seen('not told')
