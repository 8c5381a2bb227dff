# SPDX-License-Identifier: BSD-2-Clause
"""A disk that fails at chosen sectors, for each type of request: the right error at the right call,
what lies beside it intact, and all of it durable when the disk works again. For users of block.h
and of /dev/vblk0 (tests/apps/diskcalls makes the calls).
"""
import errno

import pytest

from vireolib import faults
from vireolib.machine import Machine

EIO = (-1, errno.EIO)
NOT_SUPPORTED = (-1, 134)            # newlib's ENOTSUP
BLOCK, SECTORS = 4096, 8             # of the cache
SIZE = 4 << 20
BAD = 100                            # the block of the bad sector
OLD, NEW = 1, 2
RULES = {what: {'iotype': what, 'errno': 5}
         for what in ('read', 'write', 'flush', 'write-zeroes', 'discard')}


class Calls:
    """The image, and the calls that it makes."""

    def __init__(self, guest, path):
        self.guest, self.path = guest, path
        self.faults = faults.Faults(guest)
        guest.expect('^diskcalls: ready')

    def __call__(self, *words):
        """(result, errno), or with what was read: (result, errno, [(count, byte) ...])."""
        self.guest.send(' '.join(map(str, words)) + '\n')
        result, error, rest = self.guest.expect(r'^call: (-?\d+) (\d+)(.*)$').groups()
        runs = [tuple(map(int, run.split('x'))) for run in rest.split()]
        return (int(result), int(error), runs) if rest else (int(result), int(error))

    def fail(self, what, sector=None, **more):
        rule = {**RULES[what], **more}
        if sector is not None:
            rule['sector'] = sector
        return self.faults.fail('d', rule)

    def heal(self, node):
        self.faults.heal('d', node)

    def on_disk(self, block, count=1):
        """The bytes of those blocks as they are in the file, [(count, byte) ...]."""
        with open(self.path, 'rb') as f:
            f.seek(block * BLOCK)
            return runs_of(f.read(count * BLOCK))


def runs_of(data):
    runs = []
    for byte in data:
        if runs and runs[-1][1] == byte:
            runs[-1][0] += 1
        else:
            runs.append([1, byte])
    return [tuple(run) for run in runs]


@pytest.fixture(params=['mmio', pytest.param('pci', marks=pytest.mark.full)])
def calls(request, boot, built, tmp_path):
    path = tmp_path / 'd'
    path.write_bytes(bytes([OLD]) * SIZE)
    args = faults.FaultDisk('d', str(path)).args(request.param)
    return Calls(boot.machine(Machine(built('diskcalls'), transport=request.param, net='none',
                                      extra=args)), str(path))


# ---- users of block.h ----------------------------------------------------------------------------

@pytest.mark.parametrize('what', ['read', 'write'])
def test_a_request_that_holds_a_bad_sector_fails_and_no_other(calls, what):
    bad = calls.fail(what, BAD * SECTORS + 3)
    for sector, count in ((BAD * SECTORS, 3), (BAD * SECTORS + 4, 4), (BAD * SECTORS - 8, 11)):
        assert calls('raw', what, sector, count, NEW)[0] == 0
    for sector, count in ((BAD * SECTORS + 3, 1), (BAD * SECTORS, 8), (BAD * SECTORS - 40, 80)):
        assert calls('raw', what, sector, count, NEW) == EIO
    assert calls('raw', 'read' if what == 'write' else 'write', BAD * SECTORS + 3, 1, NEW)[0] == 0
    assert calls('raw', 'flush', 0, 0, 0) == (0, 0)
    assert calls('raw', 'id', 0, 0, 0) == (0, 0)
    calls.heal(bad)
    assert calls('raw', what, BAD * SECTORS, 8, NEW)[0] == 0


def test_a_flush_that_fails_is_told_and_the_next_succeeds(calls):
    bad = calls.fail('flush', once=True)    # QEMU itself flushes when it heals
    assert calls('raw', 'write', 8, 8, NEW) == (0, 0)
    assert calls('raw', 'flush', 0, 0, 0) == EIO
    assert calls('raw', 'read', 8, 8, 0) == (0, 0, [(4096, NEW)])
    calls.heal(bad)
    assert calls('raw', 'flush', 0, 0, 0) == (0, 0)


