# SPDX-License-Identifier: BSD-2-Clause
"""Transfers over a path (scripts/relay.c): what this end of a connection sees of a guest that runs
tests/apps/bulk, or the same under Linux.
"""
import contextlib
import dataclasses
import os
import select
import socket
import struct
import tempfile
import time

from vireolib import linux_guest, relay
from vireolib.guest import Guest, Lost
from vireolib.machine import Machine

SOURCE, SINK = 5001, 5002            # tests/apps/bulk
VIREO_IP, LINUX_IP = '10.99.9.2', '10.99.9.3'
LINUX_MAC = '52:54:00:12:34:57'
MEM = '256'                          # MiB, of both guests
CONNECTING = 60                      # s; a path may lose several SYNs
SETTLING = 20                        # s
QUIET = 0.05                         # s
CHUNK = 1 << 20
TICK = 0.005                         # s between looks at what a guest has acknowledged
BYTES_ACKED = 120                    # offset in struct tcp_info


@dataclasses.dataclass
class Transfer:
    """What a connection has achieved."""
    bytes: int
    seconds: float
    pause: float                     # s, the longest without progress

    @property
    def rate(self):
        """Bytes a second."""
        return self.bytes / self.seconds


class Progress:
    """Bytes so far and the longest pause, from now on."""

    def __init__(self):
        self.begun = self.last = time.monotonic()
        self.bytes = 0
        self.pause = 0.0

    def seen(self, total):
        """`total` bytes have arrived so far."""
        now = time.monotonic()
        if total > self.bytes:
            self.pause = max(self.pause, now - self.last)
            self.bytes, self.last = total, now

    def end(self):
        now = time.monotonic()
        return Transfer(self.bytes, now - self.begun, max(self.pause, now - self.last))


def connect(ip, port):
    s = socket.create_connection((ip, port), CONNECTING)
    s.setblocking(False)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))    # close is a reset
    return s


def receive(connections, seconds, ramp=0):
    """Reads from guests that send, all at once; what came after the first `ramp` seconds, of each.
    A guest that hangs up is an error."""
    buffer = bytearray(CHUNK)
    seen = {s: Progress() for s in connections}
    totals = dict.fromkeys(connections, 0)
    end = time.monotonic() + ramp + seconds
    measured = time.monotonic() + ramp
    while (left := end - time.monotonic()) > 0:
        if ramp and time.monotonic() >= measured:
            seen = {s: Progress() for s in connections}
            totals = dict.fromkeys(connections, 0)
            ramp = 0
        for s in select.select(connections, [], [], min(left, 0.1))[0]:
            n = s.recv_into(buffer)
            if not n:
                raise Lost('the guest hung up while it was to send')
            totals[s] += n
            seen[s].seen(totals[s])
    return [seen[s].end() for s in connections]


def acknowledged(s):
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from('Q', info, BYTES_ACKED)[0]


def send(s, seconds):
    """Sends to a guest that reads, with CUBIC; what it has acknowledged."""
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'cubic')
    data = memoryview(bytes(CHUNK))
    first = acknowledged(s)
    progress = Progress()
    end = progress.begun + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([], [s], [], min(left, TICK))[1]:
            s.send(data)
        progress.seen(acknowledged(s) - first)
    return progress.end()


class Bench:
    """Guests on one path. Use as a context manager."""

    def __init__(self, image, linux=True, patience=1):
        """`image`: that of tests/apps/bulk. Without `linux` it is alone."""
        self._stack = contextlib.ExitStack()
        self._image, self._linux, self._patience = image, linux, patience
        self.guests = {}
        self.stats = None                # the relay's counters of the last measurement

    def __enter__(self):
        with self._stack as stack:
            stack.enter_context(relay.namespace())
            self.relay = stack.enter_context(relay.Relay())
            self._folder = stack.enter_context(tempfile.TemporaryDirectory(prefix='vp-'))
            self.boot(VIREO_IP, r'^vireo: ready', Machine(
                self._image, netdev_line=self.relay.netdev, append=f'ip={VIREO_IP}/24', mem=MEM,
                rng=True))
            if self._linux:
                self.boot(LINUX_IP, linux_guest.BULK.ready, linux_guest.machine(
                    LINUX_IP, self._folder, netdev_line=self.relay.netdev, mem=MEM,
                    net_device=f'mac={LINUX_MAC}'))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self._stack.__exit__(*error)

    def boot(self, ip, ready, machine):
        directory = os.path.join(self._folder, ip)
        os.mkdir(directory)
        guest = self._stack.enter_context(Guest(machine, directory, patience=self._patience))
        guest.expect(ready, 60)
        self.guests[ip] = guest

    def begin(self, path, seed, pcap=None):
        """The path of a new measurement, with nothing on it."""
        self.relay.path('both', **path, seed=seed)
        if pcap:
            self.relay.pcap(pcap)

    def end(self, connections):
        """Ends them over a path that loses nothing, so that the guests know."""
        self.stats = self.relay.stats()
        self.relay.pcap('-')
        self.relay.path('both')
        for s in connections:
            s.close()
        self.settle()
        if self.stats['overrun']:
            raise Lost(f'the relay had no room for {self.stats["overrun"]} frames: this machine is '
                       'too slow for the path')
        for guest in self.guests.values():
            if not guest.alive():
                raise Lost('a guest ended\n' + guest.report())

    def settle(self):
        """Waits until nothing has moved for a moment: the guests know of the end."""
        before, deadline = None, time.monotonic() + SETTLING
        while (now := self.relay.stats()) != before:
            if time.monotonic() > deadline:
                raise Lost('the guests still send after the end of their connections')
            before = now
            select.select([], [], [], QUIET)

    def transfer(self, ip, way, seconds, path, seed, pcap=None):
        """One connection; way: out (the guest sends) or in."""
        self.begin(path, seed, pcap)
        s = connect(ip, SOURCE if way == 'out' else SINK)
        try:
            return receive([s], seconds)[0] if way == 'out' else send(s, seconds)
        finally:
            self.end([s])

    def share(self, ips, seconds, ramp, path, seed, pcap=None):
        """Guests that send at once; the part of the first one in all that arrives."""
        self.begin(path, seed, pcap)
        connections = [connect(ip, SOURCE) for ip in ips]
        try:
            done = receive(connections, seconds, ramp)
            return done[0].bytes / (sum(t.bytes for t in done) or 1)
        finally:
            self.end(connections)
