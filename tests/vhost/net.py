# SPDX-License-Identifier: BSD-2-Clause
"""A network card with offloads (virtio 1.4, section 5.1.6), and the machine at the other end of its
cable. The card judges each frame of the image, makes the sums and cuts the segments that it is
asked to, and judges what comes out, as it would stand on the wire. It delivers frames as a card
may: joined, with the sum of the pseudo header alone, in several buffers; and as no card may.
"""
import collections
import struct
import threading
import time

import station as st
import wire as w
from vhost.protocol import Device
from vireolib.guest import PATIENCE

RX, TX = 0, 1
HEADER = struct.Struct('<BBHHHHH')       # flags, gso_type, hdr_len, gso_size, csum_*, num_buffers
HASHED = struct.Struct('<BBHHHHHIHH')    # and hash_value, hash_report, padding: with HASH_REPORT
NEEDS_CSUM, DATA_VALID = 1, 2
GSO_NONE, GSO_TCP4, GSO_TCP6, GSO_ECN = 0, 1, 4, 0x80
(CSUM, GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, GUEST_ECN, HOST_TSO4, HOST_TSO6, HOST_ECN,
 MRG_RXBUF, HAS_MTU, HASH_REPORT) = 0, 1, 7, 8, 9, 11, 12, 13, 15, 3, 57
EVERY = (CSUM, GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, GUEST_ECN, HOST_TSO4, HOST_TSO6, HOST_ECN,
         MRG_RXBUF)
ETH, SUM_AT = 14, {st.TCP: 16, w.UDP: 6, st.ICMP6: 2}
CWR = 0x80
MTU, MSS = 1500, 1460                   # of a cable as usual


def folded(data):
    """The sum of 16-bit words, in one word; not inverted."""
    return ~w.checksum(data) & 0xffff


class Packet:
    """Where the parts of a frame of IPv4 or IPv6 lie. `proto` is None for anything else."""

    def __init__(self, frame):
        kind, = struct.unpack_from('>H', frame, 12)
        self.proto = None
        if kind == w.IPV4:
            self.l4 = ETH + (frame[ETH] & 15) * 4
            self.end = ETH + struct.unpack_from('>H', frame, ETH + 2)[0]
            fragment = struct.unpack_from('>H', frame, ETH + 6)[0] & 0x3fff
            self.proto = None if fragment else frame[ETH + 9]
            self.addresses = frame[ETH + 12:ETH + 20]
        elif kind == st.IPV6:
            self.l4, self.proto = ETH + 40, frame[ETH + 6]
            self.end = self.l4 + struct.unpack_from('>H', frame, ETH + 4)[0]
            self.addresses = frame[ETH + 8:ETH + 40]
        self.ip4 = kind == w.IPV4

    def pseudo(self):
        return self.addresses + struct.pack('>IHH', self.end - self.l4, 0, self.proto)

    def data_at(self, frame):
        return self.l4 + (frame[self.l4 + 12] >> 4) * 4


def set_sum(frame, packet):
    """The frame with the right sum of TCP or UDP, whatever stands in its field."""
    at = packet.l4 + SUM_AT[packet.proto]
    body = frame[packet.l4:at] + b'\0\0' + frame[at + 2:packet.end]
    total = w.checksum(packet.pseudo() + body) or 0xffff
    return frame[:at] + struct.pack('>H', total) + frame[at + 2:]


def set_pseudo(frame):
    """The frame with the sum of the pseudo header alone, as a header with NEEDS_CSUM says."""
    packet = Packet(frame)
    at = packet.l4 + SUM_AT[packet.proto]
    return frame[:at] + struct.pack('>H', folded(packet.pseudo())) + frame[at + 2:]


def set_ip4_length(frame, length, ident):
    head = frame[ETH:ETH + 2] + struct.pack('>HH', length, ident) + frame[ETH + 6:ETH + 10]
    head += b'\0\0' + frame[ETH + 12:ETH + (frame[ETH] & 15) * 4]
    return frame[:ETH] + head[:10] + struct.pack('>H', w.checksum(head)) + head[12:]


