# SPDX-License-Identifier: BSD-2-Clause
"""A network card that is reset in the middle of things: QEMU meets nonsense in one of its rings,
says that the device needs a reset, and touches no queue any more. Connections live, every byte is
right, listening and datagram sockets go on.
"""
import hashlib
import os
import socket
import threading

import pytest

from test_net import EchoHost, checks_end
from vireolib import faults, soak_machine, http, images
from vireolib.machine import Forward

MIB = 1 << 20
SIZE = 32 * MIB
RX, TX = 0, 1
WAYS = [('mmio', 'split'), pytest.param('mmio-legacy', 'split', marks=pytest.mark.full),
        ('pci', 'packed')]


@pytest.fixture(scope='module')
def big(tmp_path_factory, make_disk):
    """A disk with one large file, and its hash."""
    root = tmp_path_factory.mktemp('big')
    data = os.urandom(MIB) * (SIZE // MIB)
    (root / 'big.bin').write_bytes(data)
    return make_disk(root), hashlib.sha256(data).hexdigest()


class Spoilt:
    """A running image whose card can be made to need a reset."""

    def __init__(self, boot, name, transport, ring, **machine):
        boot.qemu_may_say(*soak_machine.SAID)
        self.guest = boot(name, transport=transport, mem='64', append=images.STATIC_IP,
                          net_device='id=net0' + (',packed=on' if ring == 'packed' else ''),
                          extra=faults.memory_args(64), **machine)
        self.guest.serving(30)
        self.faults = faults.Faults(self.guest)
        self.times = 0

    def reset(self, queue, traffic=lambda: None):
        """Spoils the queue, with something going on, and waits until the card is back."""
        spoiler = threading.Thread(target=self.faults.spoil, args=('net0', queue))
        spoiler.start()
        while spoiler.is_alive():
            traffic()
            spoiler.join(0.05)
        self.times += 1
        self.guest.until(lambda: len(self.guest.seen('vnet0: .*works again')) >= self.times,
                         'recovery of the card', 20)


class Download(threading.Thread):
    """Reads the large file, by one connection."""

    def __init__(self, port):
        super().__init__()
        self.port, self.hash, self.got, self.trouble = port, hashlib.sha256(), 0, None
        self.start()

    def take(self, data):
        self.hash.update(data)
        self.got += len(data)

    def run(self):
        try:
            with http.Connection(self.port, timeout=120) as c:
                c.request('GET', '/big.bin', [('Connection', 'close')])
                c.answer(sink=self.take)
        except OSError as e:
            self.trouble = e


@pytest.mark.parametrize('transport, ring', WAYS)
def test_a_download_outlives_resets(boot, big, transport, ring):
    """Of the queue that sends it, and of the one that its acknowledgements come by."""
    disk, wanted = big
    s = Spoilt(boot, 'httpd', transport, ring, disks=[disk], forwards=[80])
    for queue in (TX, RX):
        d = Download(s.guest.port(80))
        s.guest.until(lambda d=d: d.got > MIB, 'first bytes')
        s.reset(queue)
        assert d.got < SIZE, 'it was over before the card was reset'
        d.join(240)
        assert not d.is_alive() and d.trouble is None, d.trouble
        assert d.got == SIZE and d.hash.hexdigest() == wanted
    assert not s.guest.seen('link (up|down)')


@pytest.mark.parametrize('transport, ring', WAYS)
def test_sockets_go_on(boot, transport, ring):
    """A connection that was open, the listening socket, a datagram socket."""
    s = Spoilt(boot, 'sockets', transport, ring, forwards=[7, Forward(0, 7, proto='udp')])
    port = s.guest.port(7)
    with socket.create_connection(('127.0.0.1', port), 80) as stream, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.connect(('127.0.0.1', s.guest.port(7, 'udp')))
        datagrams.settimeout(0.5)
        stream.settimeout(120)
        for queue in (TX, RX):
            s.reset(queue, lambda: datagrams.send(b'?'))
            assert echoed(stream, b'still here')
            with socket.create_connection(('127.0.0.1', port), 80) as another:
                another.settimeout(120)
                assert echoed(another, b'and I am new')
            assert comes_back(datagrams, b'datagram')


def echoed(s, data):
    s.sendall(data)
    got = b''
    while len(got) < len(data) and (part := s.recv(100)):
        got += part
    return got == data


def comes_back(s, data, tries=160):
    """Datagrams of before may come first, and one may be lost."""
    for _ in range(tries):
        s.send(data)
        try:
            while got := s.recv(100):
                if got == data:
                    return True
        except TimeoutError:
            pass
    return False


@pytest.mark.parametrize('transport', [
    'mmio', pytest.param('mmio-legacy', marks=pytest.mark.full), 'pci',
    pytest.param('pci-legacy', marks=pytest.mark.full)])
def test_a_card_that_is_given_up(boot, transport):
    """tests/apps/cardgone: a connection outlives resets; when the card is given up, tasks that
    wait get an error, and calls that need the card fail at once."""
    with EchoHost() as host:
        guest = boot('cardgone', transport=transport, append=f'tcp={host.port}')
        checks_end(guest)
