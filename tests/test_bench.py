# SPDX-License-Identifier: BSD-2-Clause
"""`make bench BENCH="--against DIR"`: figures beside those of an earlier run."""
import os
import struct
import subprocess
import sys

import pytest

from conftest import TREE
from vireolib import bench_blk, bench_net, bench_paths, linux_guest, netevents, relay, report
from vireolib.machine import Unusable


def figures(**rows):
    return {metric: {'metric': metric, 'vireo': value, 'unit': unit}
            for metric, (value, unit) in rows.items()}


def test_both_are_printed_with_the_difference(capsys):
    assert report.compare('x', figures(a=(1000, 'instructions'), b=(4, 'MiB')),
                          figures(a=(1019, 'instructions'), b=(3, 'MiB'))) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ['a', '[instructions]', '1,000', '1,019', '+1.90', '%']
    assert lines[2].split() == ['b', '[MiB]', '4', '3', '-25.00', '%']
    assert lines[-1] == 'bench: x compared=2 worse=0'


@pytest.mark.parametrize('before, now, status', [
    (figures(a=(1000, 'bytes')), figures(a=(1020, 'bytes')), 0),
    (figures(a=(1000, 'bytes')), figures(a=(1021, 'bytes')), 1),
    (figures(a=(1.0, 's')), figures(a=(9.0, 's')), 0),           # as busy as this host is
    (figures(a=(1, 'bytes')), figures(), 1),                     # what is gone is not equal
    (figures(), figures(a=(1, 'bytes')), 0),
    (figures(a=(0, 'bytes')), figures(a=(1, 'bytes')), 0)])
def test_more_than_two_percent_fails(before, now, status):
    assert report.compare('x', before, now) == status


def test_figures_are_read_as_they_were_written(tmp_path):
    report.write_json(str(tmp_path / 'x.json'), [report.Row('a.b', 'bytes', 7)])
    assert report.read_json(str(tmp_path), 'x')['a.b']['vireo'] == 7
    (tmp_path / 'y.json').write_text('{"metric": 1}')
    for name, words in (('nosuch', 'takes the folder'), ('y', 'cannot be read')):
        with pytest.raises(Unusable, match=words):
            report.read_json(str(tmp_path), name)


def test_a_folder_without_figures_ends_the_bench_before_it_begins(tmp_path):
    result = subprocess.run([sys.executable, os.path.join(TREE, 'scripts', 'bench'), '--against',
                             str(tmp_path)], capture_output=True, text=True)
    assert result.returncode == 2 and 'takes the folder' in result.stderr
    assert result.stdout == ''


def test_a_gain_is_better_when_it_is_more():
    row = report.Row('a', 'MB/s', 9.0, linux=10.0, least=8.0)
    assert row.ratio == 0.9 and not row.exceeded and row.bounds(str) == '8.0 or more'
    assert report.Row('a', 'MB/s', 7.9, linux=10.0, least=8.0).exceeded
    assert report.Row('a', 'ms', 9, linux=18).ratio == 2
    share = report.Row('a', '%', 29, least=30, limit=70)
    assert share.exceeded and share.bounds(str) == '30 to 70' and share.ratio is None
    assert report.Row('a', '%', 71, least=30, limit=70).exceeded
    assert not report.Row('a', '%', 50, least=30, limit=70).exceeded


def test_rows_are_chosen_by_name():
    assert len(bench_paths.jobs('')) == 2 * len(bench_paths.CASES) + len(bench_paths.SHARED)
    assert len(bench_paths.jobs(r'loss_1\.')) == 2
    with pytest.raises(Unusable, match=r'loss_0.1.out, loss_0.1.in'):
        bench_paths.jobs('nosuch')
    with pytest.raises(Unusable, match='whole table'):
        bench_paths.main(1, document=True, pattern='loss')


def test_the_bench_of_paths_says_who_may_run_it(monkeypatch):
    monkeypatch.setattr(os, 'geteuid', lambda: 1000)
    with pytest.raises(Unusable, match='run as root'), relay.namespace():
        pass


@pytest.mark.parametrize('init', [linux_guest.BULK, linux_guest.NET, linux_guest.BLK])
def test_the_linux_guest_is_compiled_without_warnings(monkeypatch, init):
    """/init for the guests that images are measured beside: of AArch64, and for no library."""
    monkeypatch.setattr(linux_guest, 'WARNINGS', ['-Wall', '-Wextra', '-Werror'])
    data = linux_guest.compiled(init)
    assert data[:5] == b'\x7fELF\2' and data[16:20] == b'\2\0\xb7\0'
    packed = linux_guest.cpio([('init', 0o100755, data)])
    assert packed[:6] == b'070701' and len(packed) % 4 == 0 and packed.count(b'TRAILER!!!') == 1
    assert data in packed and packed.index(data) % 4 == 0


