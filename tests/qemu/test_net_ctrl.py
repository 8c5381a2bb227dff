# SPDX-License-Identifier: BSD-2-Clause
"""The control queue of QEMU's own card: what the card was told, as QEMU's monitor shows it, and
that the image announces its addresses when the card asks for it.
"""
import struct
import tempfile
import time

import pytest

import station as st
import wire as w

WAYS = [('mmio', 'off'), ('mmio-legacy', 'off'), ('pci', 'on')]
SOLICITED = '33:33:ff:' + ':'.join(f'{b:02x}' for b in w.GUEST_MAC[3:])
GROUPS = {'01:00:5e:00:00:01', '33:33:00:00:00:01', SOLICITED}


class Listener(st.Station):
    """Counts the announcements of the image."""

    def __init__(self, *args):
        super().__init__(*args)
        self.arps = self.advertisements = 0

    def take(self, data):
        kind, = struct.unpack_from('>H', data, 12)
        to_all = data[:6] in (w.BROADCAST, b'\x33\x33\0\0\0\1')
        own = w.packed(w.GUEST_IP)
        if kind == w.ARP and to_all and data[28:32] == data[38:42] == own:
            self.arps += 1
        elif kind == st.IPV6 and to_all and data[20] == st.ICMP6 and data[54] == 136:
            assert data[22:38] == data[62:78] == st.GUEST_LL and data[58] == 0x20
            assert data[80:86] == data[6:12] == w.GUEST_MAC
            self.advertisements += 1
        super().take(data)


@pytest.fixture
def station():
    with tempfile.TemporaryDirectory(prefix='vq-') as directory, Listener(directory) as s:
        yield s


@pytest.fixture
def start(boot, station, site_disk):
    def run(append='', **options):
        guest = boot('httpd', netdev_line=station.netdev, disks=[site_disk],
                     append=f'ip={w.GUEST_IP}/24 {append}', **options)
        station.serve(lambda: guest.seen(r'^vireo: ready'), 30)
        station.serve(lambda: station.answers_ping6(), 10)  # its address is no longer tentative
        return guest
    return run


def told(guest):
    """What the card knows of the image's wishes."""
    return guest.qmp('query-rx-filter')[0]


def announced(guest, station):
    """Asks until the image announces itself. Before it has answered the last request, another one
    is the same."""
    arps, advertisements = station.arps, station.advertisements
    asked = time.monotonic() - 1

    def both():
        nonlocal asked
        if time.monotonic() - asked >= 1:
            asked = time.monotonic()
            ask(guest)
        return station.arps > arps and station.advertisements > advertisements
    station.serve(both, 10)


def ask(guest):
    guest.qmp('announce-self', initial=50, max=50, rounds=1, step=0)


@pytest.mark.shows('NET-CTRL-01', 'NET-MAC-03', 'NET-ANN-01', 'NET-ANN-02')
@pytest.mark.parametrize('transport, packed', WAYS)
def test_filters_and_announcements(start, station, transport, packed):
    guest = start(transport=transport, net_device='packed=' + packed)
    guest.until(lambda: not told(guest)['promiscuous'], 'a filter', 10)
    guest.until(lambda: set(told(guest)['multicast-table']) == GROUPS, 'the groups', 10)
    assert told(guest)['unicast-table'] == [w.MAC] and not told(guest)['multicast-overflow']
    for _ in range(2):
        announced(guest, station)
    assert station.get('/').startswith(b'<!')


def test_denied(start, station):
    """Without the queue the card passes everything, and QEMU announces the image itself."""
    guest = start(transport='mmio', append='vireo.vnet0.deny=ctrl_vq')
    assert told(guest)['promiscuous'] and not told(guest)['multicast-table']
    ask(guest)
    assert station.get('/').startswith(b'<!')