def cut(frame, size):
    """The segments of a long one, as a card makes them (RFC 9293; section 5.1.6.2)."""
    p = Packet(frame)
    head = p.data_at(frame)
    data, flags = frame[head:p.end], frame[p.l4 + 13]
    seq, = struct.unpack_from('>I', frame, p.l4 + 4)
    ident, = struct.unpack_from('>H', frame, ETH + 4)
    for number, at in enumerate(range(0, len(data), size)):
        part = data[at:at + size]
        new = flags & ~(CWR if at else 0)
        if at + size < len(data):
            new &= ~(st.FIN | st.PSH)
        tcp = bytearray(frame[p.l4:head])
        struct.pack_into('>I', tcp, 4, seq + at & 0xffffffff)
        tcp[13] = new
        length = head - ETH + len(part)
        front = set_ip4_length(frame, length, ident + number & 0xffff) if p.ip4 else \
            frame[:ETH + 4] + struct.pack('>H', length - 40) + frame[ETH + 6:p.l4]
        whole = front + bytes(tcp) + part
        yield set_sum(whole, Packet(whole))


class Card(Device):
    """The card. `features`: its offloads. hold: nothing is delivered. Frames of the image that are
    right go to peer.take()."""
    queues = 2
    has_config = False

    def __init__(self, features=EVERY, mtu=MTU):
        self.features = (*features, HAS_MTU)
        self.mtu = mtu
        self.violations = []
        self.peer = Peer(self)
        self.pending = collections.deque()
        self.spare = []                  # receive buffers that were taken, and are not filled
        self.counts = collections.Counter()
        self.longest = 0                 # bytes of data of the longest segment that was to be cut
        self.longest_wire = 0            # bytes of the longest frame on the wire

    def has(self, bit):
        return bool(self.backend.accepted >> bit & 1)

    def fault(self, text):
        self.violations.append(text)

    @property
    def header(self):
        """What lies in front of each frame, both ways."""
        return HASHED if self.has(HASH_REPORT) else HEADER

    # ---- the queues ----

    def kicked(self, ring):
        if ring.index == TX:
            while ring.running() and (chain := ring.pop()):
                data = chain.read()
                ring.push(chain, 0)
                self.sent(data[:self.header.size], data[self.header.size:])
            if ring.running():
                self.backend.interrupt(ring)
        self.fill()

    def stopped(self, ring):
        if ring.index == RX:
            self.spare.clear()

    def fill(self):
        ring = self.backend.rings[RX]
        while self.pending and ring.running():
            frame, fields, buffers, hashed = self.pending[0]
            need = self.header.size + len(frame)
            while sum(c.room() for c in self.spare) < need:
                chain = ring.pop()
                if chain is None:
                    break
                self.spare.append(chain)
                if not self.has(MRG_RXBUF):
                    break
            if sum(c.room() for c in self.spare) < need and not buffers:
                break
            self.pending.popleft()
            self.put(ring, frame, fields, buffers, hashed)
        if ring.running():
            self.backend.interrupt(ring)

    def put(self, ring, frame, fields, buffers, hashed):
        """Writes a frame into as many buffers as it needs; `buffers`: the number that is told."""
        chains, left = [], self.header.size + len(frame)
        while self.spare and left > 0:
            chains.append(self.spare.pop(0))
            left -= chains[-1].room()
        told = len(chains) if buffers is None else buffers
        told = fields + (told,) + (hashed + (0,) if self.has(HASH_REPORT) else ())
        data = self.header.pack(*told) + frame
        for chain in chains:
            done = chain.write(data)
            ring.push(chain, done)
            data = data[done:]
        self.counts['delivered'] += 1

    def deliver(self, frame, flags=0, gso=0, hdr_len=0, gso_size=0, start=0, offset=0,
                buffers=None, hashed=(0xdddddddd, 2)):
        """From any thread: delivers a frame with that header. hashed: hash_value and hash_report,
        where the image has asked for such."""
        fields = flags, gso, hdr_len, gso_size, start, offset
        self.backend.do(lambda: (self.pending.append((frame, fields, buffers, hashed)),
                                 self.fill()))

    # ---- what the image sends ----

    def sent(self, header, frame):
        if len(header) < self.header.size or len(frame) < ETH:
            self.fault(f'a frame of {len(frame)} bytes')
            return
        flags, gso, hdr_len, size, start, offset, *rest = self.header.unpack(header)
        if any(rest):
            self.fault(f'what only a card may set is {rest}')
        packet = Packet(frame)
        if flags & ~NEEDS_CSUM or flags and not self.has(CSUM):
            self.fault(f'flags {flags:#x}')
        if flags:
            self.partial(frame, packet, start, offset)
        if gso != GSO_NONE:
            self.segments(frame, packet, flags, gso, hdr_len, size)
        elif len(frame) > self.mtu + ETH:
            self.fault(f'a frame of {len(frame)} bytes')
        else:
            self.wire(set_sum(frame, packet) if flags else frame)
        self.counts['partial' if flags else 'whole'] += 1

    def partial(self, frame, packet, start, offset):
        """The sum that the card makes is that of TCP or UDP, and its field is prepared."""
        if packet.proto not in SUM_AT or (start, offset) != (packet.l4, SUM_AT[packet.proto]):
            self.fault(f'a sum from {start} on at {offset} of protocol {packet.proto}')
        elif struct.unpack_from('>H', frame, start + offset)[0] != folded(packet.pseudo()):
            self.fault('the field of the sum is not that of the pseudo header')

    def segments(self, frame, packet, flags, gso, hdr_len, size):
        wanted = {GSO_TCP4: HOST_TSO4, GSO_TCP6: HOST_TSO6}.get(gso & ~GSO_ECN)
        if wanted is None or not self.has(wanted) or gso & GSO_ECN and not self.has(HOST_ECN):
            self.fault(f'segmentation of kind {gso:#x}, which was not negotiated')
            return
        if not flags or packet.proto != st.TCP or packet.ip4 != (wanted == HOST_TSO4):
            self.fault(f'a segment of kind {gso:#x} that is none')
            return
        head = packet.data_at(frame)
        if hdr_len != head or not 0 < size <= self.mtu + ETH - head or packet.end != len(frame):
            self.fault(f'header {hdr_len} of {head} bytes, segments of {size}, {len(frame)} in all')
            return
        if bool(gso & GSO_ECN) != bool(frame[packet.l4 + 13] & CWR):
            self.fault('CWR and the header contradict each other')
        self.longest = max(self.longest, packet.end - head)
        self.counts['cut'] += 1
        for segment in cut(frame, size):
            self.counts['segments'] += 1
            self.wire(segment)

    def wire(self, frame):
        """A frame as it stands on the wire: its sums are right, and it is not too long."""
        packet = Packet(frame)
        self.longest_wire = max(self.longest_wire, len(frame))
        if len(frame) > self.mtu + ETH:
            self.fault(f'{len(frame)} bytes on the wire')
        if packet.ip4 and w.checksum(frame[ETH:ETH + (frame[ETH] & 15) * 4]):
            self.fault('a bad sum of IPv4')
        if packet.proto in SUM_AT and \
                folded(packet.pseudo() + frame[packet.l4:packet.end]) != 0xffff:
            self.fault(f'a bad sum of protocol {packet.proto}')
        self.peer.take(frame)


