# SPDX-License-Identifier: BSD-2-Clause
"""The virtio console: data both ways, back-pressure, names, several ports, standard output, ports
that come and go. (A resize cannot be had from QEMU 7.2, which offers no size: the host's tests have
it.)
"""
import random
import socket
import tempfile
import threading

import pytest

from test_net import checks_end

TRANSPORTS = ('mmio', 'mmio-legacy', 'pci')
LINES = 150
PLENTY = random.Random(3).randbytes(3 << 20)


@pytest.fixture
def sockets():
    """A short-lived directory with a short name, for UNIX sockets."""
    with tempfile.TemporaryDirectory(prefix='vc-') as path:
        yield path


def device(transport, more=''):
    kind = 'virtio-serial-pci,disable-legacy=on' if transport == 'pci' else 'virtio-serial-device'
    return ['-device', kind + more]


def port(directory, name, kind='virtserialport', label=''):
    """A port whose other end is a socket of that name."""
    label = f',name={label or name}' if kind == 'virtserialport' else ''
    return ['-chardev', f'socket,id={name},path={directory}/{name},server=on,wait=off',
            '-device', f'{kind},chardev={name}{label}']


def connect(guest, directory, name):
    """The other end of a port. QEMU listens there as soon as it answers anything."""
    guest.qmp('query-status')
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(120)
    s.connect(f'{directory}/{name}')
    return s


def connect_before(guest, directory, name):
    """The same for a guest that was started with -S: it runs once QEMU has the connection."""
    s = connect(guest, directory, name)
    guest.until(lambda: not any(c['filename'].startswith('disconnected') for c in
                                guest.qmp('query-chardev') if c['label'] == name), 'connection')
    guest.qmp('cont')
    return s


def receive(s, count):
    """That many bytes, or fewer at the end."""
    got = bytearray()
    while len(got) < count:
        data = s.recv(65536)
        if not data:
            break
        got += data
    return bytes(got)


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('wake', ['irq', 'poll'])
@pytest.mark.shows('CON-02', 'CON-06', 'CON-10', 'CON-11', 'CON-12', 'CON-17')
def test_echo(boot, sockets, transport, wake):
    """Three megabytes there and back, with the port found by its name."""
    guest = boot('ports', net='none', transport=transport,
                 append='do=echo' + ' vireo.poll=1' * (wake == 'poll'),
                 extra=device(transport) + port(sockets, 'echo'))
    guest.expect(r'^vireo: ready')
    s = connect(guest, sockets, 'echo')
    sender = threading.Thread(target=s.sendall, args=(PLENTY,), daemon=True)
    sender.start()
    assert receive(s, len(PLENTY)) == PLENTY
    sender.join(80)
    s.close()
    assert guest.wait() == 0
    assert guest.seen(rf'^ports: echoed {len(PLENTY)} bytes'), guest.report()


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_host_that_does_not_read(boot, sockets, transport):
    """Bounded buffering: EAGAIN, then everything arrives once the host reads; and it hangs up."""
    guest = boot('ports', net='none', transport=transport, append='do=fill',
                 extra=device(transport) + port(sockets, 'fill'))
    with connect(guest, sockets, 'fill') as s:
        full = int(guest.expect(r'^ports: full after (\d+)')[1])
        got = receive(s, full + 3)
        assert got[-3:] == b'end'
        # Each write starts again with byte 0, and may have been cut short.
        for a, b in zip(got[:full], got[1:full]):
            assert b in ((a + 1) & 255, 0)
        s.sendall(b'hello')
        guest.expect(r'check: ok an answer')
    checks_end(guest)


@pytest.mark.parametrize('stdout', ['', ' vireo.stdout=/dev/vport/out'])
def test_end_with_a_host_that_does_not_read(boot, sockets, stdout):
    """What a stream still holds is given up after a second; the image ends as main() said."""
    guest = boot('ports', net='none', append='do=stuck' + stdout,
                 extra=device('pci') + port(sockets, 'stuck') + port(sockets, 'out'),
                 transport='pci')
    with connect(guest, sockets, 'stuck'), connect(guest, sockets, 'out'):
        assert guest.wait(30) == 5


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.shows('CON-02', 'CON-13', 'CON-14', 'CON-16')
def test_many_ports(boot, sockets, transport):
    ports = []
    for i in range(5):
        ports += port(sockets, f'p{i}')
    guest = boot('ports', net='none', transport=transport, append='do=list',
                 extra=device(transport) + port(sockets, 'con', 'virtconsole') + ports +
                 port(sockets, 'last'))
    assert guest.wait() == 0
    listed = [line for line in guest.text.splitlines() if line.startswith('ports: ')]
    assert listed == ['ports: /dev/vport0p0 terminal'] + \
        [f'ports: /dev/vport0p{n}' for n in range(1, 6)] + ['ports: /dev/vport0p6 busy']


