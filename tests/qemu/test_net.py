# SPDX-License-Identifier: BSD-2-Clause
"""Networking through POSIX sockets: addresses, TCP, UDP, names, ping, IPv6, on every transport."""
import os
import re
import socket
import struct
import tempfile
import threading

import pytest

import wire as w
from vireolib import http, images
from vireolib.machine import Forward

TRANSPORTS = ('mmio', 'mmio-legacy', 'pci')


def checks_end(guest, timeout=30):
    """Waits for a test appliance's last line; no check of it may have failed."""
    match = guest.expect(r'^checks: passed=(\d+) failed=(\d+)', timeout)
    assert int(match[2]) == 0, '\n'.join(guest.seen('check: FAIL')) + '\n' + guest.report()
    assert int(match[1]) > 0
    assert guest.wait() == 0


# ---- addresses ----

def test_dhcp_gives_the_address(boot):
    guest = boot('sockets', forwards=[7])
    guest.serving(30)
    assert guest.seen(r'^address: 10\.0\.2\.15')


@pytest.mark.parametrize('argument', [
    'ip=10.0.2.77::10.0.2.2:255.255.255.0', 'ip=10.0.2.77::10.0.2.2:255.255.255.0:box:eth0:off',
    'ip=10.0.2.77::10.0.2.2:255.255.255.0::eth0:none', 'ip=10.0.2.77/24'])
def test_static_address(boot, argument):
    guest = boot('sockets', append=argument)
    guest.serving(30)
    assert guest.seen(r'^address: 10\.0\.2\.77')


def test_static_address_serves(boot, site_disk):
    guest = boot('httpd', append=images.STATIC_IP, disks=[site_disk], forwards=[80])
    guest.serving()
    assert http.get(guest.port(80)).status == 200


def test_no_dhcp_server_is_no_end(boot, tmp_path):
    """No peer answers on the wire: the image says that it has no address, and does not hang."""
    with w_in_tmp() as wire:
        guest = boot('sockets', netdev_line=wire.netdev, append='wait=2')
        guest.expect(r'check: FAIL an address came', 20)


# ---- a server ----

@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('wake', ['irq', 'poll'])
def test_echo_server(boot, transport, wake):
    guest = boot('sockets', transport=transport, append='vireo.poll=1' if wake == 'poll' else '',
                 forwards=[7, 9, 13, Forward(0, 7, proto='udp')])
    guest.serving(30)
    for size in (1, 1459, 1460, 1461, 100_000):
        assert echo(guest.port(7), os.urandom(size))
    many = [threading.Thread(target=lambda: results.append(echo(guest.port(7), os.urandom(20_000))))
            for _ in range(16)]
    results = []
    for thread in many:
        thread.start()
    for thread in many:
        thread.join(160)
    assert results == [True] * 16
    assert counted(guest.port(9), 3_000_000) == 3_000_000
    datagrams(guest.port(7, 'udp'))
    socket.create_connection(('127.0.0.1', guest.port(13)), 80).sendall(b'q')
    checks_end(guest)


def echo(port, data):
    """Sends and receives at once, as an echo needs; then half-closes and sees the end."""
    with socket.create_connection(('127.0.0.1', port), 80) as s:
        sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
        sender.start()
        parts = []
        while part := s.recv(65536):
            parts.append(part)
        sender.join(80)
        return b''.join(parts) == data


def counted(port, size):
    with socket.create_connection(('127.0.0.1', port), 80) as s:
        s.sendall(bytes(size))
        s.shutdown(socket.SHUT_WR)
        return int(s.recv(100))


def datagrams(port):
    """Each comes back whole; up to the size that leaves the guest as one frame, and fragmented."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(80)
        for size in (0, 1, 512, 1472, 1473, 4000):
            data = os.urandom(size)
            s.sendto(data, ('127.0.0.1', port))
            assert s.recv(65536) == data, size


# ---- a client ----

class EchoHost:
    """A TCP echo server on this host's loopback."""

    def __init__(self, address='127.0.0.1'):
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        self.listener = socket.create_server((address, 0), family=family)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.echo, args=(s,), daemon=True).start()

    @staticmethod
    def echo(s):
        with s:
            while data := s.recv(65536):
                s.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_client(boot, transport):
    with socket.socket() as unused, EchoHost() as host:
        unused.bind(('127.0.0.1', 0))            # bound, but nobody listens: refused
        dead = unused.getsockname()[1]
        guest = boot('client', transport=transport,
                     append=f'tcp=10.0.2.2/{host.port} dead=10.0.2.2/{dead}')
        checks_end(guest)


