# SPDX-License-Identifier: BSD-2-Clause
"""Cells of the matrix: a machine, what the image is told, what it must say of itself, and the run
that moves data over both devices and compares. tests/apps/cell is the image.
"""
import contextlib
import dataclasses
import json
import os
import random
import struct
import tempfile

import wire
from vireolib import http
from vireolib.guest import PATIENCE, Guest
from vireolib.machine import Disk, Machine, qemu_version

HALF = 128 * 1024            # the image reads as much, and writes as much (tests/apps/cell/disk.c)
COMPLEMENT = bytes(255 - n for n in range(256))
DATAGRAMS, WINDOW = 200, 8
TX, CONTROL = 1, 2           # queues of a network card
CONTROL_MOST = 64            # entries that its control queue may have over PCI, by QEMU
PORT, OURS = 7, 5007
NO_IOEVENTFD = '-global', 'virtio-mmio.ioeventfd=off'    # else no kick is in a trace


def one_cpu():
    """With a single CPU, QEMU before 8.1 drops barriers: then a second one that may come later."""
    return '1' if qemu_version() >= (8, 1) else '1,maxcpus=2'


@dataclasses.dataclass(frozen=True)
class Cell:
    transport: str = 'mmio'
    ring: str = 'split'
    wakeup: str = 'interrupt'    # polled, interrupt, hybrid
    event_idx: bool = True
    indirect: bool = True
    gic: str = 'v2'              # v2, v3 (without messages), v3+its
    size: int = 16               # of a queue; 0: the device decides
    intx: bool = False           # PCI: devices that have no messages
    requests: int = 0            # further reads, to take the ring's index round
    frames: int = 0              # further datagrams

    @property
    def disk_size(self):
        """A block request is three descriptors at least, and no chain is longer than its queue."""
        return max(self.size, 3 if self.ring == 'packed' else 4)

    @property
    def id(self):
        words = [self.transport, self.ring, self.wakeup, 'event' if self.event_idx else 'noevent',
                 'indirect' if self.indirect else 'direct', self.gic, f'q{self.size or "dev"}']
        words += [f'{self.requests}requests'] * bool(self.requests)
        words += [f'{self.frames}datagrams'] * bool(self.frames)
        return '-'.join(words)

    # ---- the machine -----------------------------------------------------------------------------

    def arguments(self):
        denied = ['event_idx'] * (not self.event_idx) + ['indirect_desc'] * (not self.indirect)
        words = ['ip=10.77.0.99/24',
                 'vireo.poll=' + {'polled': '1', 'interrupt': '0', 'hybrid': 'hybrid'}[self.wakeup]]
        if denied:
            words.append('vireo.deny=' + ','.join(denied))
        if self.size:
            words += [f'vireo.vnet0.qsize={self.size}', f'vireo.vblk0.qsize={self.disk_size}']
        words += [f'vireo.cell.requests={self.requests}'] * bool(self.requests)
        words += [f'vireo.cell.frames={self.frames}'] * bool(self.frames)
        return ' '.join(words)

    def machine(self, image, disk, netdev, trace):
        properties = ['packed=on'] * (self.ring == 'packed')
        properties += ['ioeventfd=off'] * (trace and self.transport.startswith('pci'))
        properties += ['vectors=0'] * self.intx
        extra = ['-machine', 'its=off'] * (self.gic == 'v3')
        extra += ['-trace', 'memory_region_ops_*', *NO_IOEVENTFD] * trace
        device = ','.join(properties)
        return Machine(image, transport=self.transport, gic=self.gic[1], smp=one_cpu(),
                       mem='32', append=self.arguments(), netdev_line=netdev, net_device=device,
                       disks=[Disk(disk, device=device)], extra=extra)

    # ---- what the image must say -----------------------------------------------------------------

    def rung(self):
        """What interrupts the image. Polled, too: that ends its sleep."""
        if self.transport.startswith('mmio'):
            return 'irq'
        return 'intx' if self.gic == 'v3' or self.intx else 'msi-x'

    def wakeup_name(self):
        if self.wakeup == 'polled':
            return 'polled'
        return self.rung() + ', hybrid' * (self.wakeup == 'hybrid')

    def reads_cause(self):
        """Does the driver have a register to read in order to know why it was interrupted?"""
        return self.rung() != 'msi-x'

    def transport_name(self):
        """QEMU does not show how a transitional function is driven: modern."""
        return 'pci' if self.transport == 'pci-transitional' else self.transport

    def judge(self, device):
        """What is wrong in one line of the report, as a list of sentences."""
        features = device['features'].split()
        wanted = {'transport': self.transport_name(), 'ring': self.ring,
                  'wakeup': self.wakeup_name(), 'alive': True}
        wrong = [f'{k} is {device[k]}, not {v}' for k, v in wanted.items() if device[k] != v]
        for name, has in (('event_idx', self.event_idx), ('indirect_desc', self.indirect),
                          ('ring_packed', self.ring == 'packed'),
                          ('version_1', not self.transport.endswith('-legacy'))):
            if (name in features) != has:
                wrong.append(f'{name} is {"not " * has}among the features')
        if self.wakeup != 'polled' and not http.woken(device):
            wrong.append(f'{device["interrupts"]} interrupts')
        disk = device['type'] == 2
        moved = device['queues'][0 if disk else TX]['completed']
        least = self.requests if disk else self.frames
        if moved < least:
            wrong.append(f'{moved} requests, not {least}')
        for number, q in enumerate(device['queues']):
            size = self.disk_size if disk else self.size
            if number == CONTROL and not disk and self.transport.startswith('pci'):
                size = min(size, CONTROL_MOST)
            if self.size and q['size'] != size:
                wrong.append(f'queue {number} has {q["size"]} entries, not {size}')
            # While its backend is full, QEMU's card moves the event index without waiting for a
            # kick there, which looks as if one was missed. That happens in a flood only.
            if q['rekicks'] and not self.frames:
                wrong.append(f'queue {number} lost {q["rekicks"]} kicks')
        return [f'{device["name"]}: {text}' for text in wrong]


