# SPDX-License-Identifier: BSD-2-Clause
"""AF_VSOCK sockets, against a host of our own behind QEMU's vhost-user-vsock (tests/vhost/)."""
import os
import re
import threading

import pytest

from conftest import run_make
from vhost import vsock
from vhost.protocol import Backend
from vireolib import images

TRANSPORTS = ('mmio', 'mmio-legacy', 'pci')
CID = 77


@pytest.fixture
def host():
    """A host with the services that the test image is a client of."""
    host = vsock.Host(CID)
    host.services = {1000: vsock.echo, 1001: vsock.source(300_000), 1003: None}
    return host


@pytest.fixture
def start(boot, host):
    """start(...) -> the image `vsock`, serving, on that host. The host's judgement comes last."""
    backends = []

    def run(event_idx=True, indirect=True, **machine):
        backends.append(Backend(host, event_idx, indirect))
        guest = boot('vsock', net='none', vsock=backends[-1].path, **machine)
        guest.expect(r'^vireo: ready', 40)
        return guest

    yield run
    for guest in boot.guests:
        guest.stop()
    for backend in backends:
        backend.close()
    assert not host.violations, host.violations[:10]


def ends_well(guest, host):
    connection = host.connect(13)
    assert connection.wait_answer()
    match = guest.expect(r'^checks: passed=(\d+) failed=(\d+)')
    assert int(match[2]) == 0, '\n'.join(guest.seen('check: FAIL'))
    assert guest.wait() == 0


def counted(host, data):
    """The result of the image's port 9 for that data."""
    c = host.connect(9)
    assert c.wait_answer()
    c.sendall(data)
    c.shutdown(vsock.NO_SEND)
    answer = c.recv_all()
    c.close()
    return answer


def echoed(host, data):
    c = host.connect(7)
    assert c.wait_answer()
    c.sendall(data)
    same = c.recv_exactly(len(data)) == data
    c.close()
    return same


@pytest.mark.shows('VSOCK-01', 'VSOCK-06', 'VSOCK-07', 'VSOCK-08', 'VSOCK-11', 'VSOCK-12',
                   'VSOCK-14', 'VSOCK-18', 'VSOCK-20')
@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('wake', ['irq', 'poll'])
def test_both_ways(start, host, transport, wake):
    """The image is a client and a server; every packet of it is judged by the host."""
    guest = start(transport=transport, append='vireo.poll=1' if wake == 'poll' else '')
    assert guest.seen(rf'vsock0: cid {CID}')
    data = os.urandom(1_000_000)
    assert counted(host, data) == b'%d %d' % (len(data), sum(data))
    assert echoed(host, data)
    for size in (1, 4019, 4020, 4021):
        assert echoed(host, os.urandom(size))
    ends_well(guest, host)


@pytest.mark.parametrize('event_idx, indirect', [(False, False), (True, False), (False, True)])
def test_without_ring_features(start, host, event_idx, indirect):
    guest = start(event_idx, indirect)
    assert echoed(host, os.urandom(300_000))
    ends_well(guest, host)


@pytest.mark.shows('VSOCK-16')
def test_nobody_listens(start, host):
    guest = start(append='peer=0')
    c = host.connect(99)
    assert not c.wait_answer()
    ends_well(guest, host)


def test_many_at_once(start, host):
    guest = start(append='peer=0')
    results = []
    many = [threading.Thread(target=lambda: results.append(echoed(host, os.urandom(100_000))))
            for _ in range(16)]
    for thread in many:
        thread.start()
    for thread in many:
        thread.join(240)
    assert results == [True] * 16
    ends_well(guest, host)


