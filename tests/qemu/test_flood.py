# SPDX-License-Identifier: BSD-2-Clause
"""Floods on the image's cable: SYNs from addresses that do not exist, and forged segments of open
connections. Meanwhile honest clients are served, and afterwards the memory is what it was before.
"""
import random
import struct
import tempfile
import time

import pytest

import station as st
import wire as w
from vireolib.guest import PATIENCE

RATE = 20000                               # frames a second
BURST = 8                                  # frames between two looks at what the image sends
SERVED = 2.0                               # seconds that a client may wait, on an idle machine
REQUEST = b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
OPTIONS = bytes.fromhex('020405b40103030701010402')    # MSS 1460, window scale 7, SACK permitted
GUEST = w.packed(w.GUEST_IP)


def folded(total):
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Forger:
    """Frames of TCP with any source, made quickly: what they have in common is summed once."""

    def __init__(self, options=b''):
        self.options = options
        self.length = 20 + len(options)
        self.ip = 0x4500 + 20 + self.length + 1 + 0x4006 + sum(struct.unpack('>HH', GUEST))
        self.tcp = st.TCP + self.length + sum(struct.unpack('>HH', GUEST)) + 80 + 0x2000 \
            + sum(struct.unpack(f'>{len(options) // 2}H', options))

    def frame(self, source, port, seq, ack, flags):
        """source: 32 bits. To port 80 of the image."""
        high, low = source >> 16, source & 0xffff
        words = self.length // 4 << 12 | flags
        total = self.tcp + high + low + port + (seq >> 16) + (seq & 0xffff) + (ack >> 16) \
            + (ack & 0xffff) + words
        return w.GUEST_MAC + w.OUR_MAC + struct.pack(
            '>HHHHHHHI4sHHIIHHHH', w.IPV4, 0x4500, 20 + self.length, 1, 0, 0x4006,
            folded(self.ip + high + low), source, GUEST, port, 80, seq, ack, words, 0x2000,
            folded(total), 0) + self.options


class Client(st.Tcp):
    """One that asks for a page, and repeats what is not answered for a second."""

    def __init__(self, station):
        super().__init__(station, 80)
        self.began = self.sent = time.monotonic()
        self.asked = False
        self.took = None
        self.send(st.SYN, options=OPTIONS)
        self.seq += 1

    def take(self, segment):
        flags, data = segment[13], segment[(segment[12] >> 4) * 4:]
        if self.open and (flags & st.SYN or data):
            if flags & st.SYN or struct.unpack_from('>I', segment, 4)[0] != self.ack:
                self.send(st.ACK)          # a copy
                return
        super().take(segment)

    def step(self):
        now = time.monotonic()
        if self.took is not None:
            return
        if self.open and not self.asked:
            self.asked, self.sent = True, now
            self.write(REQUEST)
        elif self.answered() and self.data:
            self.took = now - self.began
            self.reset()
        elif now - self.sent > 1:
            self.sent = now
            if self.asked:
                self.send(st.ACK | st.PSH, REQUEST, seq=self.seq - len(REQUEST))
            else:
                self.send(st.SYN, options=OPTIONS, seq=self.seq - 1)


class Flooded(st.Station):
    """A station that sends frames at a rate, and answers no SYN-ACK to them."""

    def take(self, data):
        if data[12:14] == b'\x08\0' and data[23] == st.TCP and len(data) > 47 \
                and struct.unpack_from('>H', data, 36)[0] not in self.connections:
            return
        super().take(data)

    def flood(self, seconds, frame, clients):
        """frame(n): the n-th frame. Starts so many clients meanwhile; returns them, served."""
        began, sent, started = time.monotonic(), 0, []
        while sent < RATE * seconds or any(c.took is None for c in started):
            due = min(int((time.monotonic() - began) * RATE) + 1, RATE * seconds)
            for number in range(sent, min(due, sent + BURST)):
                self.raw(frame(number))
            sent = max(sent, min(due, sent + BURST))
            if len(started) < clients * sent // (RATE * seconds):
                started.append(Client(self))
            self.listen()
            for client in started:
                client.step()
            assert time.monotonic() - began < 10 * PATIENCE * (seconds + SERVED)
        return started

    def listen(self):
        """Takes what has come, without waiting."""
        self.socket.setblocking(False)
        try:
            for _ in range(256):
                self.take(self.socket.recv(65536))
        except BlockingIOError:
            pass
        finally:
            self.socket.setblocking(True)


@pytest.fixture
def station():
    with tempfile.TemporaryDirectory(prefix='vq-') as directory, Flooded(directory) as s:
        yield s


def appliance(boot, station, site_disk):
    guest = boot('httpd', netdev_line=station.netdev, disks=[site_disk])
    station.serve(lambda: guest.seen(r'^vireo: ready'), 30)
    return guest


def spoofed(number):
    """A SYN from anywhere; one of four says that it comes from the image's own network."""
    forger = spoofed.forger
    source = random.getrandbits(32) | 1 << 30 | 1 << 24
    if number % 4 == 0:
        source = struct.unpack('>I', w.packed(w.OUR_IP))[0] & ~0xff | random.randrange(2, 90)
    return forger.frame(source & ~(1 << 31), random.randrange(1024, 65536),
                        random.getrandbits(32), 0, st.SYN)


spoofed.forger = Forger(OPTIONS)


def flooded(boot, station, site_disk, seconds, clients):
    guest = appliance(boot, station, site_disk)
    for _ in range(3):
        station.get('/')                   # a first connection takes memory for good
    before = station.status()['network']['mem_lent']
    served = station.flood(seconds, spoofed, clients)
    assert guest.alive() and len(served) == clients
    assert max(c.took for c in served) < SERVED * PATIENCE
    after = station.status()['network']
    assert after['mem_lent'] <= before + 256 * 160 + 8192
    assert after['mem_failed'] == 0
    return served


def test_clients_are_served_in_a_flood(boot, station, site_disk):
    flooded(boot, station, site_disk, 1, 10)


@pytest.mark.full
def test_clients_are_served_in_a_long_flood(boot, station, site_disk):
    flooded(boot, station, site_disk, 10, 50)


@pytest.mark.full
def test_forged_segments_harm_no_connection(boot, station, site_disk):
    """Of somebody who knows the ends of each connection, and not its numbers."""
    appliance(boot, station, site_disk)
    connections = [station.connect(80) for _ in range(20)]
    forger, source = Forger(), struct.unpack('>I', w.packed(w.OUR_IP))[0]
    kinds = [st.ACK, st.ACK | st.PSH, st.RST, st.RST | st.ACK, st.SYN, st.SYN | st.ACK, st.FIN,
             st.FIN | st.ACK, st.PSH, 0]

    def forged(number):
        c = random.choice(connections)
        seq = (c.seq + random.randrange(1 << 20, (1 << 32) - (1 << 20))) & 0xffffffff
        return forger.frame(source, c.ours, seq, random.getrandbits(32), random.choice(kinds))

    station.flood(5, forged, 0)
    for c in connections:
        assert not c.ended and not c.data
        c.write(REQUEST)
        station.serve(c.answered)
        assert c.data.startswith(b'HTTP/1.1 200')
    assert station.status()['network']['tcp_forged'] > 90000