# ---- the other end of the cable ------------------------------------------------------------------

class Peer(wire.Wire):
    """Sends datagrams to the image, and keeps what comes back."""

    def __init__(self, directory):
        super().__init__(directory)
        self.got = []

    def take_udp(self, source, port, payload):
        if (source, port) == (PORT, OURS):
            self.got.append(payload)

    def send(self, payload):
        self.frame(wire.IPV4, wire.ipv4(wire.UDP, wire.udp(OURS, PORT, payload)))

    def exchange(self, payloads):
        """Everything comes back complemented, in order, nothing twice and nothing else."""
        sent = 0
        self.got = []
        while len(self.got) < len(payloads):
            before = len(self.got)
            while sent < len(payloads) and sent - before < (WINDOW if before else 1):
                self.send(payloads[sent])
                sent += 1
            self.serve(lambda: len(self.got) > before, 10)
        wrong = [n for n, (out, back) in enumerate(zip(payloads, self.got))
                 if out.translate(COMPLEMENT) != back]
        assert not wrong and len(self.got) == len(payloads), f'datagrams {wrong[:9]} are wrong'

    def flood(self, count):
        """The image sends numbered datagrams; each comes once, in order. Nothing here is slower
        than it must be: the image waits for us."""
        head = struct.pack('>HHH', PORT, OURS, 8 + 32)
        self.send(b'f')
        self.socket.settimeout(10 * PATIENCE)
        number = 0
        while number < count:
            try:
                frame = self.socket.recv(2048)
            except TimeoutError:
                raise AssertionError(f'datagram {number} did not come') from None
            if frame[34:40] != head:
                self.take(frame)
                continue
            assert frame[42:46] == number.to_bytes(4, 'little'), f'datagram {number} did not come'
            number += 1
        self.socket.settimeout(None)


# ---- running -------------------------------------------------------------------------------------

class Run:
    """A cell that ran: the image's report, and what a test may look at while it still runs."""

    def __init__(self, guest):
        self.guest = guest
        self.devices = []

    def report(self):
        self.guest.expect('^cell: reported')
        self.devices = [json.loads(line[6:]) for line in self.guest.seen(r'^cell: \{')]


def prepare(cell, path):
    """The disk's first half is random, the second empty; returns the first."""
    first = random.Random(cell.id).randbytes(HALF)
    with open(path, 'wb') as f:
        f.write(first + bytes(HALF))
    return first


