# SPDX-License-Identifier: BSD-2-Clause
"""Leases of DHCP (RFC 2131) with a server of ours: renewed, rebound, ended, refused."""
import socket
import struct
import tempfile
import time

import pytest

import wire as w

OTHER_IP, TIME_SERVER = '10.77.0.120', '10.77.0.5'
DISCOVER, REQUEST = 1, 3
OFFER, ACK, NAK = 2, 5, 6


class Server(w.Wire):
    """Grants `address` with these options, and keeps what it hears while it is silent."""
    address, options, silent, refuse = w.GUEST_IP, b'', False, False

    def __init__(self, directory):
        super().__init__(directory)
        self.acked = time.monotonic()
        self.heard = []                    # (seconds since the last ACK, kind, who was asked)
        self.to = self.arp_answers = None

    def take(self, data):
        if struct.unpack_from('>H', data, 12)[0] == w.IPV4:
            self.to = socket.inet_ntoa(data[30:34])
        super().take(data)

    def take_arp(self, arp):
        if arp[6:8] == b'\0\2':
            self.arp_answers = (self.arp_answers or 0) + 1
        super().take_arp(arp)

    def who_has(self, address):
        self.arp_answers = 0
        self.frame(w.ARP, struct.pack('>HHBBH6s4s6s4s', 1, w.IPV4, 6, 4, 1, w.OUR_MAC,
                                      w.packed(w.OUR_IP), b'', w.packed(address)), w.BROADCAST)

    def take_dhcp(self, request):
        kind = w.dhcp_options(request[240:]).get(53, b'\0')[0]
        self.heard.append((time.monotonic() - self.acked, kind, self.to))
        if self.silent:
            return
        answer = OFFER if kind == DISCOVER else NAK if self.refuse else ACK
        options = bytes([53, 1, answer, 54, 4]) + w.packed(w.OUR_IP)
        given = b'\0' * 4
        if answer != NAK:
            given = w.packed(self.address)
            options += b'\x01\x04' + w.packed(w.MASK) + b'\x33\x04' + struct.pack('>I', 10) \
                + self.options
        reply = b'\x02' + request[1:16] + given + w.packed(w.OUR_IP) + request[24:236] \
            + request[236:240] + options + b'\xff'
        self.frame(w.IPV4, w.ipv4(w.UDP, w.udp(67, 68, reply), to='255.255.255.255'), w.BROADCAST)
        if answer == ACK:
            self.acked = time.monotonic()
            self.heard.clear()

    def asked(self, kind, to):
        """The time of the first such message since the last ACK; None: there was none."""
        return next((at for at, k, whom in self.heard if (k, whom) == (kind, to)), None)


@pytest.fixture
def server():
    with tempfile.TemporaryDirectory(prefix='vw-') as directory, Server(directory) as s:
        yield s


def test_a_lease_of_ten_seconds(boot, server):
    """Renewed when the server says, then at T1, rebound at T2, and gone at its end; a refusal is
    told, and the next address serves."""
    server.options = bytes([58, 4, 0, 0, 0, 2, 59, 4, 0, 0, 0, 3, 42, 4]) + w.packed(TIME_SERVER)
    guest = boot('sockets', netdev_line=server.netdev)
    server.serve(lambda: guest.seen(r'^vireo: ready'), 30)
    granted = server.acked
    server.options = b''
    server.serve(lambda: server.acked != granted)                 # T1 of the server: two seconds
    assert 1.5 < server.acked - granted < 8
    server.silent = True
    server.serve(lambda: server.asked(REQUEST, '255.255.255.255'))
    assert 4.8 < server.asked(REQUEST, w.OUR_IP) < 7.8            # T1: half
    assert 7.8 < server.asked(REQUEST, '255.255.255.255')         # T2: seven eighths
    server.who_has(w.GUEST_IP)
    server.serve(lambda: server.arp_answers)
    server.serve(lambda: guest.seen('the DHCP lease ended: no server has renewed it'))
    server.serve(lambda: server.asked(DISCOVER, '255.255.255.255'))
    server.who_has(w.GUEST_IP)
    server.silent, server.refuse = False, True
    server.serve(lambda: guest.seen(r'DHCP: a server refuses 10\.77\.0\.99 \(NAK\)'))
    assert not server.arp_answers, 'an address is used beyond its lease'
    server.refuse, server.address = False, OTHER_IP
    server.serve(lambda: guest.seen(f'address {OTHER_IP} '))
    server.frame(w.IPV4, w.ipv4(w.ICMP, w.icmp(8, 1, b'still there?'), to=OTHER_IP))
    server.serve(lambda: server.pongs)
    assert len(guest.seen(f'address {w.GUEST_IP} ')) == 1
    assert guest.seen(rf'time servers {TIME_SERVER} \(DHCP\)') and guest.alive()
