# SPDX-License-Identifier: BSD-2-Clause
"""Segments of TCP in a file that libpcap or QEMU's filter-dump wrote: raw IP or Ethernet."""
import struct
from dataclasses import dataclass, field

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
RAW_IP, ETHERNET = 101, 1
FORMATS = {0xa1b2c3d4: 10 ** -6, 0xa1b23c4d: 10 ** -9}


@dataclass
class Segment:
    """Numbers as they are on the wire; time in seconds; addresses with ports as keys."""
    time: float
    src: tuple
    dst: tuple
    seq: int
    ack: int
    flags: int
    window: int
    len: int = 0
    mss: int = None
    scale: int = None
    sack_ok: bool = False
    stamp: int = None
    echo: int = None
    blocks: list = field(default_factory=list)

    @property
    def span(self):
        """Sequence numbers that it takes."""
        return self.len + bool(self.flags & SYN) + bool(self.flags & FIN)

    def __str__(self):
        flags = ''.join(c for c, bit in zip('FSRP.', (FIN, SYN, RST, PSH, ACK)) if self.flags & bit)
        options = ''.join(f' {name} {value}' for name, value in
                          (('mss', self.mss), ('scale', self.scale), ('stamp', self.stamp),
                           ('echo', self.echo)) if value is not None)
        sack = ' sack ' + ' '.join(f'{a}-{b}' for a, b in self.blocks) if self.blocks else ''
        return (f'{self.time:.6f} {self.src[1]}>{self.dst[1]} {flags} seq {self.seq} len {self.len}'
                f' ack {self.ack} win {self.window}{options}{sack}')


def packets(data):
    """(time, IP packet) of each record."""
    for order in '<>':
        magic, = struct.unpack_from(order + 'I', data)
        if magic in FORMATS:
            break
    else:
        raise ValueError(f'no capture of libpcap: it begins with {data[:4].hex()}')
    link = struct.unpack_from(order + 'I', data, 20)[0]
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, kept, _ = struct.unpack_from(order + '4I', data, at)
        frame = data[at + 16:at + 16 + kept]
        at += 16 + kept
        if link == ETHERNET:
            if frame[12:14] not in (b'\x08\0', b'\x86\xdd'):
                continue
            frame = frame[14:]
        yield seconds + fraction * FORMATS[magic], frame


def read_options(s, options):
    """Fills the fields of the options."""
    at = 0
    while at < len(options) and options[at]:
        if options[at] == 1:
            at += 1
            continue
        if at + 2 > len(options) or options[at + 1] < 2:
            return
        kind, body = options[at], options[at + 2:at + options[at + 1]]
        at += options[at + 1]
        if kind == 2 and len(body) == 2:
            s.mss = int.from_bytes(body, 'big')
        elif kind == 3 and len(body) == 1:
            s.scale = body[0]
        elif kind == 4:
            s.sack_ok = True
        elif kind == 5:
            numbers = struct.unpack(f'>{len(body) // 8 * 2}I', body[:len(body) // 8 * 8])
            s.blocks = list(zip(numbers[::2], numbers[1::2]))
        elif kind == 8 and len(body) == 8:
            s.stamp, s.echo = struct.unpack('>2I', body)


def read_packet(time, ip):
    """The segment in an IP packet; None: there is no whole one."""
    if ip[0] >> 4 == 4:
        head = (ip[0] & 15) * 4
        total, fragment = struct.unpack_from('>H2xH', ip, 2)
        if ip[9] != 6 or fragment & 0x3fff:
            return None
        src, dst = ip[12:16], ip[16:20]
    else:
        head, total = 40, 40 + struct.unpack_from('>H', ip, 4)[0]
        if ip[6] != 6:
            return None
        src, dst = ip[8:24], ip[24:40]
    tcp = ip[head:total]
    if len(tcp) < 20:
        return None
    sport, dport, seq, ack, offset, flags, window = struct.unpack_from('>2H2I2BH', tcp)
    offset = (offset >> 4) * 4
    s = Segment(time, (src, sport), (dst, dport), seq, ack, flags & 31, window,
                total - head - offset)
    read_options(s, tcp[20:offset])
    return s


def read(path):
    """Every segment of a file, in order."""
    with open(path, 'rb') as f:
        data = f.read()
    return [s for s in (read_packet(*p) for p in packets(data)) if s]


def connections(segments):
    """Lists of segments, one for each connection, in order of their first segments."""
    found = {}
    for s in segments:
        found.setdefault(frozenset((s.src, s.dst)), []).append(s)
    return list(found.values())