def test_thirty_ports(boot, sockets):
    """More than fit the control queue at once: none is forgotten."""
    ports = []
    for i in range(1, 31):
        ports += port(sockets, 'last' if i == 30 else f'p{i}')
    guest = boot('ports', net='none', append='do=list', transport='pci',
                 extra=device('pci') + ports)
    assert guest.wait() == 0
    assert len(guest.seen(r'^ports: /dev/vport0p\d+')) == 30


@pytest.mark.shows('CON-12')
def test_fewer_ports_than_the_device_has(boot, sockets):
    boot.expect_qemu_says(r'Guest failure in adding port 3')
    guest = boot('ports', net='none', append='do=list vireo.vcon0.ports=3',
                 extra=device('mmio') + port(sockets, 'last') + port(sockets, 'b') +
                 port(sockets, 'c'))
    assert guest.wait() == 0
    assert guest.seen(r'vcon0: warning: .*no queues here for port 3'), guest.report()
    assert len(guest.seen(r'^ports: /dev/vport0p[12]')) == 2


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_standard_output(boot, sockets, transport):
    """printf goes to the host's socket, all of it; fgets reads from there; the log stays."""
    guest = boot('ports', net='none', transport=transport, append='vireo.stdout=vport/out',
                 extra=device(transport) + port(sockets, 'out'))
    wanted = ['terminal: 0'] + [f'line {i}' for i in range(LINES)] + ['say something']
    with connect(guest, sockets, 'out') as s:
        text = receive(s, len('\n'.join(wanted)) + 1).decode().splitlines()
        assert text == wanted
        s.sendall(b'hello\n')
        assert receive(s, 100) == b'you said: hello\n'
    assert guest.wait() == 7
    assert not guest.seen(r'^line '), guest.report()


def test_standard_output_closed(boot, sockets):
    """A program that closes its standard streams before it ends."""
    guest = boot('ports', net='none', append='vireo.stdout=vport/out do=leave',
                 extra=device('mmio') + port(sockets, 'out'))
    with connect(guest, sockets, 'out') as s:
        assert receive(s, 8) == b'leaving\n'
    assert guest.wait() == 7


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('more', ['', ',max_ports=1'])
@pytest.mark.shows('CON-01', 'CON-03')
def test_console_port(boot, sockets, transport, more):
    """A port that the host means for a person, alone and among others. QEMU throws away what such
    a port says while nobody is connected, or the socket is full: the lines are few enough to find
    room unread."""
    guest = boot('ports', net='none', transport=transport, append='vireo.stdout=vcon0',
                 extra=['-S'] + device(transport, more) + port(sockets, 'con', 'virtconsole'))
    with connect_before(guest, sockets, 'con') as s:
        s.sendall(b'hello\n')
        assert receive(s, 1 << 20).endswith(f'\nline {LINES - 1}\nsay something\n'
                                            'you said: hello\n'.encode())
    assert guest.wait() == 7
    assert not guest.seen(r'^line '), guest.report()


def test_standard_output_without_the_device(boot):
    guest = boot('ports', net='none', append='vireo.stdout=vcon0')
    guest.expect(r'^say something')
    assert guest.seen(r'warning: vireo.stdout=vcon0: no such port'), guest.report()
    guest.send('hello\n')
    assert guest.wait() == 7


@pytest.mark.shows('CON-12')
def test_port_that_goes_and_comes(boot, sockets):
    """Hot-plug of a port: a reader of the removed one hears of it, another can be opened."""
    guest = boot('ports', net='none', append='do=wait', extra=device('mmio') + [
        '-chardev', f'socket,id=echo,path={sockets}/echo,server=on,wait=off',
        '-chardev', f'socket,id=again,path={sockets}/again,server=on,wait=off',
        '-device', 'virtserialport,chardev=echo,name=echo,id=p1,nr=1'])
    guest.expect(r'^vireo: ready')
    with connect(guest, sockets, 'echo') as s:
        s.sendall(b'x' * 10)
        guest.expect(r'^ports: \d+ bytes')
        guest.qmp('device_del', id='p1')
        guest.expect(r'^ports: end')
        guest.expect(r'^ports: write gives ')
    guest.qmp('device_add', driver='virtserialport', chardev='again', name='again', nr=1)
    guest.expect(r'^ports: opened again')
    assert guest.wait() == 0
