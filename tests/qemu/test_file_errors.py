# SPDX-License-Identifier: BSD-2-Clause
"""A disk that fails at chosen sectors, for users of files (littlefs, by tests/apps/diskcalls) and
of a database (examples/kv): the right error at the right call, other files and keys intact, and
all of it works when the disk does.
"""
import errno
import http.client
import subprocess
import sys

import pytest

from conftest import TREE
from test_disk_errors import RULES, Calls
from vireolib import datadisk, faults, images
from vireolib.machine import Forward, Machine

EIO = (-1, errno.EIO)
BYTE, OTHER = 0x77, 0x5a


def rows_of(path, byte, length=512):
    """The sectors of a disk that hold nothing but that byte."""
    with open(path, 'rb') as f:
        data = f.read()
    return [at // 512 for at in range(0, len(data), 512) if data[at:at + length] == bytes([byte]) *
            length]


# ---- files ---------------------------------------------------------------------------------------

@pytest.fixture
def start(boot, built, tmp_path):
    """start() boots the image with a littlefs of 1 MiB at /data, the same one each time."""
    path = tmp_path / 'd'
    datadisk.make(str(path), 1 << 20, 4096, None)

    def boots():
        args = faults.FaultDisk('d', str(path)).args('mmio')
        return Calls(boot.machine(Machine(built('diskcalls'), net='none', extra=args,
                                          append='vireo.mount=/data:vblk0')), str(path))
    return boots


def make(calls, name, byte, length):
    fd, error = calls('open', '/data/' + name, 'wct')
    assert error == 0
    assert calls('append', fd, length, byte) == (length, 0)
    assert calls('fsync', fd) == (0, 0)
    assert calls('close', fd) == (0, 0)


def holds(calls, name, byte, length):
    fd, error = calls('open', '/data/' + name, 'r')
    assert error == 0
    assert calls('pread', fd, 0, 1 << 20) == (length, 0, [(length, byte)])
    assert calls('close', fd) == (0, 0)


def test_data_that_cannot_be_read(start):
    """The read of that place fails; what lies behind it in the file, and other files, do not."""
    calls = start()
    make(calls, 'bad', BYTE, 40000)
    make(calls, 'good', OTHER, 40000)
    assert calls('raw', 'flush', 0, 0, 0) == (0, 0)
    calls.guest.process.kill()
    calls.guest.wait()
    calls = start()
    fd, _ = calls('open', '/data/bad', 'r')
    bad = calls.fail('read', rows_of(calls.path, BYTE)[2])
    assert calls('pread', fd, 1000, 1000) == EIO
    assert calls('pread', fd, 39000, 1000) == (1000, 0, [(1000, BYTE)])
    holds(calls, 'good', OTHER, 40000)
    make(calls, 'more', 3, 5000)
    calls.heal(bad)
    assert calls('pread', fd, 1000, 1000) == (1000, 0, [(1000, BYTE)])
    holds(calls, 'more', 3, 5000)


def test_a_disk_that_cannot_be_written_and_comes_back(start):
    """What was synced stays, each sync says that the new is not, and it is when the disk works."""
    calls = start()
    make(calls, 'old', OTHER, 9000)
    bad = calls.fail('write')
    fd, error = calls('open', '/data/new', 'wc')
    assert error in (0, errno.EIO)
    if error == 0:
        assert calls('append', fd, 9000, BYTE) in ((9000, 0), EIO)
        assert calls('fsync', fd) == EIO
        assert calls('close', fd) in ((0, 0), EIO)
    holds(calls, 'old', OTHER, 9000)
    calls.heal(bad)
    make(calls, 'new', BYTE, 9000)
    calls.guest.process.kill()
    calls.guest.wait()
    calls = start()
    holds(calls, 'old', OTHER, 9000)
    holds(calls, 'new', BYTE, 9000)