def check_disk(path, first):
    with open(path, 'rb') as f:
        data = f.read()
    assert data[:HALF] == first, 'the half of the disk that is only read has changed'
    assert data[HALF:] == first.translate(COMPLEMENT), 'the half that was written is wrong'


def run(cell, image, look=None, trace=False, meanwhile=None):
    """Boots the cell and moves data. look(run): called while the devices still run, after the
    report. AssertionError tells what went wrong. Returns the Run, ended; with trace, its .log."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix='vc-'))
        disk = os.path.join(directory, 'disk')
        first = prepare(cell, disk)
        peer = stack.enter_context(Peer(directory))
        guest = stack.enter_context(Guest(cell.machine(image, disk, peer.netdev, trace), directory,
                                          patience=PATIENCE))
        done = Run(guest)
        try:
            traffic(cell, peer, done, look, meanwhile)
        except AssertionError as e:
            said = guest.stderr() + guest.guest_errors()
            raise AssertionError(f'{e}\n{cell.id}\n{guest.report()}\n' + '\n'.join(said)) from None
        check_disk(disk, first)
        done.log = guest.trace()
        said = guest.stderr() + guest.guest_errors()
        assert not said, 'QEMU found fault:\n' + '\n'.join(said[:20])
        wrong = [text for device in done.devices for text in cell.judge(device)]
        assert not wrong and len(done.devices) == 2, f'{wrong}\n{guest.report()}'
        return done


def traffic(cell, peer, done, look, meanwhile):
    guest = done.guest
    guest.expect('^vireo: ready', 60)
    lengths = random.Random(cell.id)
    peer.exchange([lengths.randbytes(lengths.randint(2, 1472)) for _ in range(DATAGRAMS)])
    if meanwhile:
        meanwhile(done, peer)
    if cell.frames:
        peer.flood(cell.frames)
    peer.send(b'q')
    serve_until(peer, lambda: guest.seen('^cell: reported'), guest)
    done.report()
    if look:
        look(done)
    peer.send(b'x')
    assert guest.wait() == 0, 'the image did not end well'
    assert not guest.seen('check: FAIL') and guest.seen('^checks: passed='), 'a check failed'


def serve_until(peer, holds, guest, timeout=20):
    peer.serve(lambda: holds() or not guest.alive(), timeout)


# ---- QEMU's view ---------------------------------------------------------------------------------

def qmp_names(words, prefix_end='_F_'):
    """QEMU's "VIRTIO_RING_F_EVENT_IDX: ..." as the image says it: event_idx."""
    return {word.split(':')[0].split(prefix_end)[-1].lower() for word in words}


# Bits for which QEMU 7.2 has no name.
UNNAMED = {40: 'ring_reset'}


def unnamed(bits):
    return {UNNAMED.get(bit, f'bit{bit}') for bit in range(128) if bits >> bit & 1}


def agree(run):
    """x-query-virtio-status and -queue-status say the same as the report."""
    by_type = {d['name']: d['path'] for d in run.guest.qmp('x-query-virtio')}
    for device in run.devices:
        path = by_type['virtio-net' if device['type'] == 1 else 'virtio-blk']
        status = run.guest.qmp('x-query-virtio-status', path=path)
        accepted = status['guest-features']
        names = qmp_names(accepted['transports'] + accepted.get('dev-features', []))
        names |= unnamed(accepted.get('unknown-dev-features', 0))
        assert names == set(device['features'].split())
        steps = {'acknowledge', 'driver', 'driver_ok'}
        steps |= {'features_ok'} if 'version_1' in names else set()
        assert qmp_names(status['status']['statuses'], '_S_') == steps
        device['qmp'] = [run.guest.qmp('x-query-virtio-queue-status', path=path, queue=n)
                         for n in range(len(device['queues']))]
        for queue, said in zip(device['queues'], device['qmp']):
            assert said['vring-num'] == queue['size']
            if device['type'] == 2:             # nothing moves there any more
                assert said['inuse'] == queue['in_flight'] == 0
                if device['ring'] == 'split':   # packed: a place in the ring
                    assert said['used-idx'] == queue['completed'] % 65536
