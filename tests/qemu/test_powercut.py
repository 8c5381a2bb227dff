# SPDX-License-Identifier: BSD-2-Clause
"""Power cuts in short: what `make powercut` does 1,000 times to each image that writes; and that it
would find a loss.
"""
import dataclasses
import random

import pytest

from vireolib import powercut, writelog
from vireolib.cut_table import WORKLOADS
from vireolib.guest import PATIENCE


@pytest.fixture
def workload(request, builder, built):
    """The workload of that name, with what it needs built."""
    found = WORKLOADS[request.param]
    builder(f'build/host/cut-{found.name}')
    built(found.app)
    return found


def found_by(workload, recorded, count=12):
    """What is wrong with the disks of so many cuts."""
    return [wrong for _, acknowledged, disk in powercut.cuts(recorded, count, 'test')
            if (wrong := powercut.try_cut(workload, disk, acknowledged, False))]


@pytest.mark.parametrize('workload', WORKLOADS, indirect=True)
def test_what_was_acknowledged_is_there(workload, tmp_path):
    """Disks of cuts, one of which is booted from, and one of a QEMU that was killed. Without the
    log's flushes, that is if the device had been sent none, losses are found."""
    recorded = powercut.record(workload, str(tmp_path), workload.few, PATIENCE)
    assert workload.count(recorded.acks[-1][1]) >= workload.few - 1
    assert found_by(workload, recorded) == []
    *_, (_, acknowledged, disk) = powercut.cuts(recorded, 2, 'boot')
    assert powercut.try_cut(workload, disk, acknowledged, True) == ''
    assert powercut.try_kill(workload, random.Random(1), PATIENCE) == ''
    lying = [dataclasses.replace(e, flags=e.flags & ~(writelog.FLUSH | writelog.FUA))
             for e in recorded.entries]
    assert found_by(workload, dataclasses.replace(recorded, entries=lying), 4)


# ---- the log -------------------------------------------------------------------------------------

def entry(at, data, flags=0):
    return writelog.Entry(at * 512, len(data), flags, memoryview(data), 0)


FLUSH = entry(0, b'', writelog.FLUSH)


def test_a_cut_keeps_what_was_flushed_and_any_of_the_rest():
    old, new, more = bytes([1]) * 1024, bytes([2]) * 1024, bytes([3]) * 512
    log = [entry(0, old), FLUSH, entry(0, new), entry(3, more)]
    disks = {bytes(writelog.Cutter(bytes(2048), log).disk(4, random.Random(seed)))
             for seed in range(200)}
    sectors = {(disk[0], disk[512], disk[1024], disk[1536]) for disk in disks}
    assert sectors == {(a, b, 0, c) for a in (1, 2) for b in (1, 2) for c in (0, 3)}
    assert writelog.Cutter(bytes(2048), log).disk(2, random.Random(0))[:1024] == old


def test_writes_of_the_same_place_may_be_kept_in_any_order():
    log = [entry(0, bytes([n]) * 512) for n in (1, 2)]
    left = {writelog.Cutter(bytes(512), log).disk(2, random.Random(seed))[0]
            for seed in range(100)}
    assert left == {0, 1, 2}


def test_an_acknowledgement_counts_from_where_the_log_was():
    log = [dataclasses.replace(entry(n, bytes(512)), end=1024 * (n + 1)) for n in range(4)]
    recorded = powercut.recording(WORKLOADS['blkcheck'], b'', log, [(2048, 1), (3500, 2)])
    assert [recorded.acknowledged(cut) for cut in range(5)] == [0, 0, 1, 2, 2]
