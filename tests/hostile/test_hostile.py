# SPDX-License-Identifier: BSD-2-Clause
"""The hostile process: a few cells of its table, and that its verdicts are right."""
import re
import time
import types

import pytest

from hostile import table
from hostile.attacks_used import IdWild
from hostile.cell import Cell, Run, Watch, run
from hostile.disk import BLOCK, OK, READ, SECTOR, WRITE, Disk, content

# A few attacks of each kind, on each machine, and their verdicts.
SUBSET = {'blk-id-wild pci packed': 'RECOVERED', 'blk-index-by-size mmio split': 'RECOVERED',
          'blk-flush-never pci split': 'RECOVERED',
          'blk-flush-forgets mmio packed': 'FAILED-CLEAN',
          'blk-vanish-unflushed pci split': 'RECOVERED',
          'blk-status-read-error mmio packed': 'FAILED-CLEAN',
          'blk-capacity-huge pci split': 'FAILED-CLEAN',
          'rx-id-wild mmio packed': 'RECOVERED', 'rx-header-ones pci packed': 'RECOVERED',
          'tx-id-twice mmio split': 'RECOVERED'}


@pytest.mark.parametrize('name', SUBSET)
def test_cell(built, name, tmp_path):
    cell = next(c for c in table.cells(table.every()) if c.name == name)
    log = tmp_path / 'log'
    result = run(cell, built('hostage'), str(log))
    assert result.verdict == SUBSET[name], log.read_text()[-6000:]


def test_table_is_large_and_its_names_are_stable():
    pairs = table.every()
    names = [f'{target}-{kind.name}' for kind, target in pairs]
    assert len(set(names)) == len(names) >= 40
    assert all(kind.__doc__ and kind.__doc__.strip().endswith('.') for kind, _ in pairs)
    cells = table.cells(pairs)
    assert {(c.transport, c.ring) for c in cells} == \
        {(t, r) for t in ('mmio', 'pci') for r in ('split', 'packed')}


def test_mistakes_are_explained():
    for regex in ('no-such-attack', '('):
        with pytest.raises(table.Unusable, match='matches|expression'):
            table.main('', [regex])


# ---- the disk ------------------------------------------------------------------------------------

@pytest.fixture
def disk():
    disk = Disk()
    disk.backend = types.SimpleNamespace(rings=[])
    return disk