@pytest.mark.parametrize('end', ['exit', '_exit', 'vireo_exit'])
def test_what_was_sent_arrives(boot, end):
    """However the image ends, what send() accepted is delivered first."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        listener.settimeout(80)
        guest = boot('client', append=f'last=10.0.2.2/{listener.getsockname()[1]} end={end}')
        s, _ = listener.accept()
        with s:
            s.settimeout(80)
            data = b''
            while piece := s.recv(65536):
                data += piece
        assert data == b'x' * 100000 and guest.wait() == 5
        assert not guest.seen('not delivered')


def test_client_over_ipv6(boot):
    """QEMU's user network leads fec0::2 to this host's ::1."""
    try:
        host = EchoHost('::1')
    except OSError as e:
        pytest.skip(f'this host has no IPv6 loopback: {e}')
    with host:
        guest = boot('client', append=f'tcp=fec0::2/{host.port}')
        checks_end(guest)
        assert guest.seen(r'^address: fec0:')


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_a_flood_does_not_keep_the_card_out(boot, transport):
    """Small transmit queue, and a task that never waits: services get their turn all the same."""
    guest = boot('flood', transport=transport, append=f'{images.STATIC_IP} vireo.vnet0.qsize=16',
                 forwards=[7])
    guest.expect('flood: listening')
    with socket.create_connection(('127.0.0.1', guest.port(7)), 80) as s:
        s.sendall(b'hello')
        assert s.recv(5) == b'hello'
    checks_end(guest, 60)
    assert not guest.seen('not sent in time|works again')    # a full queue is not a stuck one


# ---- names and ping, with our own station on the wire ----

class w_in_tmp:
    """A Wire in a directory whose path is short enough for a UNIX socket."""

    def __init__(self, **options):
        self.options = options

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix='vw-')
        self.wire = w.Wire(self.directory.name, **self.options)
        return self.wire

    def __exit__(self, *_):
        self.wire.socket.close()
        self.directory.cleanup()


NAMES = {'web.example': ['10.77.0.42'], 'two.example': ['10.77.0.1', '10.77.0.2'],
         'six.example': ['2001:db8::1']}


@pytest.mark.parametrize('name, want', [
    ('web.example', '10.77.0.42'), ('two.example', '10.77.0.1'), ('nosuch.example', 'none'),
    ('six.example', '2001:db8::1'), ('192.0.2.7', '192.0.2.7'), ('Web.example.', '10.77.0.42'),
    ('two..example', 'none')])
def test_names_are_resolved(boot, name, want):
    """With all addresses; what cannot be a name is not asked for."""
    with w_in_tmp(names=NAMES) as wire:
        guest = boot('client', netdev_line=wire.netdev, append=f'name={name} want={want}')
        wire.serve(lambda: guest.seen(r'^checks:'), 40)
        checks_end(guest)
        assert wire.leased >= 1
        asked = name.lower().rstrip('.')
        assert (asked in wire.questions) == bool(re.search('[a-z]', name) and '..' not in name)
        for address in NAMES.get(asked, ()):
            assert guest.seen(rf'^client: {name} is {address}')


def test_a_hundred_names_are_resolved_at_once(boot):
    names = {f'{n}.many.example': [f'10.9.0.{n}'] for n in range(100)}
    with w_in_tmp(names=names) as wire:
        guest = boot('client', netdev_line=wire.netdev, append='many=100')
        wire.serve(lambda: guest.seen(r'^checks:'), 40)
        checks_end(guest)
        assert set(wire.questions) == set(names)


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_ping_is_answered(boot, transport):
    with w_in_tmp() as wire:
        guest = boot('sockets', netdev_line=wire.netdev, transport=transport)
        wire.serve(lambda: guest.seen(r'^vireo: ready'), 30)
        assert guest.seen(rf'^address: {w.GUEST_IP}')
        for number, size in enumerate((0, 1, 56, 1472)):
            payload = os.urandom(size)
            wire.ping(number, payload)
            wire.serve(lambda n=number: len(wire.pongs) > n)
            assert wire.pongs[number][:size] == payload


def test_malformed_frames_are_survived(boot):
    """Short, lying and nonsensical frames; then the image still answers a ping."""
    with w_in_tmp() as wire:
        guest = boot('sockets', netdev_line=wire.netdev)
        wire.serve(lambda: guest.seen(r'^vireo: ready'), 30)
        good = w.ipv4(w.UDP, w.udp(7, 7, b'x' * 32))
        bad = [good[:19], good[:24], b'\x4f' + good[1:], b'\x41' + good[1:],
               good[:2] + struct.pack('>H', 65535) + good[4:], good[:2] + b'\0\0' + good[4:],
               w.ipv4(6, b'\0' * 20), w.ipv4(6, b'\xff' * 20), w.ipv4(6, b''),
               w.ipv4(w.ICMP, b'\x08'), w.ipv4(w.UDP, b'\0\x07'), w.ipv4(2, b'\x11\0\0\0'),
               w.ipv4(w.UDP, struct.pack('>HHHH', 7, 7, 3, 0)),
               w.ipv4(w.UDP, struct.pack('>HHHH', 7, 7, 60000, 0) + b'y')]
        for packet in bad:
            wire.frame(w.IPV4, packet)
            wire.frame(0x86dd, packet)
        for kind in (w.ARP, w.IPV4, 0x86dd, 0x8100, 0, 0xffff):
            for size in (0, 1, 27, 40, 1486):
                wire.frame(kind, os.urandom(size))
        wire.ping(0, b'still there?')
        wire.serve(lambda: wire.pongs)
        assert wire.pongs[0].startswith(b'still there?') and guest.alive()


def test_traffic_is_recorded(boot, site_disk, tmp_path):
    path = tmp_path / 'net.pcap'
    guest = boot('httpd', disks=[site_disk], forwards=[80], pcap=str(path))
    guest.serving()
    assert http.get(guest.port(80)).status == 200
    guest.stop()
    assert b'GET / HTTP/1.1' in path.read_bytes()
