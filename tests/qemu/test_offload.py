# SPDX-License-Identifier: BSD-2-Clause
"""Offloads of a network card, against one of our own behind QEMU's vhost-user: tests/vhost/net.py.
It offers what a test says, judges each frame and each segment of the image, and delivers frames as
such cards do, and as none may.
"""
import os

import pytest

import wire as w
from vhost import net
from vhost.protocol import Backend
from vireolib.machine import PCI

MEMORY = ['-object', 'memory-backend-memfd,id=mem,size=64M,share=on',
          '-machine', 'memory-backend=mem']
DATA = os.urandom(1 << 20)


@pytest.fixture
def start(boot):
    """start(features, ...) -> the card; behind it the image `sockets`. The card's judgement is the
    end of the test."""
    cards = []

    def run(features=net.EVERY, transport='mmio', packed=False, mtu=1500, append='',
            net_device='', image='sockets', **machine):
        card = net.Card(features, mtu)
        backend = Backend(card, packed=packed)
        cards.append((card, backend))
        device = f'packed={"on" if packed else "off"}' + ',' * bool(net_device) + net_device
        if transport == 'pci':
            device += ',vectors=0'       # QEMU 7.2 crashes at MSI-X of vhost-user
        card.guest = boot(image, transport=transport, mem='64',
                          append=f'ip={w.GUEST_IP}/24 {append}', net_device=device,
                          netdev_line='vhost-user,id=n0,chardev=card',
                          extra=[*MEMORY, '-chardev', f'socket,id=card,path={backend.path}'],
                          **machine)
        card.guest.expect(r'^vireo: ready', 40)
        if image == 'sockets':
            card.peer.serve(card.peer.answers_ping6, 10)
        return card

    yield run
    for guest in boot.guests:
        guest.stop()
    for card, backend in cards:
        backend.close()
        assert not card.violations, card.violations[:10]


def echo(card, ip6=False, size=len(DATA), **stream):
    """Sends to the image's port 7, and gets everything back."""
    s = net.Stream(card, 7, ip6, **stream)
    s.send(DATA[:size])
    card.peer.serve(lambda: len(s.data) >= size or s.ended, 40)
    assert bytes(s.data) == DATA[:size]
    s.close()
    return s


def asked(card, header, frame, heard=True, buffers=None):
    """Delivers a datagram to the image's echo with that header: it answers, or hears nothing of it.
    A right one behind it shows that the image works, and has had the time."""
    card.peer.datagrams.clear()
    card.deliver(frame, *header, buffers=buffers)
    card.deliver(datagram(b'behind'))
    card.peer.serve(lambda: any(d[2] == b'behind' for d in card.peer.datagrams), 10)
    assert any(d[2] == b'before' for d in card.peer.datagrams) == heard, header


def datagram(data=b'before'):
    packet = w.ipv4(w.UDP, w.udp(7000, 7, data))
    frame = w.GUEST_MAC + w.OUR_MAC + b'\x08\0' + packet
    return net.set_sum(frame, net.Packet(frame))


@pytest.mark.parametrize('transport, packed', [
    ('mmio', False), ('mmio', True), pytest.param('pci', False, marks=pytest.mark.full)])
@pytest.mark.shows('NET-TX-31', 'NET-TX-32')
def test_every_offload(start, transport, packed):
    """Both ways, over IPv4 and IPv6, with each word that a header may have about the sum."""
    card = start(transport=transport, packed=packed)
    for ip6 in (False, True):
        for sums in (net.NEEDS_CSUM, net.DATA_VALID):
            echo(card, ip6, 1 << 18, joined=20000, sums=sums)
        echo(card, ip6, 1 << 16)
    asked(card, (net.NEEDS_CSUM, 0, 0, 0, 34, 6), net.set_pseudo(datagram()))
    assert card.has(net.HOST_TSO4) and card.counts['cut'] and card.longest > 8 * net.MSS
    assert card.counts['whole'] < card.counts['partial'] * 4


@pytest.mark.parametrize('features, joined, sums, cuts', [
    pytest.param((), 0, 0, False, marks=pytest.mark.full),
    pytest.param((net.CSUM, net.HOST_TSO4), 0, 0, True, marks=pytest.mark.full),
    pytest.param((net.CSUM,), 0, 0, False, marks=pytest.mark.full),
    pytest.param((net.GUEST_CSUM,), 0, net.NEEDS_CSUM, False, marks=pytest.mark.full),
    pytest.param((net.MRG_RXBUF,), 0, 0, False, marks=pytest.mark.full),
    ((net.GUEST_CSUM, net.GUEST_TSO4, net.MRG_RXBUF), 20000, net.DATA_VALID, False)])
