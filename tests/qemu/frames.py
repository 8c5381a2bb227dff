# SPDX-License-Identifier: BSD-2-Clause
"""Frames that no honest peer sends, by group: each a name and the bytes on the wire. What must not
happen is the same for all: the image ends, hangs, keeps memory, or stops serving.
"""
import os
import random
import struct

import station as st
import wire as w
from station import ACK, FIN, GUEST_LL, ICMP6, IPV6, OUR_LL, RST, SYN, TCP, URG

IGMP = 2
MORE = 0x2000                              # IPv4: more fragments follow


def ethernet(kind, payload, to=w.GUEST_MAC, source=w.OUR_MAC):
    return to + source + struct.pack('>H', kind) + payload


def ip4(protocol, payload, version=4, words=5, total=None, field=0, ttl=64, source=w.OUR_IP,
        to=w.GUEST_IP, ident=7, options=b'', good_sum=True):
    """An IPv4 packet of which every field can lie."""
    length = 20 + len(options) + len(payload) if total is None else total
    head = struct.pack('>BBHHHBBH4s4s', version << 4 | words, 0, length, ident, field, ttl,
                       protocol, 0,
                       w.packed(source), w.packed(to)) + options
    check = struct.pack('>H', w.checksum(head)) if good_sum else b'\x12\x34'
    return ethernet(w.IPV4, head[:10] + check + head[12:] + payload)


def ip6(protocol, payload, **fields):
    return ethernet(IPV6, st.ipv6(protocol, payload, **fields))


def ethernet_frames():
    for kind in (0, 1, 0x05dc, 0x0600, 0x8100, 0x88a8, 0x8863, 0x8864, 0xffff, w.IPV4, w.ARP, IPV6):
        for size in (0, 1, 13, 45):
            yield f'type {kind:#06x}, {size} bytes', ethernet(kind, bytes(size))
    yield 'from everybody', ethernet(w.IPV4, bytes(46), source=b'\xff' * 6)
    yield 'from nobody', ethernet(w.IPV4, bytes(46), source=bytes(6))
    yield 'from itself', ethernet(w.IPV4, bytes(46), source=w.GUEST_MAC)
    yield 'as long as can be', ethernet(w.IPV4, bytes(1500))
    yield 'longer than the MTU', ethernet(w.IPV4, bytes(1600))
    yield 'giant', ethernet(w.IPV4, bytes(9000))


def arp_frames():
    def arp(hardware=1, proto=w.IPV4, hlen=6, plen=4, operation=1, sender=w.OUR_MAC, ip=w.OUR_IP,
            target=w.GUEST_IP):
        return ethernet(w.ARP, struct.pack('>HHBBH6s4s6s4s', hardware, proto, hlen, plen, operation,
                                           sender, w.packed(ip), bytes(6), w.packed(target)))
    good = arp()
    yield from ((f'cut to {n}', good[:n]) for n in range(14, 42, 3))
    yield 'hardware 0', arp(hardware=0)
    yield 'protocol IPv6', arp(proto=IPV6)
    yield 'address lengths 0', arp(hlen=0, plen=0)
    yield 'address lengths 255', arp(hlen=255, plen=255)
    yield from ((f'operation {n}', arp(operation=n)) for n in (0, 3, 0xffff))
    yield 'from everybody', arp(sender=b'\xff' * 6)
    yield 'its own address claimed', arp(ip=w.GUEST_IP, operation=2)
    yield 'broadcast claimed', arp(ip='255.255.255.255', operation=2)
    yield 'nothing claimed', arp(ip='0.0.0.0', operation=2)
    for n in range(200):
        yield f'neighbour {n}', arp(ip=f'10.77.0.{n + 20}' if n + 20 != 99 else '10.77.0.250')


