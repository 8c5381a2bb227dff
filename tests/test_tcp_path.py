# SPDX-License-Identifier: BSD-2-Clause
"""TCP over the simulated path (tests/host/net/path.h): many seeds, and captures of its frames."""
import ipaddress
import os
import re
import subprocess

import pytest

from conftest import TREE
from tcpcheck import capture
from tcpcheck.judge import Limits, judge
from vireolib.guest import PATIENCE

SEEDS = 1000
AT_ONCE = 2


@pytest.mark.full
@pytest.mark.timeout(600)
def test_seeds(builder):
    """Over 1,000 random paths every byte arrives, in bounded time, and memory returns."""
    builder('build/host/test_tcp_random')
    program = os.path.join(TREE, 'build', 'host', 'test_tcp_random')
    share = SEEDS // AT_ONCE
    running = [subprocess.Popen([program, 'seeds', str(1 + n * share), str(share)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
               for n in range(AT_ONCE)]
    texts = [p.communicate(timeout=590 * PATIENCE)[0] for p in running]
    failed = re.findall(r'^FAIL .*$', ''.join(texts), re.M)
    assert not failed, '\n'.join(failed)
    assert len(re.findall(r'^ok ', ''.join(texts), re.M)) == SEEDS


def case_names():
    """The cases of test_tcp_path.c."""
    with open(os.path.join(TREE, 'tests', 'host', 'test_tcp_path.c'), encoding='ascii') as f:
        return re.findall(r'^    CASE\((\w+)\)', f.read(), re.M)


# In these, the sender has nothing to send at times.
SPARING = ('a_little_at_a_time', 'much_after_a_rest', 'both_ends_send_and_lose')
# Side B of these is judged always, of the others in `make test-full`.
RECEIVERS = ('nothing_is_lost_of_ipv4', 'one_in_twenty_is_lost', 'one_in_twenty_is_late',
             'some_come_twice_or_shortened', 'the_reader_stands_still', 'a_little_at_a_time')
ENDS = [pytest.param(name, side, marks=() if side == 'A' or name in RECEIVERS else pytest.mark.full)
        for name in case_names() for side in 'AB']
# These are run with a card that makes packets and sums as well (path.h: path_offloads).
CUT = ('nothing_is_lost_of_ipv4', 'nothing_is_lost_of_ipv6', 'one_in_twenty_is_lost')
CARDS = ([pytest.param(*end.values, False, marks=end.marks) for end in ENDS] +
         [pytest.param(name, 'A', True, marks=() if name in CUT else pytest.mark.full)
          for name in case_names()])
ADDRESSES = {'A': ('10.0.0.1', 'fd00:a::1'), 'B': ('10.1.0.1', 'fd00:b::1')}


@pytest.mark.parametrize('name, side, offloads', CARDS)
def test_frames(builder, tmp_path, name, side, offloads):
    """Each end keeps the rules of tests/tcpcheck/ in what it sends."""
    builder('build/host/test_tcp_path')
    path = str(tmp_path / 'frames.pcap')
    environment = {**os.environ, 'VIREO_PCAP': path}
    if side == 'B':
        environment['VIREO_PCAP_B'] = '1'
    if offloads:
        environment['VIREO_OFFLOADS'] = '1'
    done = subprocess.run([os.path.join(TREE, 'build', 'host', 'test_tcp_path'), name], text=True,
                          capture_output=True, env=environment, timeout=60 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    us = ipaddress.ip_address(ADDRESSES[side]['ipv6' in name]).packed
    connections = capture.connections(capture.read(path))
    assert connections and all(us in (s.src[0], s.dst[0]) for c in connections for s in c)
    faults = [str(f) for c in connections for f in judge(c, us, Limits(greedy=name not in SPARING))]
    assert not faults, '\n'.join(faults[:20])
