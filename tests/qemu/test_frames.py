# SPDX-License-Identifier: BSD-2-Clause
"""Bad packets: an injector on the image's cable. After each group of frames the image still answers
pings and serves its page, on a connection that lived through them, and the memory that they took
comes back.
"""
import contextlib
import struct
import tempfile
import time

import pytest

import frames
import station as st
import wire as w

# Of these groups, tables of neighbours and destinations grow, and stay as large as they are.
MANY_NEIGHBOURS = ('arp', 'discovery')


@pytest.fixture
def station():
    with tempfile.TemporaryDirectory(prefix='vq-') as directory, st.Station(directory) as s:
        yield s


def appliance(boot, station, site_disk, **options):
    guest = boot('httpd', netdev_line=station.netdev, disks=[site_disk], **options)
    station.serve(lambda: guest.seen(r'^vireo: ready'), 30)
    station.serve(lambda: station.answers_ping6(), 10)  # its address is no longer tentative
    return guest


def inject(station, named):
    """Sends them all, answering meanwhile. A full socket is the image at work."""
    for number, (_, frame) in enumerate(named):
        station.raw(frame)
        if number % 16 == 15:
            station.ping(0, b'sync')
            count = len(station.pongs)
            station.serve(lambda n=count: len(station.pongs) > n)


def still_serves(station, page):
    pings, pings6 = len(station.pongs), len(station.pongs6)
    station.ping(1, b'there?')
    station.ping6(b'there, too?')
    station.serve(lambda: len(station.pongs) > pings and len(station.pongs6) > pings6)
    assert station.get('/') == page


def memory(station):
    """Memory that frames hold: bytes of the stack, and frames that it holds."""
    status = station.status()
    net = next(d for d in status['devices'] if d['type'] == 'net')['net']
    return status['network']['mem_lent'], net['rx_records_held']


def memory_is_back(station, before, within, why=''):
    """Waits for the memory, `within` seconds at most. The connection that asks uses a little."""
    deadline = time.monotonic() + within
    while True:
        used, held = memory(station)
        if used <= before[0] + 4096 and held <= before[1] + 1:
            return
        assert time.monotonic() < deadline, f'{used}, {held}; {before} at first; {why}'
        station.serve(lambda end=time.monotonic() + 0.5: time.monotonic() > end, 2)