def test_a_flush_that_fails(start):
    calls = start()
    make(calls, 'old', OTHER, 100)
    bad = calls.fail('flush', once=True)
    fd, _ = calls('open', '/data/old', 'wa')
    assert calls('append', fd, 100, OTHER) == (100, 0)
    assert calls('fsync', fd) == EIO
    calls.heal(bad)
    assert calls('fsync', fd) == (0, 0)
    calls.guest.process.kill()
    calls.guest.wait()
    calls = start()
    fd, _ = calls('open', '/data/old', 'r')
    result, _, runs = calls('pread', fd, 0, 1000)
    assert result in (100, 200) and runs == [(result, OTHER)]


def test_a_full_file_system_loses_nothing(start):
    """A write takes what there is room for, then ENOSPC; what is deleted makes room."""
    calls = start()
    kept = 0
    while True:
        fd, error = calls('open', f'/data/f{kept}', 'wcx')
        assert error == 0
        wrote = calls('append', fd, 50000, kept + 1)
        if wrote != (50000, 0):
            break
        assert calls('fsync', fd) == calls('close', fd) == (0, 0)
        kept += 1
    assert kept > 10 and calls('append', fd, 50000, 1) == (-1, errno.ENOSPC)
    assert calls('fsync', fd)[1] in (0, errno.ENOSPC)
    calls('close', fd)
    for n in range(kept):
        holds(calls, f'f{n}', n + 1, 50000)
    for n in range(0, 4):
        assert calls('unlink', f'/data/f{n}') == (0, 0)
    make(calls, 'again', BYTE, 50000)
    holds(calls, 'again', BYTE, 50000)


# ---- a database ----------------------------------------------------------------------------------

class Table:
    """examples/kv on a disk whose requests can fail."""

    def __init__(self, guest, path):
        self.guest, self.path, self.faults = guest, path, faults.Faults(guest)
        guest.serving()

    def __call__(self, method, key, body=None):
        """(status, body)."""
        link = http.client.HTTPConnection('127.0.0.1', self.guest.port(80), timeout=60)
        link.request(method, '/k/' + key, body)
        answer = link.getresponse()
        return answer.status, answer.read()


@pytest.fixture
def table(boot, built, tmp_path):
    path = str(tmp_path / 'd')
    subprocess.run([sys.executable, f'{TREE}/scripts/mkdisk', '--sqlite', '4M', path], check=True,
                   capture_output=True)

    def boots():
        return Table(boot.machine(Machine(
            built('kv'), forwards=[Forward(0, 80)], append=images.STATIC_IP,
            extra=faults.FaultDisk('d', path).args('mmio'))), path)
    return boots


@pytest.mark.parametrize('rules', [[RULES['write']], [{**RULES['flush'], 'once': True}] * 2],
                         ids=['write', 'flush'])
def test_a_commit_that_fails_is_told_and_changes_nothing(table, rules):
    """A commit is tried twice."""
    kv = table()
    assert kv('PUT', 'old', b'1') == (204, b'')
    bad = kv.faults.fail('d', *rules)
    assert kv('PUT', 'new', b'2')[0] == 500
    assert kv('GET', 'old') == (200, b'1') and kv('GET', 'new')[0] == 404
    kv.faults.heal('d', bad)
    assert kv('PUT', 'new', b'3') == (204, b'')
    kv.guest.process.kill()
    kv.guest.wait()
    kv = table()
    assert kv('GET', 'old') == (200, b'1') and kv('GET', 'new') == (200, b'3')


def test_a_value_that_cannot_be_read(table):
    kv = table()
    for key, byte in (('bad', BYTE), ('good', OTHER)):
        assert kv('PUT', key, bytes([byte]) * 20000)[0] == 204
    kv.guest.process.kill()
    kv.guest.wait()
    kv = table()
    bad = kv.faults.fail('d', *({**RULES['read'], 'sector': s}
                                for s in rows_of(kv.path, BYTE, 400)[4:8]))
    assert kv('GET', 'bad')[0] in (200, 500)
    assert kv('GET', 'good') == (200, bytes([OTHER]) * 20000)
    kv.faults.heal('d', bad)
    assert kv('GET', 'bad') == (200, bytes([BYTE]) * 20000)
    assert kv('PUT', 'more', b'x')[0] == 204