class Peer(st.Station):
    """The machine at the other end. Its streams are driven in the back-end's thread; a test waits
    for them with serve()."""

    def __init__(self, card):
        self.card = card
        self.names, self.questions, self.leased = {}, [], 0
        self.pongs, self.pongs6, self.exceeded6, self.connections = [], [], [], {}
        self.streams = {}                # (IPv6?, our port) -> Stream
        self.datagrams = []              # that came to ports of ours
        self.next_port, self.resets = 20000, 0
        self.changed = threading.Condition()

    def frame(self, kind, payload, to=w.GUEST_MAC):
        self.raw((to + w.OUR_MAC + struct.pack('>H', kind) + payload).ljust(60, b'\0'))

    def raw(self, data):
        self.card.deliver(data)

    def serve(self, until, timeout=20.0):
        deadline = time.monotonic() + timeout * PATIENCE
        with self.changed:
            while not until():
                assert time.monotonic() < deadline, f'not within {timeout:g} s'
                self.changed.wait(0.05)

    def take(self, data):
        with self.changed:
            self.hear(data)
            self.changed.notify_all()

    def hear(self, data):
        packet = Packet(data)
        if packet.proto == st.TCP:
            port, = struct.unpack_from('>H', data, packet.l4 + 2)
            if stream := self.streams.get((not packet.ip4, port)):
                stream.take(data[packet.l4:packet.end])
        else:
            super().take(data)

    def take_udp(self, source, port, payload):
        self.datagrams.append((source, port, payload))