@pytest.mark.parametrize('transport', [pytest.param('mmio', marks=pytest.mark.full), 'pci'])
@pytest.mark.timeout(120)
def test_every_group(boot, station, site_disk, transport):
    guest = appliance(boot, station, site_disk, transport=transport)
    page = station.get('/')
    for name in MANY_NEIGHBOURS:
        inject(station, frames.GROUPS[name]())
    station.serve(lambda: not station.status()['network']['neighbours_unknown'], 30)
    before = memory(station)
    lasting = station.connect(80)
    for name, group in frames.GROUPS.items():
        inject(station, group())
        assert guest.alive(), name
        still_serves(station, page)
        if 'fragments' not in name:
            memory_is_back(station, before, 30, name)
    malformed = station.status()['network']['rx_malformed']
    assert malformed > 300, 'the checks in front of the stack let them all pass'
    lasting.write(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    station.serve(lasting.answered)
    assert lasting.data.endswith(page)


def test_an_open_connection_survives(boot, station, site_disk):
    """Segments beside its window, splinters, lies: the answer that it waits for comes whole. The
    bytes that came before their turn are requests, too; what waits behind a gap is given back."""
    guest = appliance(boot, station, site_disk)
    page = station.get('/')
    before = memory(station)
    c = station.connect(80)
    request = b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
    c.write(request[:9])
    coming, first = request[9:] + request * 7000, c.seq
    inject(station, frames.tcp_of(c, coming))
    c.write(request[9:])
    c.seq = first + 1401               # so far nothing is missing any more
    whole = (9 + 1401) // len(request)
    station.serve(lambda: c.ended or c.data.count(page) == whole)
    assert not c.ended and guest.alive()
    assert c.acknowledged == c.seq
    c.reset()
    still_serves(station, page)
    memory_is_back(station, before, 30)


def test_the_end_comes_with_the_page(boot, station, site_disk):
    """A short answer that ends its connection is one segment, the end of the stream included."""
    appliance(boot, station, site_disk)
    for path in ('/', '/status', '/nothing-there'):
        c = station.connect(80)
        c.write(f'GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'.encode())
        station.serve(lambda c=c: c.ended)
        assert c.answered() and c.data_with_end, path
        assert c.segments == 1 or len(c.data) > 1460, path
        c.send(st.FIN | st.ACK)


@pytest.mark.full
@pytest.mark.timeout(240)
def test_what_fragments_held_comes_back(boot, station, site_disk):
    """Datagrams that never end are given up after 15 s (IPv4) and 60 s (IPv6)."""
    appliance(boot, station, site_disk)
    page = station.get('/')
    before = memory(station)
    for name in ('ipv4 fragments', 'ipv6 fragments'):
        inject(station, frames.GROUPS[name]())
    sent = [frame[14:] for _, frame in frames.ipv6_fragments()]
    assert memory(station)[1] > before[1], 'no fragment was kept'
    memory_is_back(station, before, 120)
    assert station.exceeded6
    for quoted in station.exceeded6:
        assert any(packet.startswith(quoted) for packet in sent), 'quoted is not what was sent'
    still_serves(station, page)


def test_a_tiny_path_mtu_is_not_believed(boot, station, site_disk):
    """lwIP would cut datagrams for this peer into pieces of no length, for ever."""
    guest = appliance(boot, station, site_disk)
    station.ping6(b'so that it knows us')
    station.serve(lambda: station.pongs6)
    for mtu in (0, 48, 55, 56, 68, 1279):
        inner = st.ipv6(17, bytes(8), source=st.GUEST_LL, to=st.OUR_LL)
        station.raw(frames.ip6(st.ICMP6, st.icmp6(2, mtu.to_bytes(4, 'big') + inner)))
        data = bytes([mtu % 251]) * 1200
        station.ping6(data)
        station.serve(lambda d=data: station.pongs6[-1] == d)
    assert guest.alive()


def test_ipv6_fragments_with_gaps_wait(boot, station, site_disk):
    """The last and the first are here, and a piece of the middle: not yet a datagram. With the rest
    it is, in whatever order they came."""
    appliance(boot, station, site_disk)
    data = bytes(range(4, 108))
    body = st.icmp6(128, data)
    pieces = {at: frames.fragment6(body, at, 8, 77) for at in range(0, len(body), 8)}
    for at in (len(body) - len(body) % 8 or len(body) - 8, 0, 48):
        station.raw(pieces.pop(at))
    station.ping6(b'after the three')
    station.serve(lambda: station.pongs6[-1] == b'after the three')
    assert data[4:] not in station.pongs6
    for at in sorted(pieces, reverse=True):
        station.raw(pieces[at])
    station.serve(lambda: station.pongs6[-1] == data[4:])


class Liar(st.Station):
    """The honest answer comes behind answers of a lying server."""
    requests, asked, denial = 0, 0, None

    def take_dhcp(self, request):
        self.requests += 1
        if self.requests <= 4:             # twice what offers and what acknowledges: a NAK ends it
            kind = 2 if self.requests <= 2 else 5
            inject_all(self, frames.dhcp_frames(kind, struct.unpack_from('>I', request, 4)[0]))
        super().take_dhcp(request)

    def take_dns(self, port, query, to):
        self.asked += 1
        inject_all(self, frames.dns_answers(query, port))
        if self.denial:
            inject_all(self, [frames.dns_denial(query, port, self.denial)])
        else:
            super().take_dns(port, query, to)


def inject_all(station, named):
    """Until the image has its answer, and ends."""
    with contextlib.suppress(ConnectionRefusedError, FileNotFoundError):
        for _, frame in named:
            station.raw(frame)


@pytest.fixture
def liar():
    with tempfile.TemporaryDirectory(prefix='vq-') as directory, \
            Liar(directory, {'web.example': ['10.77.0.42'], 'six.example': ['2001:db8::1']}) as s:
        yield s


def test_dhcp_answers_that_lie(boot, liar, site_disk):
    """To the requests that are under way: a lease comes all the same, and works."""
    guest = appliance(boot, liar, site_disk)
    assert liar.requests >= 4, 'the NAK behind the lies was not read'
    still_serves(liar, liar.get('/'))
    assert memory(liar)[1] <= 1 and guest.alive()


def resolves(boot, liar, name, want):
    liar.requests = 4                      # its leases are honest
    guest = boot('client', netdev_line=liar.netdev, append=f'name={name} want={want}')
    liar.serve(lambda: guest.seen(r'^checks:'), 40)
    assert guest.seen(r'^checks: passed=\d+ failed=0'), guest.report()
    assert guest.wait() == 0


@pytest.mark.parametrize('name, want', [('web.example', '10.77.0.42'),
                                        ('six.example', '2001:db8::1')])
def test_dns_answers_that_lie(boot, liar, name, want):
    """To the questions that are open: none is believed, and the honest answer behind them is."""
    resolves(boot, liar, name, want)
    assert set(liar.questions) == {name}


@pytest.mark.parametrize('denial', [pytest.param(d, marks=[pytest.mark.full] if n > 2 else [])
                                    for n, d in enumerate(frames.DENIALS)])
def test_dns_answers_without_an_address(boot, liar, denial):
    """Whole DNS answers without an address of the name end their question."""
    liar.denial = denial
    resolves(boot, liar, 'web.example', 'none')
    assert liar.asked == 2


def test_data_beyond_the_window_is_not_kept(boot, station):
    """What lies across the window's edge waits for nobody: it would be taken when its turn comes,
    and the window would wrap."""
    guest = boot('sockets', netdev_line=station.netdev)
    station.serve(lambda: guest.seen(r'^vireo: ready'), 30)
    c = station.connect(9)
    start, edge = c.seq, c.window
    c.send(st.ACK, bytes(1400), seq=start + edge - 700)
    for at in range(0, edge - 700, 1400):
        c.seq = start + at
        c.write(bytes(min(1400, edge - 700 - at)))
    station.serve(lambda: c.acknowledged == start + edge - 700)
    c.write(b'more')
    station.serve(lambda: c.acknowledged == start + edge - 696)
    assert guest.alive()