def write(disk, block, generation):
    data = content(block, generation)
    assert disk.request(WRITE, block * BLOCK // SECTOR, data, 0)[0] == OK


def test_disk_reads_what_was_written(disk):
    assert disk.request(READ, 8 * 3, b'', BLOCK) == (OK, content(3, 0))
    write(disk, 3, 5)
    assert disk.request(READ, 8 * 3, b'', BLOCK) == (OK, content(3, 5))


def test_disk_loses_what_was_not_flushed(disk):
    write(disk, 1, 1)
    disk.flush()
    write(disk, 1, 2)
    disk.reset()
    assert not disk.losses({1: (1, 2)}) and disk.lost == 8
    assert len(disk.losses({0: (0, 0), 1: (2, 2)})) == 1


def test_disk_finds_half_a_block(disk):
    write(disk, 4, 1)
    disk.flush()
    disk.durable[4 * BLOCK + 700] ^= 1
    assert disk.losses({4: (0, 1)}) == ['block 4, byte 512: of none of the generations 0 to 1']


# ---- the judgement -------------------------------------------------------------------------------

class Image:
    """An image that has printed these lines, one every 10 ms from now on."""
    status = 0

    def __init__(self, *lines):
        self.started = time.monotonic()
        self.lines = [(0.01 * (n + 1), text) for n, text in enumerate(lines)]
        self.said, self.told = [], []

    def seen(self, pattern):
        return [text for _, text in self.lines if re.search(pattern, text)]

    def guest_errors(self):
        return self.said

    def stderr(self):
        return self.told


def counts(read, sync, echo, wrong=0):
    return f'hostage: at=1 read={read}/0/{wrong} sync={sync}/0/0 echo={echo}/0/0 lost=0'


ERROR = 'hostage: at=1 op=read result=-5'
WORKS = (counts(5, 5, 5), counts(6, 6, 6), counts(8, 8, 8), counts(10, 10, 10))
NET_WORKS = (counts(5, 5, 5), counts(5, 5, 6), counts(5, 5, 8), counts(5, 5, 10))
GONE = 'hostage: at=1 device=vblk0 state=gone resets=3 recoveries=0 cause=x'
STUCK = (counts(5, 5, 5),) * 4
PROMISE = 'hostage: blocks 0 0-0 0-0'


def judged(*lines, ended=True, hits=1, fallen=(), broken=(), breaks=(), **image):
    """The verdict on an attack of the disk that ended when the image printed its first line."""
    run = Run.__new__(Run)
    run.cell = Cell(IdWild, 'blk', 'mmio', 'split')
    run.guest = Image(*lines, PROMISE)
    vars(run.guest).update(image)
    run.watch = Watch(run.guest)
    run.watch.look()
    run.own, run.others = ('read', 'sync'), ('echo',)
    run.disk = Disk()
    run.disk.violations += broken
    run.card = types.SimpleNamespace(violations=[], station=types.SimpleNamespace(wrong=[]))
    run.attack = types.SimpleNamespace(hits=hits, over_at=run.guest.started, alters=False,
                                       first_at=run.guest.started, breaks=breaks, says=('vhost',))
    run.fallen = fallen
    return run, run.judge(run.watch.since(run.moment(), run.own + run.others), ended)


def verdict(*lines, **more):
    return judged(*lines, **more)[1].verdict


def test_verdicts():
    assert verdict(*WORKS) == 'RECOVERED'
    assert verdict(*WORKS, ERROR) == 'FAILED-CLEAN'
    assert verdict(*NET_WORKS, ERROR) == 'FAILED-CLEAN'
    assert verdict(*NET_WORKS) == 'HANG'
    assert verdict(*STUCK, ERROR) == 'HANG'
    assert verdict(*WORKS, GONE) == 'HANG'
    assert verdict(*WORKS, ended=False) == 'HANG'
    assert verdict(*WORKS, counts(10, 10, 10, wrong=1)) == 'SILENT-LOSS'
    assert verdict(*WORKS, 'vireo: panic: x', status=134) == 'CRASH'
    assert verdict(*WORKS, said=['Guest says index 7']) == 'CRASH'
    assert verdict(*WORKS, told=['qemu: what is this?']) == 'CRASH'
    assert verdict(*WORKS, told=['qemu: a line about vhost']) == 'RECOVERED'
    assert verdict(*WORKS, broken=['a chain without an end']) == 'MISBEHAVED'
    assert verdict(*WORKS, broken=['a chain without an end'], breaks=('packed',)) == 'MISBEHAVED'
    assert verdict(*WORKS, broken=['a chain without an end'], breaks=('split',)) == 'RECOVERED'
    assert verdict(*WORKS, hits=0) == 'NOT-STRUCK'
    assert verdict(*WORKS, fallen=[ValueError()]) == 'NOT-STRUCK'


def test_a_device_that_is_given_up_does_not_work():
    """Also if its operations succeeded before."""
    assert judged(*WORKS)[1].works and not judged(*WORKS, ERROR, GONE)[1].works


def test_a_promise_that_was_not_kept():
    assert verdict(*WORKS, 'hostage: blocks 16 1-2') == 'SILENT-LOSS'


def test_time_to_recovery_counts_from_the_end_of_the_attack():
    _, result = judged(*WORKS)
    assert result.works and 25 <= result.ms <= 35          # the third line


def test_the_front_door(make):
    """`make hostile` names what to do when no attack has that name."""
    said = make('-s', 'hostile', 'HOSTILE=no-such-attack')
    assert said.returncode and '--list names them' in said.stdout + said.stderr
