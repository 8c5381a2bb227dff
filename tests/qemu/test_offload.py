# SPDX-License-Identifier: BSD-2-Clause
"""Offloads of a network card, against one of our own behind QEMU's vhost-user: tests/vhost/net.py.
It offers what a test says, judges each frame and each segment of the image, and delivers frames as
such cards do, and as none may.
"""
import os

import pytest

import station as st
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

    def run(features=net.EVERY, transport='mmio', packed=False, mtu=1500, **machine):
        card = net.Card(features, mtu)
        backend = Backend(card, packed=packed)
        cards.append((card, backend))
        device = f'packed={"on" if packed else "off"}'
        if transport == 'pci':
            device += ',vectors=0'       # QEMU 7.2 crashes at MSI-X of vhost-user
        card.guest = boot('sockets', transport=transport, mem='64',
                          append=f'ip={w.GUEST_IP}/24', net_device=device,
                          netdev_line='vhost-user,id=n0,chardev=card',
                          extra=[*MEMORY, '-chardev', f'socket,id=card,path={backend.path}'],
                          **machine)
        card.guest.expect(r'^vireo: ready', 40)
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


def test_none(start):
    """Nothing is offered: every sum is there, and no frame is longer than the wire takes."""
    card = start(())
    for ip6 in (False, True):
        echo(card, ip6, 1 << 18, joined=net.MSS - 20)
    assert not card.counts['partial'] and not card.counts['cut']