@pytest.mark.parametrize('what, call', [('write-zeroes', 'zeroes'), ('discard', 'discard')])
def test_a_range_that_holds_a_bad_sector_fails_and_no_other(calls, what, call):
    """What the range holds is not changed, nor is what lies beside the good ones."""
    bad = calls.fail(what, BAD * SECTORS + 3)
    for block in (BAD - 1, BAD + 1):
        assert calls('raw', call, block * SECTORS, SECTORS, 0) == (0, 0)
    assert calls('raw', call, BAD * SECTORS, SECTORS, 0) == EIO
    assert calls('raw', call, (BAD - 4) * SECTORS, 8 * SECTORS, 0) == EIO
    assert calls('raw', 'read', BAD * SECTORS, 8, 0) == (0, 0, [(BLOCK, OLD)])
    assert calls('raw', 'flush', 0, 0, 0) == (0, 0)
    assert calls.on_disk(BAD) == calls.on_disk(BAD - 5) == calls.on_disk(BAD + 5) == [(BLOCK, OLD)]
    if call == 'zeroes':
        assert calls.on_disk(BAD - 1) == calls.on_disk(BAD + 1) == [(BLOCK, 0)]
    calls.heal(bad)
    assert calls('raw', call, BAD * SECTORS, SECTORS, 0) == (0, 0)
    if call == 'zeroes':
        assert calls('raw', 'read', BAD * SECTORS, 8, 9) == (0, 0, [(BLOCK, 0)])
    assert calls('raw', 'write', BAD * SECTORS, 8, NEW) == (0, 0)
    assert calls.on_disk(BAD - 5) == [(BLOCK, OLD)] and calls.on_disk(BAD) == [(BLOCK, NEW)]


def test_what_the_disk_does_not_do(calls):
    for call, count in (('erase', 8), ('lifetime', 0)):
        assert calls('raw', call, 0, count, 0) == NOT_SUPPORTED
    assert calls.on_disk(0, 2) == [(2 * BLOCK, OLD)]


# ---- users of files ------------------------------------------------------------------------------

def opened(calls, flags='rw'):
    fd, error = calls('open', '/dev/vblk0', flags)
    assert error == 0
    return fd


def test_a_read_ends_before_a_bad_block_and_goes_on_behind_it(calls):
    fd = opened(calls)
    bad = calls.fail('read', BAD * SECTORS + 3)
    at = (BAD - 2) * BLOCK
    assert calls('pread', fd, at, 5 * BLOCK) == (2 * BLOCK, 0, [(2 * BLOCK, OLD)])
    assert calls('pread', fd, BAD * BLOCK, 1) == EIO
    assert calls('pread', fd, BAD * BLOCK + 4095, 100) == EIO
    assert calls('pread', fd, (BAD + 1) * BLOCK, 100) == (100, 0, [(100, OLD)])
    calls.heal(bad)
    assert calls('pread', fd, at, 5 * BLOCK) == (5 * BLOCK, 0, [(5 * BLOCK, OLD)])


def test_a_part_of_a_block_that_cannot_be_read_is_not_written(calls):
    """The rest of the block is unknown; a whole block needs no reading."""
    fd = opened(calls)
    bad = calls.fail('read', BAD * SECTORS + 3)
    assert calls('pwrite', fd, BAD * BLOCK + 7, 9, NEW) == EIO
    assert calls('fsync', fd) == (0, 0)
    assert calls('pwrite', fd, (BAD - 1) * BLOCK + 4000, 200, NEW) == (96, 0)
    assert calls('pwrite', fd, BAD * BLOCK, BLOCK, NEW) == (BLOCK, 0)
    assert calls('fsync', fd) == (0, 0)
    calls.heal(bad)
    assert calls.on_disk(BAD - 1, 3) == [(4000, OLD), (96 + BLOCK, NEW), (BLOCK, OLD)]


