# SPDX-License-Identifier: BSD-2-Clause
"""scripts/relay.c, on whose paths `make bench BENCH=paths` measures: what it does with frames.
Needs root, as any tap does."""
import os
import select
import socket
import struct
import time

import pytest

from conftest import TREE
from vireolib import paths, relay
from vireolib.machine import Unusable

pytestmark = pytest.mark.tap

ETH_P_ALL = 3
GUEST, OTHER, HOST, ALL = b'\2\0\0\0\0\1', b'\2\0\0\0\0\2', b'\2\0\0\0\0\3', b'\xff' * 6
IP, STRANGE = 0x0800, 0x88b5
MARK = b'relay test'
LIMIT = 30                           # s, for what takes a part of a second


class FakeGuest:
    """Speaks with the relay as QEMU does."""

    def __init__(self, path, mac=GUEST):
        self.mac, self.rest = mac, b''
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)

    def send(self, numbers, kind=IP, size=100):
        frames = [frame(HOST, self.mac, n, kind, size) for n in numbers]
        self.socket.sendall(b''.join(struct.pack('>I', len(f)) + f for f in frames))

    def receive(self, count):
        """The numbers of the next frames."""
        found = []
        while len(found) < count and select.select([self.socket], [], [], LIMIT)[0]:
            self.rest += self.socket.recv(65536)
            while len(self.rest) >= 4 and len(self.rest) >= 4 + (n := length(self.rest)):
                found += number(self.rest[4:4 + n])
                self.rest = self.rest[4 + n:]
        return found


class Tap:
    """This host's end."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)          # SO_RCVBUFFORCE
        self.socket.bind((relay.TAP, 0))

    def receive(self, count, quiet=LIMIT):
        """The numbers of the next frames with the time of each, until none comes for `quiet`
        seconds."""
        found = []
        while len(found) < count and select.select([self.socket], [], [], quiet)[0]:
            data, address = self.socket.recvfrom(65536)
            if address[2] != socket.PACKET_OUTGOING:
                found += [(n, time.monotonic()) for n in number(data)]
        return found


def frame(to, sender, n, kind=IP, size=100):
    return (to + sender + struct.pack('>H', kind) + MARK + struct.pack('>I', n)).ljust(size, b'\0')


def number(data):
    """[its number], or [] for a frame that is not ours."""
    return [struct.unpack_from('>I', data, 24)[0]] if data[14:24] == MARK else []


def length(data):
    return struct.unpack_from('>I', data)[0]


@pytest.fixture
def link():
    """(the relay, a guest, the host's end)"""
    with relay.namespace(), relay.Relay() as r:
        guest, tap = FakeGuest(r.socket), Tap()
        yield r, guest, tap
        guest.socket.close()
        tap.socket.close()


def arrived(link, count, **path):
    """Which of `count` frames arrive at the host. A last one, which is of no IP, cannot be lost."""
    r, guest, tap = link
    r.path('both', **path)
    guest.send(range(count))
    guest.send([count], STRANGE)
    numbers = []
    while count not in numbers:
        got = tap.receive(1)
        assert got, 'the last frame is lost'
        numbers.append(got[0][0])
    return numbers[:-1]


def test_the_seed_decides_which_frames_are_lost(link):
    first = arrived(link, 2000, loss_ppm=50_000, seed=7)
    assert 1850 < len(first) < 1950 and link[0].stats()['out']['lost'] == 2000 - len(first)
    assert arrived(link, 2000, loss_ppm=50_000, seed=7) == first
    assert arrived(link, 2000, loss_ppm=50_000, seed=8) != first
    assert arrived(link, 2000) == list(range(2000))


def test_a_direction_has_a_path_of_its_own(link):
    r, guest, tap = link
    r.path('in', loss_ppm=1_000_000)
    assert arrived(link, 10) == list(range(10))
    r.path('in', loss_ppm=1_000_000)
    tap.socket.send(frame(GUEST, HOST, 1))
    tap.socket.send(frame(GUEST, HOST, 2, STRANGE))
    assert guest.receive(1) == [2]
    r.path('in')
    tap.socket.send(frame(GUEST, HOST, 3))
    assert guest.receive(1) == [3]


def test_delay(link):
    r, guest, tap = link
    r.path('out', delay_us=30_000)
    taken = []
    for n in range(10):
        begun = time.monotonic()
        guest.send([n])
        taken.append(tap.receive(1)[0][1] - begun)
    assert 0.030 <= min(taken) < 0.040, taken


def test_late_frames_are_overtaken_and_none_is_lost(link):
    r, guest, tap = link
    r.path('out', delay_us=5000, late_ppm=100_000, late_us=20_000, seed=1)
    guest.send(range(500))
    got = [n for n, _ in tap.receive(500)]
    late = r.stats()['out']['reordered']
    assert sorted(got) == list(range(500)) and 25 < late < 80
    on_time, tardy = got[:-late], got[-late:]
    assert on_time == sorted(on_time) and tardy == sorted(tardy)


def test_bottleneck(link):
    """At 8 Mbit/s a frame of 976 bytes, with 24 more on the wire, takes a millisecond."""
    r, guest, tap = link
    r.path('out', bits_per_s=8_000_000, queue_us=50_000)
    guest.send(range(100), size=976)
    got = tap.receive(100, quiet=1)
    full = r.stats()['out']['full']
    assert 51 <= len(got) <= 60 and full == 100 - len(got)
    assert got[-1][1] - got[0][1] > 0.045


def test_frames_go_to_the_guest_that_they_are_for(link):
    r, guest, tap = link
    other = FakeGuest(r.socket, OTHER)
    for n, g in enumerate((guest, other)):
        g.send([n])
        assert tap.receive(1)[0][0] == n
    tap.socket.send(frame(OTHER, HOST, 5))
    tap.socket.send(frame(ALL, HOST, 6))
    assert guest.receive(1) == [6] and other.receive(2) == [5, 6]
    other.socket.close()


def test_the_record_has_what_the_guest_sends_and_gets(link, tmp_path):
    r, guest, tap = link
    path = str(tmp_path / 'x.pcap')
    r.path('out', loss_ppm=1_000_000)
    r.pcap(path)
    guest.send([1])
    tap.socket.send(frame(GUEST, HOST, 2))
    assert guest.receive(1) == [2]
    r.pcap('-')
    with open(path, 'rb') as f:
        data = f.read()
    assert data[:4] == struct.pack('<I', 0xa1b2c3d4)
    found, at = [], 24
    while at < len(data):
        size = struct.unpack_from('<4I', data, at)[2]
        found += number(data[at + 16:at + 16 + size])
        at += 16 + size
    assert found == [1, 2]


@pytest.mark.parametrize('line', ['path out loss=1', 'path up seed=1', 'path out seed=', 'hello',
                                  'pcap /nowhere/x.pcap'])
def test_wrong_commands_are_refused(link, line):
    with pytest.raises(Unusable, match='wrong'):
        link[0].tell(line)


def test_it_is_compiled_without_warnings():
    source = os.path.join(TREE, 'scripts', 'relay.c')
    assert os.system(f'gcc -std=gnu11 -O2 -Wall -Wextra -Werror -fsyntax-only {source}') == 0


def test_a_pause_is_counted_to_the_end():
    progress = paths.Progress()
    progress.seen(10)
    progress.last -= 2
    progress.begun -= 4
    done = progress.end()
    assert done.bytes == 10 and 2 <= done.pause < 3 and 2 < done.rate < 2.6
