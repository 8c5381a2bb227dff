# SPDX-License-Identifier: BSD-2-Clause
"""The network card that attacks take over (virtio 1.4, section 5.1), while no attack is on; and the
station at the other end of its cable, which answers ARP, checks the datagrams of tests/apps/hostage
and sends them back complemented.
"""
import collections
import struct

import wire
from hostile.victim import Victim

RX, TX = 'rx', 'tx'
PORT = 7000
HEADER = struct.Struct('<BBHHHHH')       # flags, gso_type, hdr_len, gso_size, csum_*, num_buffers
HASH_REPORT, HASH = 57, 8                # whose header has so many bytes more
MTU_F = 3
RECEIVING = (1, 7, 8, 9, 15)             # GUEST_CSUM, GUEST_TSO4, _TSO6, _ECN, MRG_RXBUF: so that
                                         # each field of a header is read
COMPLEMENT = bytes(255 - n for n in range(256))
MASK = 0xffffffff


class Station(wire.Wire):
    """The other end of the cable. Frames for the image go to `send`."""

    def __init__(self, send):
        self.names = {}
        self.send = send
        self.answered = 0
        self.wrong = []                  # numbers of datagrams with wrong content
        self.guest_mac = wire.GUEST_MAC  # the image may have chosen another

    def take(self, data):
        self.guest_mac = data[6:12]
        super().take(data)

    def frame(self, kind, payload, to=None):
        to = to or self.guest_mac
        self.send((to + wire.OUR_MAC + struct.pack('>H', kind) + payload).ljust(60, b'\0'))

    def take_udp(self, source, port, payload):
        if port != PORT:
            return
        words = struct.unpack(f'<{len(payload) // 4}I', payload[:len(payload) // 4 * 4])
        number = words[0] if words else 0
        if any(w != (number * 0x9e3779b9 + i * 0x85ebca6b) & MASK
               for i, w in enumerate(words) if i):
            self.wrong.append(number)
            return
        self.answered += 1
        self.frame(wire.IPV4, wire.ipv4(wire.UDP, wire.udp(PORT, source,
                                                           payload.translate(COMPLEMENT))))


class Card(Victim):
    name = 'net'
    names = (RX, TX)
    queues = 2
    features = (MTU_F, *RECEIVING, HASH_REPORT)     # QEMU takes it with hash=on only
    has_config = False

    def __init__(self):
        super().__init__()
        self.frames = collections.deque(maxlen=256)      # for the image, with their header
        self.station = Station(self.deliver)
        self.busy = False

    @property
    def front(self):
        """Bytes in front of each frame."""
        return HEADER.size + HASH * (self.backend.accepted >> HASH_REPORT & 1)

    def deliver(self, frame, header=None):
        header = header or HEADER.pack(0, 0, 0, 0, 0, 0, 1)
        self.frames.append(header.ljust(self.front, b'\0')[:self.front] + frame)

    def kicked(self, ring):
        self.serve(ring)
        self.serve(self.ring(RX))

    def stopped(self, ring):
        self.frames.clear()
        super().stopped(ring)

    def wanted(self, ring):
        return self.ring_name(ring) == TX or bool(self.frames)

    def work(self, ring, chain):
        if self.ring_name(ring) == TX:
            return self.sent(chain)
        data = self.frames.popleft()
        if chain.readable or chain.room() < 1526:
            self.fault(f'a receive buffer of {chain.room()} bytes')
        return chain.write(data)

    def sent(self, chain):
        data = chain.read()
        if len(data) < self.front + 14 or chain.writable:
            self.fault(f'a frame of {len(data)} bytes, {chain.room()} writable')
        else:
            self.station.take(data[self.front:])
        return 0