def ipv4_frames():
    good = w.udp(7, 7, b'x' * 32)
    yield from ((f'version {n}', ip4(w.UDP, good, version=n)) for n in (0, 5, 6, 15))
    yield from ((f'header of {n} words', ip4(w.UDP, good, words=n)) for n in (0, 4, 6, 15))
    for n in (0, 19, 20, 21, 27, 61, 65535):
        yield f'total length {n}', ip4(w.UDP, good, total=n)
    yield 'bad checksum', ip4(w.UDP, good, good_sum=False)
    yield 'TTL 0', ip4(w.UDP, good, ttl=0)
    for source in ('255.255.255.255', '224.0.0.1', '127.0.0.1', '0.0.0.0', '10.77.0.255',
                   w.GUEST_IP):
        yield f'from {source}', ip4(w.UDP, good, source=source)
    for to in ('255.255.255.255', '224.0.0.1', '127.0.0.1', '0.0.0.0', '10.77.0.255'):
        yield f'to {to}', ip4(w.UDP, good, to=to)
    for protocol in (0, 3, 4, 41, 47, 50, 132, 136, 255):
        for size in (0, 1, 7, 8, 64):
            yield f'protocol {protocol}, {size} bytes', ip4(protocol, bytes(size))
    for option in (b'\x44\0\0\0', b'\x07\x03\x04\0', b'\x83\xff\x04\0',
                   b'\x94\x04\0\0', b'\x01' * 40,
                   b'\x00' * 40, b'\x44' * 40, b'\x83\x27\x04' + b'\xff' * 37):
        yield (f'options {option[:4].hex()}',
               ip4(w.UDP, good, words=5 + len(option) // 4, options=option))
    for body in (b'', b'\x11', b'\x11\0\xee\xff\0\0\0\0', b'\x16\0\0\0\xe0\0\0\1', b'\xff' * 8):
        yield f'IGMP {body.hex()}', ip4(IGMP, body, to='224.0.0.1')


def ipv4_fragments():
    data = w.udp(7, 7, b'y' * 56)
    yield 'a middle alone', ip4(w.UDP, data[8:16], field=MORE | 1, ident=100)
    yield 'a first alone', ip4(w.UDP, data[:16], field=MORE, ident=101)
    yield 'a last alone', ip4(w.UDP, data[16:], field=2, ident=102)
    yield 'a first of nothing', ip4(w.UDP, b'', field=MORE, ident=103)
    yield 'a first of 7 bytes', ip4(w.UDP, data[:7], field=MORE, ident=104)
    yield 'beyond 65535', ip4(w.UDP, data[:48], field=0x1fff, ident=105)
    yield 'first, then beyond 65535', ip4(w.UDP, data[:48], field=MORE | 0x1fff, ident=101)
    yield 'all flags', ip4(w.UDP, data, field=0xffff, ident=106)
    yield 'reserved flag', ip4(w.UDP, data, field=0x8000, ident=107)
    for at, size in ((0, 24), (2, 24), (1, 24), (0, 64), (3, 8), (0, 24)):
        yield f'overlap at {at}', ip4(w.UDP, data[at * 8:at * 8 + size], field=MORE | at, ident=108)
    yield 'overlap, last', ip4(w.UDP, data[16:], field=2, ident=108)
    yield 'two ends', ip4(w.UDP, data[16:32], field=2, ident=109)
    yield 'the other end', ip4(w.UDP, data[16:64], field=2, ident=109)
    yield 'and the first', ip4(w.UDP, data[:16], field=MORE, ident=109)
    yield 'TCP in splinters', ip4(TCP, bytes(8), field=MORE, ident=110)
    yield 'TCP without its start', ip4(TCP, bytes(24), field=1, ident=110)
    yield 'with options', ip4(w.UDP, data[:16], field=MORE, words=6,
                              options=b'\x94\x04\0\0', ident=111)
    for n in range(300):
        yield f'datagram {n} that never ends', ip4(w.UDP, data[:16], field=MORE, ident=1000 + n)


def icmp_frames():
    for kind in range(45):
        for size in (0, 3, 4, 7, 40):
            message = w.icmp(kind, 0xffffffff, bytes(size))[:size]
            yield f'type {kind}, {size} bytes', ip4(w.ICMP, message)
    inner = bytes([0x45, 0, 0, 28]) + bytes(24)
    yield 'an error about an error', ip4(w.ICMP, w.icmp(3, 0, inner))
    needed = w.icmp(3, 0, inner).replace(b'\3\0', b'\3\4', 1)
    yield 'fragmentation needed, MTU 0', ip4(w.ICMP, needed)
    yield 'redirect', ip4(w.ICMP, w.icmp(5, 0x0a4d0063, inner))
    yield 'ping to everybody', ip4(w.ICMP, w.icmp(8, 1, b'x' * 8), to='255.255.255.255')
    yield 'bad checksum', ip4(w.ICMP, b'\x08\0\x12\x34' + bytes(12))
    yield 'ping with options', ip4(w.ICMP, w.icmp(8, 1, b'x' * 8), words=15, options=b'\x01' * 40)


def udp_frames():
    for told in (0, 7, 8, 9, 15, 17, 1000, 65535):
        datagram = struct.pack('>HHHH', 7, 7, told, 0) + b'z' * 8
        yield f'length {told} of 16', ip4(w.UDP, datagram)
    yield from ((f'cut to {n}', ip4(w.UDP, w.udp(7, 7, b'')[:n])) for n in range(8))
    yield 'bad checksum', ip4(w.UDP, struct.pack('>HHHH', 7, 7, 16, 0x1234) + b'z' * 8)
    for n in (0, 1, 9, 53, 67, 68, 546, 65535):
        yield f'port {n}', ip4(w.UDP, w.udp(0, n, b'q'))
    yield 'to all', ip4(w.UDP, w.udp(7, 7, b'loop'), source=w.GUEST_IP)


def dhcp_frames(kind=5, ident=0):
    """Of this message type, for the request with this number."""
    says = bytes([53, 1, kind])

    def reply(options, op=2, cookie=0x63825363, boxes=bytes(192)):
        head = struct.pack('>BBBBI', op, 1, 6, 0, ident) + bytes(8) + w.packed(w.GUEST_IP) \
            + w.packed(w.OUR_IP) + bytes(4) + w.GUEST_MAC + bytes(10) + boxes
        return ip4(w.UDP, w.udp(67, 68, head + struct.pack('>I', cookie) + options),
                   to='255.255.255.255')
    yield 'empty', ip4(w.UDP, w.udp(67, 68, b''))
    yield 'cut', ip4(w.UDP, w.udp(67, 68, bytes(239)))
    yield 'no cookie', reply(says + b'\xff', cookie=0)
    yield 'a request', reply(says + b'\xff', op=1)
    yield 'an option beyond the end', reply(says + b'\x06\xff')
    yield 'an option without its length', reply(says + b'\x06')
    yield 'type of no length', reply(b'\x35\x00\xff')
    yield 'type of 255 bytes', reply(b'\x35\xff' + bytes(255) + b'\xff')
    yield 'no type', reply(b'\xff')
    yield 'servers, too many', reply(says + b'\x06\xfc' + bytes(range(252)) + b'\xff')
    yield 'servers, 3 bytes', reply(says + b'\x06\x03\1\2\3\xff')
    yield 'mask of 3 bytes', reply(says + b'\x01\x03\1\2\3\xff')
    for n in (1, 2, 3, 255):
        yield f'overload {n}, empty', reply(says + bytes([52, 1, n, 255]))
        for fill in (b'\x06\xff', b'\x34\x01\x03', b'\x00', b'\x35'):
            boxes = (fill * 192)[:192]
            yield f'overload {n}, {fill.hex()}', reply(says + bytes([52, 1, n, 255]), boxes=boxes)
    yield 'lease 0', reply(says + b'\x33\x04\0\0\0\0\xff')
    yield 'no end', reply(says)
    yield 'all ones', reply(b'\xff' * 200)
    yield 'noise', reply(random.Random(3).randbytes(300))
    yield 'NAK', reply(b'\x35\x01\x06\xff')


def dns_frames():
    """For no question."""
    query = struct.pack('>HHHHHH', 1, 0x100, 1, 0, 0, 0) + b'\x01a\0\0\1\0\1'
    yield from dns_answers(query, 49153)
    yield from (dns_denial(query, 49153, name) for name in DENIALS)


def dns_answer(query, port, body, flags=0x8180, counts=(1, 1, 0, 0), change=0, source=w.OUR_IP):
    ident = struct.unpack_from('>H', query)[0] ^ change
    return ip4(w.UDP, w.udp(53, port, struct.pack('>HHHHHH', ident, flags, *counts) + body),
               source=source)


def dns_answers(query, port):
    """Packets that are no answer to the query. Whole ones give a wrong address."""
    asked = query[12:]
    kind = asked[-4:-2]
    size = 4 if kind == b'\0\1' else 16
    record = kind + struct.pack('>HIH', 1, 60, size) + b'\6' * size
    wrong = b'\xc0\x0c' + record

    def answer(body, **fields):
        return dns_answer(query, port, body, **fields)
    yield from ((f'cut to {n}', answer(asked + wrong)[:42 + n]) for n in (0, 1, 12, 16))
    datagram = struct.pack('>HHHHHH', *struct.unpack_from('>H', query), 0x8180, 1, 1, 0, 0)
    for n in range(len(asked + wrong)):
        yield f'without its end, {n}', ip4(w.UDP, w.udp(53, port, datagram + (asked + wrong)[:n]))
    yield 'another number', answer(asked + wrong, change=0x0101)
    yield 'another server', answer(asked + wrong, source='10.77.0.66')
    yield 'a question', answer(asked + wrong, flags=0x0100)
    for n in (0, 2, 65535):
        yield f'{n} questions', answer(asked * min(n, 2) + wrong, counts=(n, 1, 0, 0))
    yield 'another name', answer(b'\x01b' + asked + wrong)
    yield 'another type', answer(asked[:-4] + b'\0\xff\0\1' + wrong)
    yield 'another class', answer(asked[:-2] + b'\0\3' + wrong)
    for name in (b'\xc0\x0c', b'\xff\xff', b'\x3f' + b'a' * 20, b'\x01a' * 200, b'\xc0', b''):
        yield f'asks {name[:2].hex()}', answer(name + asked[-4:] + wrong)
    for name in (b'\x3f' + b'a' * 20, b'\x01a' * 200, b'\xc0', b'\x80'):
        yield f'name {name[:2].hex()} without end', answer(asked + name)
    for count in (2, 3, 65535):
        yield f'{count} records', answer(asked + wrong, counts=(1, count, 0, 0))
    yield '65535 records of nothing', answer(asked + (TEXT + b'\0\0') * 50, counts=(1, 65535, 0, 0))
    for length in (0xffff, 0xfff0):
        yield f'{length:#x} bytes', answer(asked + b'\xc0\x0c\0\x10' +
                                           struct.pack('>HIH', 1, 60, length))


TEXT = b'\xc0\x0c\0\x10\0\1\0\0\0\1'          # a record of another type, up to its length
DENIALS = {                                # answers without an address: what follows the question
    'none': (b'', (1, 0, 0, 0)),
    'not there': (b'', (1, 0, 65535, 65535)),
    'of nothing': ((TEXT + b'\0\0') * 50, (1, 50, 0, 0)),
    'of another name': (b'\1b\0\0\1\0\1\0\0\0\1\0\4abcd', (1, 1, 0, 0)),
    'of 3 bytes': (b'\xc0\x0c\0\1\0\1\0\0\0\1\0\3abc', (1, 1, 0, 0)),
    'of another class': (b'\xc0\x0c\0\1\0\3\0\0\0\1\0\4abcd', (1, 1, 0, 0))}


def dns_denial(query, port, name):
    body, counts = DENIALS[name]
    return f'answers {name}', dns_answer(query, port, query[12:] + body, counts=counts)


def tcp_frames():
    """For no connection, and for the port of the server."""
    def seg(flags, options=b'', data=b'', port=80, **fields):
        return ip4(TCP, st.tcp(4242, port, 1000, 2000, flags, data, options=options, **fields))
    for flags in range(0x40):
        yield f'flags {flags:#04x}', seg(flags)
        if flags & SYN and not flags & (RST | FIN):
            yield f'reset after {flags:#04x}', ip4(TCP, st.tcp(4242, 80, 1001, 0, RST))
    for offset in (0, 1, 4, 6, 15):
        yield f'header of {offset} words', seg(SYN, offset=offset)
    for options in (b'\x02\x04\0\0', b'\x02\x04\0\1', b'\x02\x03\1\0', b'\x02\0\0\0',
                    b'\x02\x01\0\0',
                    b'\x02\xff\xff\xff', b'\x03\x03\xff\0', b'\x03\x01\0\0',
                    b'\x08\x0a\0\0', b'\x05\x02\0\0',
                    b'\x04\x02\x04\x02', b'\x01\x01\x01\x02', b'\x01\x01\x01\xfe', b'\x22\x00\0\0',
                    b'\xff' * 40, b'\x01' * 40):
        yield f'options {options[:4].hex()}', seg(SYN, options)
        yield 'and its reset', ip4(TCP, st.tcp(4242, 80, 1001, 0, RST))
    yield 'to port 0', seg(SYN, port=0)
    yield 'with data', seg(SYN, data=b'GET / HTTP/1.1\r\n\r\n')
    yield 'reset', ip4(TCP, st.tcp(4242, 80, 1001, 0, RST))
    yield 'land', ip4(TCP, st.tcp(80, 80, 1, 0, SYN), source=w.GUEST_IP)
    yield 'bad checksum', ip4(TCP, st.tcp(4242, 80, 1, 0, SYN)[:16] + b'\x12\x34\0\0')
    yield from ((f'cut to {n}', ip4(TCP, st.tcp(4242, 80, 1, 0, SYN)[:n])) for n in range(20))
    yield 'to everybody', ip4(TCP, st.tcp(4242, 80, 1, 0, SYN), to='10.77.0.255')


def tcp_of(c, coming):
    """For the open connection c, which must live on: all of them lie outside its window, lie, or
    are bytes of `coming`, which c sends next, before their turn."""
    far = (1 << 30, -(1 << 30), 1 << 20, -1 << 20)
    for flags in (ACK, RST, SYN, FIN | ACK, SYN | ACK, URG | ACK, RST | ACK):
        for d in far:
            yield f'flags {flags:#04x} at {d:+d}', ip4(TCP, c.bytes(flags, seq=c.seq + d))
    for d in far:
        yield f'data at {d:+d}', ip4(TCP, c.bytes(ACK, b'evil', seq=c.seq + d))
        yield f'acknowledges {d:+d}', ip4(TCP, c.bytes(ACK, ack=c.ack + d))
    yield 'urgent beyond', ip4(TCP, c.bytes(ACK | URG))
    yield 'window 0', ip4(TCP, c.bytes(ACK, window=0))
    yield 'window again', ip4(TCP, c.bytes(ACK))
    for d in (1, 1461, 30000, 65000, 190000):
        yield f'out of order at +{d}', ip4(TCP, c.bytes(ACK, coming[d:d + 1400], seq=c.seq + d))
    for d in (1, 3, 2, 1, 700, 1):
        data = coming[d:d + 40 * d % 1300 + 1]
        yield f'overlapping at +{d}', ip4(TCP, c.bytes(ACK, data, seq=c.seq + d))
    for n in range(400):
        yield f'splinter {n}', ip4(TCP, c.bytes(ACK, coming[3 + 2 * n:4 + 2 * n],
                                                    seq=c.seq + 3 + 2 * n))
    yield 'options that lie', ip4(TCP, c.bytes(ACK, options=b'\x05\xff\x01\x02'))
    yield 'a SACK', ip4(TCP, c.bytes(ACK, options=b'\x05\x0a' + b'\xff' * 8 + b'\x01\x01'))


def ipv6_frames():
    good = st.icmp6(128, b'\0\1\0\1' + b'x' * 16)
    yield from ((f'cut to {n}', ip6(ICMP6, good)[:n]) for n in range(14, 60, 5))
    for length in (0, 1, 7, 23, 25, 1000, 65535):
        yield f'payload length {length}', ip6(ICMP6, good, length=length)
    for source in (b'\xff\2' + bytes(13) + b'\1', bytes(16), bytes(15) + b'\1',
                   bytes(10) + b'\xff\xff\x0a\x4d\0\1'):
        yield f'from {source.hex()}', ip6(ICMP6, good, source=source)
    for to in (st.ALL_NODES, bytes(16), bytes(15) + b'\1', b'\xff\x01' + bytes(13) + b'\1'):
        yield f'to {to.hex()}', ip6(ICMP6, good, to=to)
    for kind in (0, 43, 44, 60, 135, 51, 50, 59, 6, 17, 253, 255):
        for body in (b'', b'\x3a', bytes(8), b'\x3a\xff' + bytes(6), b'\x3a\0\x01\xff\0\0\0\0',
                     b'\x3a\0\xc2\x04\0\0\0\0', bytes([kind, 0]) + bytes(6)):
            yield f'header {kind}: {body[:4].hex()}', ip6(kind, body)
    for action in (0x1e, 0x5e, 0x9e, 0xde):
        yield f'option {action:#04x}', ip6(0, bytes([ICMP6, 0, action, 4]) + bytes(4) + good)
    yield 'headers without end', ip6(60, bytes([60, 0, 1, 4, 0, 0, 0, 0]) * 100)
    yield 'routing header 0', ip6(43, bytes([ICMP6, 2, 0, 1]) + bytes(4) + GUEST_LL + good)
    yield 'router alert', ip6(0, b'\x3a\0\5\2\0\0\1\0' + st.icmp6(130, bytes(20)))


def fragment6(body, at, size, ident, more=None):
    """Of an ICMPv6 message."""
    more = at + size < len(body) if more is None else more
    return ip6(44, struct.pack('>BBHI', ICMP6, 0, at | more, ident) + body[at:at + size])


def ipv6_fragments():
    body = st.icmp6(128, b'\0\1\0\1' + b'x' * 60)

    def piece(at, size, more, ident, data=body):
        return fragment6(data, at, size, ident, more)
    yield 'nothing', ip6(44, b'\x3a\0\0\1\0\0\0\1')
    yield 'cut', ip6(44, b'\x3a\0\0')
    yield 'a first of 9 bytes', piece(0, 9, 1, 1)
    yield 'beyond 65535', ip6(44, struct.pack('>BBHI', ICMP6, 0, 0xfff8, 2) + bytes(64))
    yield 'in a fragment', ip6(44, struct.pack('>BBHI', 44, 0, 0, 3) + b'\x3a\0\0\0\0\0\0\1' + body)
    asks = st.icmp6(135, bytes(4) + GUEST_LL + b'\1\1' + w.OUR_MAC + bytes(8))
    yield 'discovery', piece(0, 32, 1, 4, data=asks)
    yield 'TCP in splinters', ip6(44, struct.pack('>BBHI', TCP, 0, 1, 5) + bytes(8))
    for at, size, more in ((0, 16, 1), (8, 16, 1), (0, 24, 1), (16, 24, 1), (40, 24, 0),
                           (32, 32, 0)):
        yield f'overlap at {at}', piece(at, size, more, 6)
    yield 'last', piece(64, 8, 0, 7)
    yield 'first', piece(0, 8, 1, 7)
    yield 'middle, with gaps', piece(32, 8, 1, 7)
    for n in range(200):
        yield f'datagram {n} that never ends', piece(0, 16, 1, 1000 + n)


def icmp6_frames():
    for kind in (0, 1, 2, 3, 4, 127, 130, 131, 132, 133, 134, 135, 136, 137, 138, 143, 255):
        for size in (0, 4, 20, 44):
            yield f'type {kind}, {size} bytes', ip6(ICMP6, st.icmp6(kind, bytes(size)), hops=255)
    for mtu in (0, 1, 48, 55, 68, 1279, 1280, 0xffffffff):
        inner = st.ipv6(17, bytes(8), source=GUEST_LL, to=OUR_LL)
        yield f'too big, MTU {mtu}', ip6(ICMP6, st.icmp6(2, struct.pack('>I', mtu) + inner))
    yield 'bad checksum', ip6(ICMP6, b'\x80\0\x12\x34' + bytes(12))


def discovery_frames():
    def nd(kind, fixed, options=b'', hops=255, **fields):
        return ip6(ICMP6, st.icmp6(kind, fixed + options, **fields), hops=hops)
    bad = [b'\1\0', b'\1\0' + bytes(6), b'\1\2' + bytes(6), b'\1\xff' + bytes(6), b'\1',
           b'\2\0' + bytes(14),
           b'\x0e\0' + bytes(6), b'\1\1' + bytes(6) + b'\0\0', b'\3\4' + bytes(6),
           b'\5\1' + bytes(6),
           b'\x19\1' + bytes(6), b'\1\2' + bytes(14), b'\2\3' + bytes(22)]
    for kind, fixed in ((133, bytes(4)), (134, b'\x40\0\7\x08' + bytes(8)),
                        (135, bytes(4) + GUEST_LL),
                        (136, b'\x60\0\0\0' + OUR_LL), (137, bytes(4) + OUR_LL + OUR_LL)):
        yield f'type {kind} without options', nd(kind, fixed)
        yield f'type {kind} from afar', nd(kind, fixed, hops=64)
        yield f'type {kind} with a code', nd(kind, fixed, code=1)
        for options in bad:
            yield f'type {kind}, options {options[:4].hex()}', nd(kind, fixed, options)
    prefix = b'\3\4\x40\xc0' + b'\xff' * 8 + bytes(4) + b'\x20\1\x0d\xb8'
    for n in range(64):
        router = b'\xfe\x80' + bytes(12) + struct.pack('>H', n + 2)
        says = b'\x40\0\0\x08' + bytes(8) + prefix + struct.pack('>I', n) + bytes(8)
        router_says = st.icmp6(134, says, source=router)
        yield f'router {n}', ip6(ICMP6, router_says, hops=255, source=router)
        yield f'neighbour {n}', ip6(ICMP6, st.icmp6(135, bytes(4) + GUEST_LL + b'\1\1' + w.OUR_MAC,
                                                    source=router), hops=255, source=router)
        ping = st.icmp6(128, bytes(1000), source=router)
        yield f'ping of a stranger {n}', ip6(ICMP6, ping, source=router)


def noise():
    """Good packets, in which some bits are others."""
    dice = random.Random(20121)
    good = [ip4(w.ICMP, w.icmp(8, 1, b'x' * 40)), ip4(w.UDP, w.udp(7, 7, b'y' * 40)),
            ip4(TCP, st.tcp(5000, 80, 1, 0, SYN, options=b'\2\4\5\xb4\4\2\1\1')),
            ip6(ICMP6, st.icmp6(128, b'\0\1\0\1' + b'x' * 16)),
            ip6(ICMP6, st.icmp6(135, bytes(4) + GUEST_LL + b'\1\1' + w.OUR_MAC), hops=255),
            ip6(0, b'\x3a\0\5\2\0\0\1\0' + st.icmp6(130, bytes(20)))]
    for n in range(1500):
        frame = bytearray(dice.choice(good))
        for _ in range(dice.choice((1, 1, 2, 5, 20))):
            frame[dice.randrange(12, len(frame))] ^= 1 << dice.randrange(8)
        length = dice.choice((len(frame), len(frame), dice.randrange(14, len(frame))))
        yield f'flip {n}', bytes(frame[:length])


GROUPS = {'ethernet': ethernet_frames, 'arp': arp_frames, 'ipv4': ipv4_frames, 'icmp': icmp_frames,
          'udp': udp_frames, 'dhcp': dhcp_frames, 'dns': dns_frames, 'tcp': tcp_frames,
          'ipv6': ipv6_frames,
          'icmp6': icmp6_frames, 'discovery': discovery_frames, 'noise': noise,
          'ipv4 fragments': ipv4_fragments, 'ipv6 fragments': ipv6_fragments}