def test_some(start, features, joined, sums, cuts):
    """A few features: what was not offered is not asked for. Nothing: every sum is there."""
    card = start(features)
    for ip6 in (False, True):
        echo(card, ip6, 1 << 17, joined=0 if ip6 else joined, sums=sums)
    assert bool(card.counts['cut']) == cuts
    assert bool(card.counts['partial']) == (net.CSUM in features)


HASHES = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 6: 32, 7: 64, 8: 128, 9: 256, 0: 0, 10: 0, 0xffff: 0}


def test_hashes(start):
    """A card that reports hashes: they reach the application, with what is no type as none."""
    card = start((net.HASH_REPORT,), net_device='hash=on', image='hashes')
    card.guest.expect(r'^types: 0x1ff', 10)
    card.guest.expect(r'^asked: 0', 10)
    assert card.has(net.HASH_REPORT)
    for report, kind in HASHES.items():
        card.deliver(datagram(), hashed=(0xcafe0000 + report, report))
        value = f'{0xcafe0000 + report:#x}' if kind else '0'
        card.guest.expect(rf'^frame: 48 bytes, hash {value} of type {kind}$', 10)


def test_hashes_beside_offloads(start):
    """The longer header, both ways, with all else that may stand in it, and a stack behind it."""
    card = start((*net.EVERY, net.HASH_REPORT), net_device='hash=on')
    assert card.has(net.HASH_REPORT)
    for ip6 in (False, True):
        echo(card, ip6, 1 << 17, joined=20000, sums=net.NEEDS_CSUM)
    assert card.counts['cut']


def test_denied(start):
    """What a boot argument denies."""
    card = start(append='vireo.vnet0.deny=csum,mrg_rxbuf')
    assert not any(card.has(bit) for bit in (net.CSUM, net.HOST_TSO4, net.HOST_TSO6, net.HOST_ECN,
                                             net.MRG_RXBUF, net.GUEST_TSO4))
    echo(card, False, 1 << 16, sums=net.NEEDS_CSUM)


@pytest.mark.parametrize('features', [pytest.param((), marks=pytest.mark.full), net.EVERY])
def test_long_frames(start, features):
    """An mtu of 9000: segments of that size both ways, joined and cut as others."""
    card = start(features, mtu=9000, net_device='host_mtu=9000')
    for ip6 in (False, True):
        echo(card, ip6, 1 << 18, joined=40000 if features else 0,
             sums=net.NEEDS_CSUM if features else 0)
    assert card.longest_wire == 9014 and bool(card.counts['cut']) == bool(features)


LIES = {                                 # flags, gso, hdr_len, gso_size, csum_start, csum_offset
    'sum behind the end': (1, 0, 0, 0, 200, 6),
    'field behind the end': (1, 0, 0, 0, 34, 200),
    'field of all ones': (1, 0, 0, 0, 0xffff, 0xffff),
    'segments of nothing': (1, 1, 42, 0, 34, 16),
    'kind of segments unknown': (1, 0x7f, 42, 100, 34, 6),
    'segments of IPv6': (1, 4, 42, 100, 34, 16),
    'segments of UDP': (1, 3, 42, 100, 34, 6),
    'segments without a sum': (0, 1, 42, 100, 0, 0),
    'headers longer than the frame': (1, 1, 0xffff, 100, 34, 16),
}


def test_lies(start):
    """Metadata that cannot be: the frame is dropped, and all goes on. The right ones are heard."""
    card = start()
    asked(card, (0, 0, 0, 0, 0, 0), datagram())
    asked(card, (net.DATA_VALID, 0, 0, 0, 0, 0), datagram())
    for name, header in LIES.items():
        asked(card, header, net.set_pseudo(datagram()), heard=False)
        assert card.guest.alive(), name
    echo(card, False, 1 << 16)
    echo(card, True, 1 << 16)


@pytest.mark.parametrize('told', [pytest.param(0, marks=pytest.mark.full),
                                  pytest.param(2, marks=pytest.mark.full), 65535])
def test_number_of_buffers(start, told):
    """A number of buffers that is not true: the card may be reset, and works."""
    card = start()
    card.deliver(datagram(), buffers=told)

    def answers():
        card.deliver(datagram(b'behind'))
        return any(d[2] == b'behind' for d in card.peer.datagrams)
    card.peer.serve(answers, 20)
    echo(card, False, 1 << 16)
