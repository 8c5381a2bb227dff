# SPDX-License-Identifier: BSD-2-Clause
"""The other end of the image's network cable, in Python: a station that answers ARP, DHCP, DNS and
ping, and sends what a test wants to send. QEMU hands every Ethernet frame over as a datagram on a
UNIX socket, so nothing of the host's own network is touched.
"""
import os
import select
import socket
import struct
import time

from vireolib.guest import PATIENCE
from vireolib.machine import MAC

GUEST_MAC = bytes.fromhex(MAC.replace(':', ''))
OUR_MAC = bytes.fromhex('525400fffe01')
OUR_IP, GUEST_IP, MASK = '10.77.0.1', '10.77.0.99', '255.255.255.0'
BROADCAST = b'\xff' * 6
IPV4, ARP = 0x0800, 0x0806
ICMP, UDP = 1, 17


def packed(ip):
    return socket.inet_aton(ip)


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(protocol, payload, source=OUR_IP, to=GUEST_IP, ident=1):
    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), ident, 0, 64, protocol, 0,
                       packed(source), packed(to))
    return head[:10] + struct.pack('>H', checksum(head)) + head[12:] + payload


def udp(source_port, port, payload):
    return struct.pack('>HHHH', source_port, port, 8 + len(payload), 0) + payload


def icmp(kind, rest, payload):
    body = struct.pack('>BBHI', kind, 0, 0, rest) + payload
    return body[:2] + struct.pack('>H', checksum(body)) + body[4:]


class Wire:
    """Use: with Wire(dir) as wire: boot(..., netdev_line=wire.netdev); wire.serve(until)."""

    def __init__(self, directory, names=None):
        self.names = names or {}           # name -> list of IPv4 or IPv6 addresses
        self.ours = os.path.join(directory, 'host')
        self.theirs = os.path.join(directory, 'guest')
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.ours)
        self.netdev = (f'dgram,id=n0,local.type=unix,local.path={self.theirs},'
                       f'remote.type=unix,remote.path={self.ours}')
        self.leased = 0
        self.pongs = []                    # payloads of echo replies
        self.questions = []                # names that were asked for

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # ---- sending ----

    def frame(self, kind, payload, to=GUEST_MAC):
        data = to + OUR_MAC + struct.pack('>H', kind) + payload
        self.socket.sendto(data.ljust(60, b'\0'), self.theirs)

    def ping(self, number, payload):
        self.frame(IPV4, ipv4(ICMP, icmp(8, 0x1234 << 16 | number, payload)))

    # ---- answering ----

    def serve(self, until, timeout=20.0):
        """Answers what the image sends until `until()` holds; AssertionError when it never does."""
        timeout *= PATIENCE
        deadline = time.monotonic() + timeout
        while not until():
            left = deadline - time.monotonic()
            assert left > 0, f'not within {timeout:g} s'
            ready, _, _ = select.select([self.socket], [], [], min(left, 0.05))
            if ready:
                self.take(self.socket.recv(65536))

    def take(self, data):
        kind = struct.unpack_from('>H', data, 12)[0]
        if kind == ARP:
            self.take_arp(data[14:])
        elif kind == IPV4:
            self.take_ipv4(data[14:])

    def take_arp(self, arp):
        operation, sender, sender_ip, target_ip = struct.unpack('>6xH6s4s6x4s', arp[:28])
        if operation == 1 and target_ip == packed(OUR_IP):
            self.frame(ARP, struct.pack('>HHBBH6s4s6s4s', 1, IPV4, 6, 4, 2, OUR_MAC,
                                        packed(OUR_IP), sender, sender_ip), sender)

    def take_ipv4(self, packet):
        header = (packet[0] & 15) * 4
        assert checksum(packet[:header]) == 0, 'the image sent a bad IPv4 checksum'
        length = struct.unpack_from('>H', packet, 2)[0]
        body = packet[header:length]
        if packet[9] == ICMP and body[0] == 0:
            assert checksum(body) == 0, 'the image sent a bad ICMP checksum'
            self.pongs.append(body[8:])
        elif packet[9] == ICMP and body[0] == 8:
            self.frame(IPV4, ipv4(ICMP, icmp(0, struct.unpack_from('>I', body, 4)[0], body[8:]),
                                  to=socket.inet_ntoa(packet[12:16])))
        elif packet[9] == UDP:
            source, port = struct.unpack_from('>HH', body)
            if port == 67:
                self.take_dhcp(body[8:])
            elif port == 53:
                self.take_dns(source, body[8:], socket.inet_ntoa(packet[12:16]))
            else:
                self.take_udp(source, port, body[8:])

    def take_udp(self, source, port, payload):
        """A datagram to this side; derived classes handle it."""

    def take_dhcp(self, request):
        kind = dhcp_options(request[240:]).get(53, b'\0')[0]
        if kind not in (1, 3):
            return
        options = bytes([53, 1, 2 if kind == 1 else 5, 54, 4]) + packed(OUR_IP) \
            + b'\x01\x04' + packed(MASK) + b'\x03\x04' + packed(OUR_IP) \
            + b'\x06\x04' + packed(OUR_IP) + b'\x33\x04' + struct.pack('>I', 3600) + b'\xff'
        reply = b'\x02' + request[1:16] + packed(GUEST_IP) + packed(OUR_IP) + request[24:236] \
            + request[236:240] + options
        self.frame(IPV4, ipv4(UDP, udp(67, 68, reply), to='255.255.255.255'), BROADCAST)
        self.leased += kind == 3

    def take_dns(self, port, query, to):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind = struct.unpack_from('>H', query, at + 1)[0]
        question, name = query[12:at + 5], '.'.join(labels).lower()
        self.questions.append(name)
        answers = [dns_address(a) for a in self.names.get(name, ())]
        answers = [(k, a) for k, a in answers if k == kind]
        code = 0x8180 if name in self.names else 0x8183
        reply = query[:2] + struct.pack('>HHHHH', code, 1, len(answers), 0, 0) + question
        for k, address in answers:
            reply += struct.pack('>HHHIH', 0xc00c, k, 1, 60, len(address)) + address
        self.frame(IPV4, ipv4(UDP, udp(53, port, reply), to=to))


def dns_address(text):
    """(record type, bytes) of an address."""
    if ':' in text:
        return 28, socket.inet_pton(socket.AF_INET6, text)
    return 1, packed(text)


def dhcp_options(data):
    found, at = {}, 0
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        found[data[at]] = data[at + 2:at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return found