def test_bars_of_the_network():
    """A limit is absolute, a part of Linux, or that of another row; a rate has a least."""
    figures = {f.metric: f for f in bench_net.every_figure()}
    assert set(bench_net.BARS) <= set(figures)
    row = bench_net.row_of(figures['net.tcprr.insn_op'], {'vireo': 4001, 'linux': 20000}, 5, [])
    assert row.exceeded and row.limit == 4000 and row.n == 1
    row = bench_net.row_of(figures['tap.net.tcptx.insn_MiB'], {'vireo': 300, 'linux': 800}, 5, [])
    assert row.limit == 320 and not row.exceeded
    alone = bench_net.row_of(figures['tap.net.tcptx.insn_MiB'], {'vireo': 300}, 5, [])
    assert alone.limit is None and not alone.exceeded
    other = report.Row('http.keepalive.insn_req', 'instructions', 1000)
    row = bench_net.row_of(figures['http.keepalive_open500.insn_req'], {'vireo': 1101}, 5, [other])
    assert row.limit == 1100 and row.exceeded
    row = bench_net.row_of(figures['net.tcprr.ops_s'],
                           {'vireo': 90, bench_net.POLLED: 110, 'linux': 50}, 5, [])
    assert row.vireo == 110 and row.least == 100 and not row.exceeded and 'polled' in row.config


def test_rows_of_the_network_have_the_names_that_are_read():
    named = {f.metric for f in bench_net.every_figure()}
    assert {'tap.net.tcptx.insn_MiB', 'tap-nooff.net.tcprx.insn_MiB', 'user.net.tcptx.insn_MiB',
            'net.tcprr.insn_op', 'net.udprr.insn_op', 'net.udptx.insn_op',
            'net.udprx_burst40.insn_op', 'vnet.tx.insn_frame', 'vnet.rx.insn_frame',
            'http.close.insn_req', 'http.keepalive.insn_req', 'http.keepalive_open500.insn_req',
            'http.file10M.insn_MiB', 'tap.net.tcptx.MBps', 'tap-nooff.net.tcprx.MBps',
            'user.net.tcprx.MBps', 'net.tcprr.ops_s', 'net.udptx.rcvd_pps', 'http.close_c1_rps',
            'http.keepalive_c1_rps', 'http.keepalive_c16_rps'} <= named
    with pytest.raises(Unusable, match='tap.net.tcptx.insn_MiB'):
        report.chosen(bench_net.every_figure(), 'nosuch')
    with pytest.raises(Unusable, match='whole table'):
        bench_net.main(1, document=True, alone=True)


def test_acknowledgements_are_counted_in_a_record(tmp_path):
    """From the guest, of IPv4, without data, FIN, SYN or RST; with the card's header in front."""
    def frame(flags=0x10, data=0, source=netevents.CARD, front=0):
        head = struct.pack('>BBHHHBBH8x', 0x45, 0, 40 + data, 0, 0, 64, 6, 0)
        tcp = struct.pack('>HHIIBBHHH', 1, 2, 3, 4, 0x50, flags, 5, 0, 0)
        return bytes(front) + b'\2' * 6 + source + b'\x08\0' + head + tcp + bytes(data)

    frames = [frame(), frame(front=12), frame(data=1), frame(flags=0x12), frame(flags=0x18),
              frame(source=b'\2\2\2\2\2\2'), b'\2' * 60]
    path = tmp_path / 'x.pcap'
    path.write_bytes(bytes(24) + b''.join(struct.pack('<IIII', 0, 0, len(f), len(f)) + f
                                          for f in frames))
    assert netevents.acks(str(path)) == 3         # with PSH, too
    few, whole = dict.fromkeys(netevents.NAMES, 10), dict.fromkeys(netevents.NAMES, 136)
    assert netevents.each({'n': 64}, few, whole)['kicks'] == 2


def test_a_ceiling_is_high_enough():
    figure = next(f for f in bench_net.every_figure() if f.metric == 'net.tcprr.ops_s')
    ceiling = report.Row(bench_net.TRIPS_MOST, 'a second', 100)
    row = bench_net.row_of(figure, {'vireo': 86, 'linux': 50}, 5, [ceiling])
    assert row.least == 85 and not row.exceeded


def test_bars_of_the_disk():
    """A rate has a multiple of Linux's, or most of the ceiling of its run; polled it is no less."""
    figures = {f.metric: f for f in bench_blk.every_figure()}
    assert len(figures) == len(list(bench_blk.every_figure()))
    assert all(f.of_ceiling in ('', *figures) for f in figures.values())
    ceiling = report.Row('ceiling.blk.randread.4k.ops_s', 'a second', 100.0)
    row, polled = bench_blk.rows_of(figures['blk.randread.4k.qd32.ops_s'],
                                    {'vireo': 84.0, bench_blk.POLLED: 80.0, 'linux': 60.0}, 5,
                                    [ceiling])
    assert row.least == 85 and row.exceeded and row.n == 5
    assert polled.metric == 'blk.randread.4k.qd32_polled.ops_s'
    assert polled.least == 75.6 and not polled.exceeded
    row, = bench_blk.rows_of(figures['blk.randread.4k.qd32.ops_s'], {'vireo': 79.0}, 5, [ceiling])
    assert row.least == 80 and row.exceeded
    row, = bench_blk.rows_of(figures['blk.randread.4k.qd32.insn_op'], {'vireo': 251.0}, 5, [])
    assert row.exceeded and row.limit == 250 and row.n == 1
    with pytest.raises(Unusable, match='no row matches'):
        report.chosen(bench_blk.every_figure(), 'nosuch')