@pytest.mark.parametrize('sync', ['fsync', 'fdatasync'])
def test_a_block_that_cannot_be_written_fails_the_sync_of_each_descriptor(calls, sync):
    """Each failure once for each; its neighbours are on the disk, what was written can be read all
    the time, and is written when the disk works again."""
    fd, other = opened(calls), opened(calls)
    bad = calls.fail('write', BAD * SECTORS + 3)
    for block in (BAD - 2, BAD - 1, BAD, BAD + 1, BAD + 2):
        assert calls('pwrite', fd, block * BLOCK, BLOCK, NEW) == (BLOCK, 0)
    assert calls(sync, fd) == EIO
    assert calls(sync, other) == EIO
    assert calls('pread', fd, BAD * BLOCK, BLOCK) == (BLOCK, 0, [(BLOCK, NEW)])
    assert calls.on_disk(BAD - 2, 2) == calls.on_disk(BAD + 1, 2) == [(2 * BLOCK, NEW)]
    assert calls.on_disk(BAD) == [(BLOCK, OLD)]
    calls.heal(bad)
    assert calls(sync, other) == (0, 0)
    assert calls(sync, fd) == EIO                     # of the second failure, which `other` caused
    assert calls(sync, fd) == (0, 0)
    assert calls.on_disk(BAD - 3, 7) == [(BLOCK, OLD), (5 * BLOCK, NEW), (BLOCK, OLD)]


def test_a_write_that_is_its_own_sync_fails_itself(calls):
    fd = opened(calls, 'rwd')
    bad = calls.fail('write', BAD * SECTORS)
    assert calls('pwrite', fd, BAD * BLOCK, BLOCK, NEW) == EIO
    assert calls('pwrite', fd, 8 * BLOCK, BLOCK, NEW)[1] in (0, errno.EIO)
    calls.heal(bad)
    assert calls('pwrite', fd, 9 * BLOCK, BLOCK, NEW) == (BLOCK, 0)
    assert calls.on_disk(BAD) == [(BLOCK, NEW)] and calls.on_disk(8, 2) == [(2 * BLOCK, NEW)]


def test_a_flush_that_fails_fails_the_sync_and_the_next_sync_writes_again(calls):
    fd = opened(calls)
    bad = calls.fail('flush', once=True)    # QEMU itself flushes when it heals
    assert calls('pwrite', fd, BAD * BLOCK, BLOCK, NEW) == (BLOCK, 0)
    assert calls('fsync', fd) == EIO
    with open(calls.path, 'r+b') as f:                # the disk has forgotten what it had
        f.seek(BAD * BLOCK)
        f.write(bytes([OLD]) * BLOCK)
    calls.heal(bad)
    assert calls('fsync', fd) == (0, 0)
    assert calls.on_disk(BAD - 1, 3) == [(BLOCK, OLD), (BLOCK, NEW), (BLOCK, OLD)]


def test_a_disk_that_fails_altogether_and_comes_back(calls):
    """All that was written meanwhile and before is there."""
    fd = opened(calls)
    assert calls('pwrite', fd, 0, 10 * BLOCK, NEW) == (10 * BLOCK, 0)
    bad = calls.faults.fail('d', RULES['read'], RULES['write'])
    assert calls('pread', fd, BAD * BLOCK, 10) == EIO
    assert calls('pwrite', fd, 20 * BLOCK, 10 * BLOCK, NEW) == (10 * BLOCK, 0)
    assert calls('pwrite', fd, BAD * BLOCK + 1, 10, NEW) == EIO
    for _ in range(3):
        assert calls('fsync', fd) == EIO
    assert calls('pread', fd, 20 * BLOCK, BLOCK) == (BLOCK, 0, [(BLOCK, NEW)])
    calls.heal(bad)
    assert calls('fsync', fd) == (0, 0)
    assert calls('pread', fd, BAD * BLOCK, 10) == (10, 0, [(10, OLD)])
    assert calls.on_disk(0, 31) == [(10 * BLOCK, NEW), (10 * BLOCK, OLD), (10 * BLOCK, NEW),
                                    (BLOCK, OLD)]


def test_a_full_disk(calls):
    """Nothing is written behind the end, and what is before it is."""
    fd = opened(calls)
    assert calls('pwrite', fd, SIZE - BLOCK - 10, 3 * BLOCK, NEW) == (BLOCK + 10, 0)
    assert calls('pwrite', fd, SIZE, 10, NEW) == (-1, errno.ENOSPC)
    assert calls('fsync', fd) == (0, 0)
    assert calls.on_disk(SIZE // BLOCK - 2, 2) == [(BLOCK - 10, OLD), (BLOCK + 10, NEW)]
