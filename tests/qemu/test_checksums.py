# SPDX-License-Identifier: BSD-2-Clause
"""Checksums, which no device completes or verifies for us: those of every frame that the image
sends are right, and what comes in with a wrong one is dropped.
"""
import struct
import tempfile

import pytest

import wire as w
from vireolib import http

TCP = 6
SYN = 2


def pseudo(packet, length):
    return packet[12:20] + struct.pack('>BBH', 0, packet[9], length)


def frames(path):
    """The frames of a capture, in order."""
    data, at = path.read_bytes(), 24
    while at + 16 <= len(data):
        length = struct.unpack_from('<I', data, at + 8)[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def check(packet):
    """An IPv4 packet without a fragment: its protocol, if all checksums are there and right."""
    header = (packet[0] & 15) * 4
    body = packet[header:struct.unpack_from('>H', packet, 2)[0]]
    assert w.checksum(packet[:header]) == 0
    if packet[9] in (TCP, w.UDP):
        assert w.checksum(pseudo(packet, len(body)) + body) == 0
        assert body[16:18] != b'\0\0' if packet[9] == TCP else body[6:8] != b'\0\0'
    return packet[9]


@pytest.mark.shows('NET-TX-05')
@pytest.mark.parametrize('transport', ['mmio', 'mmio-legacy', 'pci'])
def test_sent_checksums(boot, site_disk, tmp_path, transport):
    path = tmp_path / 'net.pcap'
    guest = boot('httpd', transport=transport, disks=[site_disk], forwards=[80], pcap=str(path))
    guest.serving()
    assert http.get(guest.port(80)).status == 200
    guest.stop()
    sent = [f[14:] for f in frames(path) if f[6:12] == w.GUEST_MAC and f[12:14] == b'\x08\0']
    protocols = [check(packet) for packet in sent]
    assert protocols.count(TCP) >= 3 and w.UDP in protocols      # the answer, and DHCP


class Ears(w.Wire):
    """Also hears TCP segments and datagrams."""

    def __init__(self, directory):
        super().__init__(directory)
        self.heard = []                # (protocol, our port)

    def take_ipv4(self, packet):
        if packet[9] == TCP:
            check(packet)
            self.heard.append((TCP, struct.unpack_from('>H', packet, 22)[0]))
        else:
            super().take_ipv4(packet)

    def take_udp(self, source, port, payload):
        self.heard.append((w.UDP, port))


def syn(port, spoil):
    head = struct.pack('>HHIIBBHHH', port, 7, 1000 + port, 0, 5 << 4, SYN, 8192, 0, 0)
    return with_checksum(TCP, head, 16, spoil)


def datagram(port, spoil):
    return with_checksum(w.UDP, w.udp(port, 7, b'hello'), 6, spoil)


def with_checksum(protocol, segment, at, spoil):
    packet = w.ipv4(protocol, segment)
    value = w.checksum(pseudo(packet, len(segment)) + segment) ^ spoil
    return w.ipv4(protocol, segment[:at] + struct.pack('>H', value) + segment[at + 2:])


@pytest.mark.shows('NET-RX-12')
@pytest.mark.parametrize('transport', ['mmio', 'mmio-legacy', 'pci'])
def test_received_checksums(boot, transport):
    """SYNs and datagrams with one wrong bit, and one good of each: only that is answered."""
    with tempfile.TemporaryDirectory(prefix='vw-') as directory, Ears(directory) as wire:
        guest = boot('sockets', transport=transport, netdev_line=wire.netdev)
        wire.serve(lambda: guest.seen(r'^vireo: ready'), 30)
        for bit in range(0, 16, 3):
            wire.frame(w.IPV4, syn(2000 + bit, 1 << bit))
            wire.frame(w.IPV4, datagram(3000 + bit, 1 << bit))
        wire.frame(w.IPV4, syn(4000, 0))
        wire.frame(w.IPV4, datagram(5000, 0))
        wire.serve(lambda: {(TCP, 4000), (w.UDP, 5000)} <= set(wire.heard))
        assert set(wire.heard) == {(TCP, 4000), (w.UDP, 5000)}