class Stream:
    """One connection to a port of the image. What is sent goes in segments as the mtu says, or of
    up to `joined` bytes, as a card that joins them delivers it; `sums`: NEEDS_CSUM, DATA_VALID, or
    0 (no word about the sum)."""

    def __init__(self, card, port, ip6=False, joined=0, sums=0):
        self.card, self.port, self.ip6, self.sums = card, port, ip6, sums
        card.peer.next_port += 1
        self.ours = card.peer.next_port
        self.size = card.mtu - (60 if ip6 else 40)
        self.joined = joined or self.size
        self.base = self.seq = 0x10000000 + self.ours
        self.ack, self.window = 0, 0
        self.open = self.ended = False
        self.out, self.data = b'', bytearray()
        self.acks = 0                    # frames without data
        self.sent = 0                    # bytes of `out`, from the first on
        card.peer.streams[ip6, self.ours] = self
        card.backend.do(lambda: self.segment(st.SYN, options=struct.pack('>BBH', 2, 4, self.size)))

    def segment(self, flags, data=b'', seq=None, options=b''):
        head = struct.pack('>HHIIBBHHH', self.ours, self.port,
                           (self.seq if seq is None else seq) & 0xffffffff, self.ack,
                           5 + len(options) // 4 << 4, flags, 65535, 0, 0)
        payload = head + options + data
        kind, packet = (st.IPV6, st.ipv6(st.TCP, payload)) if self.ip6 else \
            (w.IPV4, w.ipv4(st.TCP, payload))
        frame = w.GUEST_MAC + w.OUR_MAC + struct.pack('>H', kind) + packet
        long = len(data) > self.size
        at = Packet(frame).l4
        frame = set_pseudo(frame) if self.sums & NEEDS_CSUM else set_sum(frame, Packet(frame))
        self.card.deliver(frame, self.sums, (GSO_TCP6 if self.ip6 else GSO_TCP4) * long,
                          (at + len(head)) * long, self.size * long,
                          at if self.sums & NEEDS_CSUM else 0, 16 if self.sums & NEEDS_CSUM else 0)

    def send(self, data):
        """From the test: sends more, as fast as the window allows."""
        def add():
            self.out += data
            self.pump()
        self.card.backend.do(add)

    def close(self):
        self.card.backend.do(lambda: self.segment(st.RST | st.ACK))
        self.card.peer.streams.pop((self.ip6, self.ours), None)

    def pump(self):
        """Sends what the window allows. What is not acknowledged within half a second is sent once
        more: the image may have had no buffer."""
        acked = (self.seq - self.base) & 0xffffffff
        while self.open and self.sent < len(self.out) and self.sent - acked < self.window:
            part = self.out[self.sent:self.sent + min(self.joined,
                                                      self.window - (self.sent - acked))]
            self.segment(st.ACK | st.PSH, part, self.base + self.sent)
            self.sent += len(part)
            self.card.backend.after(0.5 * PATIENCE, lambda n=acked: self.again(n))

    def again(self, acked):
        if (self.seq - self.base) & 0xffffffff == acked and self.sent > acked:
            self.sent = acked
            self.pump()

    def take(self, segment):
        seq, ack = struct.unpack_from('>II', segment, 4)
        flags, data = segment[13], segment[(segment[12] >> 4) * 4:]
        self.window, = struct.unpack_from('>H', segment, 14)
        self.acks += not data
        if flags & st.RST:
            self.ended = True
        elif flags & st.SYN:
            self.ack, self.open = (seq + 1) & 0xffffffff, True
            self.seq += 1
            self.base = self.seq
            self.segment(st.ACK)
        else:
            if flags & st.ACK and (ack - self.seq) & 0x80000000 == 0:
                self.seq = ack
            if seq == self.ack and (data or flags & st.FIN):
                self.data += data
                self.ended |= bool(flags & st.FIN)
                self.ack = (seq + len(data) + (flags & st.FIN)) & 0xffffffff
            if data or flags & st.FIN:
                self.segment(st.ACK)
        self.pump()
