# SPDX-License-Identifier: BSD-2-Clause
"""TCP over paths that lose and reorder frames (scripts/relay.c), between an image and this host's
kernel. `make bench BENCH=paths` measures the same beside a Linux guest; the floors here are low,
since the machine may be busy, and far above what a stack without selective retransmission reaches.
Needs root, as any tap does.
"""
import socket

import pytest

from tcpcheck import capture, judge, tcptrace
from vireolib import paths, relay
from vireolib.guest import PATIENCE

pytestmark = pytest.mark.tap

MB = 1_000_000
TRIES = 3                            # a busy moment of this machine is not the stack's
SACK_BLOCKS = (2, 4)                 # of which the most that an ACK has must be one
SEGMENT = 1448                       # bytes of data, with timestamps
# Frames wait between the relay, which records them, and the image.
LIMITS = judge.Limits(race=0.03, slack=0.1, timers=0.5)
# These rules want the order in which the image itself sees frames; test_tcp_path.py judges by them.
IN_ORDER = {'wrong echo', 'ACK that carries nothing', 'second segment without ACK',
            'SACK of what did not come', 'ACK of what did not come', 'out of order without ACK',
            'hole filled without ACK', 'duplicate without ACK', 'SACK begins with another block',
            'SACK of a duplicate that did not come', 'SACK is missing'}


def lossy(percent):
    return {'delay_us': 5000, 'loss_ppm': percent * 10_000}


@pytest.fixture
def bench(built):
    with paths.Bench(built('bulk'), linux=False, patience=PATIENCE) as made:
        yield made
        for guest in made.guests.values():
            assert guest.stderr() == [] and guest.guest_errors() == []


def transfer(bench, way, percent, floor, seconds, pcap=None):
    """A transfer that reaches `floor` bytes a second."""
    done = []
    for seed in range(1, TRIES + 1):
        done.append(bench.transfer(paths.VIREO_IP, way, seconds, lossy(percent), seed, pcap))
        if done[-1].rate >= floor:
            return done[-1]
    raise AssertionError(f'{percent} % lost, {way}: ' + ', '.join(
        f'{t.rate / MB:.3f} MB/s with a pause of {t.pause * 1e3:.0f} ms' for t in done))


def biggest(pcap):
    """What tcptrace says of both ends of the connection that moved most; others are remains."""
    return max(tcptrace.judge(pcap), key=lambda ends: sum(e['unique bytes sent'] for e in ends))


def broken(pcap):
    """The rules that the image's end of the biggest connection breaks."""
    segments = max(capture.connections(capture.read(pcap)), key=len)
    faults = judge.judge(segments, socket.inet_aton(paths.VIREO_IP), LIMITS)
    return [str(f) for f in faults if f.rule not in IN_ORDER]


def test_losses_are_repaired(bench):
    """A stack that repairs one loss a round trip, or waits for timeouts, sends a fourth of it."""
    transfer(bench, 'out', 5, 0.15 * MB, 1.5)


@pytest.mark.full
@pytest.mark.parametrize('way', ['out', 'in'])
@pytest.mark.parametrize('percent, floor', [(1, 1 * MB), (5, 0.3 * MB)])
def test_throughput_with_losses(bench, way, percent, floor):
    transfer(bench, way, percent, floor, 4)


@pytest.mark.full
def test_tcptrace_agrees_about_what_the_image_sends(bench, tmp_path):
    """It sends again what was lost, and next to nothing else."""
    pcap = str(tmp_path / 'out.pcap')
    done = transfer(bench, 'out', 1, 0.5 * MB, 4, pcap)
    _, vireo = biggest(pcap)
    lost = bench.stats['out']['lost']
    assert vireo['req sack'] == 'Y' and vireo['req 1323 ws/ts'] == 'Y/Y'
    assert vireo['initial window'] == 10 * SEGMENT
    assert vireo['unique bytes sent'] >= done.bytes
    assert 0.8 * lost - 10 <= vireo['rexmt data pkts'] <= 1.1 * lost + 10
    assert vireo['max # retrans'] <= 4
    assert broken(pcap) == []


@pytest.mark.full
def test_tcptrace_agrees_about_what_the_image_receives(bench, tmp_path):
    """It says what has come of several holes, and repeats of ours are of what was lost."""
    pcap = str(tmp_path / 'in.pcap')
    transfer(bench, 'in', 1, 0.5 * MB, 4, pcap)
    host, vireo = biggest(pcap)
    assert vireo['req sack'] == 'Y' and vireo['sacks sent'] > 10
    assert SACK_BLOCKS[0] <= vireo['max sack blks/ack'] <= SACK_BLOCKS[1]
    assert vireo['zero win adv'] == 0
    assert vireo['pure acks sent'] <= host['actual data pkts']
    assert broken(pcap) == []
