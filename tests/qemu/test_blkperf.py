# SPDX-License-Identifier: BSD-2-Clause
"""examples/blkperf, and what `make bench BENCH=blk` measures with it."""
import json

import pytest

from vireolib import bench_blk, bench_blk_counts, images, netguests
from vireolib.machine import Disk

LOADS = {'randread': {'depth': 8, 'n': 40}, 'randwrite': {'depth': 130, 'n': 300, 'size': 512},
         'seqread': {'depth': 2, 'n': 10, 'size': 131072}, 'flush': {'depth': 1, 'n': 5},
         'seqwrite': {'depth': 4, 'n': 12, 'burst': 1}, 'pread': {'n': 10}, 'borrow': {'n': 10},
         'append': {'n': 10, 'size': 100, 'path': '/dev/vblk0'}}


@pytest.fixture
def blkperf(boot, tmp_path):
    """blkperf(run=NAME, ...) boots the image with that load: (its guest, exit status)."""
    disk = tmp_path / 'disk.img'
    disk.write_bytes(bytes(1 << 20))

    def run(plugin='', **words):
        guest = boot('blkperf', net='none', plugin=plugin, disks=[Disk(str(disk))],
                     append=' '.join(f'vireo.blkperf.{key}={value}'
                                     for key, value in words.items()))
        return guest, guest.wait(20)
    return run


@pytest.mark.parametrize('name', LOADS)
def test_each_load_is_carried_and_counted(blkperf, tmp_path, name):
    counter = netguests.Counter(str(tmp_path))
    guest, status = blkperf(counter.plugin, run=name, **LOADS[name])
    assert status == 0
    result = bench_blk.result_of(name, guest.text)
    assert result['operations'] == LOADS[name]['n'] and result['ns'] > 0
    assert result['bytes'] == result['operations'] * LOADS[name].get('size', 4096)
    assert counter.of_load(0) > 50 * result['operations']


def test_a_load_ends_in_time(blkperf):
    guest, status = blkperf(run='randread', ms=50)
    result = bench_blk.result_of('randread', guest.text)
    assert status == 0 and result['bytes'] > 0 and result['ns'] >= 50e6


@pytest.mark.parametrize('words, said', [
    ({'run': 'nosuch'}, 'is randread, randwrite'), ({'run': 'open'}, 'vireo.blkperf.path='),
    ({'run': 'append'}, 'append, create, files with'),
    ({'run': 'append', 'path': '/dev/vblk9'}, '/dev/vblk9: Read-only'),
    ({'disk': 'vblk7'}, 'there is no disk vblk7'), ({'size': 1000}, 'a multiple of 512'),
    ({'depth': 0}, 'depth from 1 to')])
def test_mistakes_are_told(blkperf, words, said):
    guest, status = blkperf(**words)
    assert status == 1
    guest.expect(f'^blkperf: .*{said}')


def test_exits_kicks_and_interrupts_are_counted():
    line = 'memory_region_ops_{} cpu 0 mr 0x5 addr {} value 0x0 size 4 name {!r}'
    lines = [line.format('write', '0xa003e50', 'virtio-mmio'), 'virtio_notify vdev 0x5 vq 0x6',
             line.format('read', '0xa003e60', 'virtio-mmio'),
             line.format('write', '0x9000050', 'pl011')]
    assert bench_blk_counts.count(lines) == {'exits': 2, 'kicks': 1, 'irqs': 1}


@pytest.mark.parametrize('where', ['raw', 'fs'])
def test_what_appends_write(built, tmp_path, where):
    """Each append of a few bytes to a disk is one block and one flush; to a file, littlefs has
    metadata, too."""
    built('blkperf')
    vireo = bench_blk.Vireo(str(tmp_path))
    found = {}
    for figure in bench_blk.every_figure():
        if figure.logged and figure.metric.startswith(where):
            figure.load = {**figure.load, 'n': 20}
            found[figure.logged] = vireo.measure(figure)
    most = 20 if where == 'raw' else 50
    assert 20 <= found['flushes'] <= most and 20 <= found['writes'] <= most
    assert where == 'fs' or found['kB'] == 20 * 4.096


@pytest.mark.full
def test_rows_beside_linux():
    """Each guest has a figure, Linux the larger count; and blk.json has them."""
    bench_blk.main(1, pattern=r'randread.4k.qd1\.insn|flush.4k.qd1.ops|ceiling.host.seqread|'
                      r'flush.4k.qd1.kicks|fs.create.insn')
    with open(f'{images.BUILD}/bench/blk.json') as f:
        rows = {row['metric']: row for row in json.load(f)}
    assert rows['blk.randread.4k.qd1.insn_op']['ratio'] > 1
    assert rows['fs.create.insn_op']['linux'] > 100000      # ext4, not the Linux guest's memory
    assert rows['blk.flush.4k.qd1.kicks_op']['linux'] == 2
    assert rows['blk.flush.4k.qd1_polled.ops_s']['vireo'] > 0
    assert rows['ceiling.host.seqread.128k.MBps']['vireo'] > 0