@pytest.mark.shows('VSOCK-10')
def test_host_that_takes_nothing_for_a_while(start, host):
    """The image's packets stay in the transmit ring while ours go on coming; then all goes on."""
    guest = start(append='peer=0')
    held, other = host.connect(7), host.connect(9)
    assert held.wait_answer() and other.wait_answer()
    host.hold(True)
    held.sendall(bytes(100_000))
    other.sendall(b'x' * 20_000)
    asked = [host.connect(7) for _ in range(12)]      # each is owed an answer
    guest.until(lambda: not host.pending, 'receive queue that goes on', 20)
    host.hold(False)
    assert all(c.wait_answer() for c in asked)
    assert held.recv_exactly(100_000) == bytes(100_000)
    other.shutdown(vsock.NO_SEND)
    assert other.recv_all() == b'20000 %d' % (20_000 * ord('x'))
    ends_well(guest, host)


@pytest.mark.shows('VSOCK-15')
def test_packets_that_nobody_may_send(start, host):
    """Each is answered with a reset or dropped, and the image goes on."""
    guest = start(append='peer=0')
    c = host.connect(7)
    assert c.wait_answer()

    def send(src=vsock.HOST, dst=CID, port=1, length=0, kind=1, op=vsock.RW, forwarded=0, data=b''):
        packet = vsock.HEADER.pack(src, dst, port, 7, length, kind, op, 0, 65536, forwarded)
        host.do(lambda: (host.raw(packet + data), host.deliver()))

    for wrong in ({'op': 0}, {'op': 77}, {'kind': 2}, {'kind': 9}, {'length': 5},
                  {'op': vsock.SHUTDOWN}, {'op': vsock.RESPONSE}):
        send(**wrong)
    for dropped in ({'src': 1 << 32}, {'dst': CID + 1}, {'dst': CID | 1 << 32}):
        send(**dropped)
    host.do(lambda: (host.raw(b'short'), host.deliver()))
    guest.until(lambda: host.counts.get(vsock.RST, 0) == 7, 'seven resets')
    # A counter that cannot be costs the connection.
    send(port=c.host_port, op=vsock.CREDIT_UPDATE, forwarded=4711)
    guest.until(lambda: c.ended and c.reset, 'reset of the connection')
    assert len(guest.seen('packet dropped')) == 1
    assert echoed(host, os.urandom(10_000))
    ends_well(guest, host)


def test_host_that_vanishes_from_a_connection(start, host):
    guest = start(append='peer=0')
    for _ in range(40):
        c = host.connect(7)
        assert c.wait_answer()
        c.sendall(b'x' * 5000)
        c.recv_exactly(1)
        c.abort()
    assert echoed(host, os.urandom(10_000))
    ends_well(guest, host)


def test_no_device(boot):
    guest = boot('vsock', net='none')
    guest.expect(r'vsock: warning: no socket device: start QEMU with')
    guest.expect(r'check: FAIL bind to 7 \(errno 19')
    assert guest.wait() == 1


# ---- only what is used is linked ----

def linked(app):
    with open(images.image(app, 'map')) as f:
        kept = f.read().split('Linker script and memory map')[1]
    return set(re.findall(r'^ \S*\s*0x0*[1-9a-f]\S*\s+0x0*[1-9a-f]\S*\s+(\S+)$', kept, re.M))


def test_address_families_are_linked_apart(built):
    for app, has, lacks in (('vsock', '/net-vsock/', '/(net-lwip|net-inet|lwip)/'),
                            ('sockets', '/net-inet/', '/net-vsock/'),
                            ('hello', '/runtime/', '/net-')):
        built(app)
        names = linked(app)
        assert any(re.search(has, name) for name in names), app
        assert not [name for name in names if re.search(lacks, name)], app


def test_both_families_in_one_image(tmp_path):
    """An application that includes the addresses of both has both."""
    (tmp_path / 'main.c').write_text('''
        #include <linux/vm_sockets.h>
        #include <netinet/in.h>
        int main(void)
        {
            return socket(AF_INET, SOCK_STREAM, 0) != 3 || socket(AF_VSOCK, SOCK_STREAM, 0) != 4 ||
                   socket(AF_UNSPEC, SOCK_STREAM, 0) != -1;
        }''')
    result = run_make('-s', 'run', f'APP={tmp_path}')
    assert result.returncode == 0, result.stdout + result.stderr
