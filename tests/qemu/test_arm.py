# SPDX-License-Identifier: BSD-2-Clause
"""32-bit Arm (`make ARCH=arm`): the same rooms on a Cortex-A15, on every transport and ring, woken
in every way; its own ends: faults, exit statuses, privilege levels, memory that it cannot reach.
"""
import hashlib
import itertools
import os
import re
import struct
import subprocess

import pytest

from test_crash import FAILED, FAULTS, PANICS, assert_in_order, trace_of
from test_net import checks_end
from vireolib import http, images
from vireolib.machine import Disk, Forward, Machine, find_qemu

MIB = 1 << 20
CELLS = list(itertools.product(('mmio', 'mmio-legacy', 'pci'), ('irq', 'poll'),
                               ('split', 'packed')))
# A version 1 device over mmio has no feature bit for the packed ring (QEMU 7.2 does not offer it).
CELLS = [cell for cell in CELLS if cell[0] != 'mmio-legacy' or cell[2] != 'packed']
# One of each axis now; the rest of the grid takes its time.
QUICK = {('mmio', 'irq', 'packed'), ('mmio-legacy', 'poll', 'split'), ('pci', 'irq', 'split')}


def cells(quick=QUICK):
    return [pytest.param(*c, marks=() if c in quick else pytest.mark.full) for c in CELLS]


def ring_option(ring):
    return 'packed=on' if ring == 'packed' else ''


def wake_option(wake):
    return 'vireo.poll=1' if wake == 'poll' else ''


@pytest.fixture
def arm(boot):
    """arm(app, **options): as boot(), an image of 32-bit Arm."""
    def start(app, **options):
        return boot(app, arch='arm', **options)
    return start


# ---- the end of a run ----

@pytest.mark.parametrize('kind', ['img', 'elf'])
@pytest.mark.parametrize('gic', ['2', '3'])
@pytest.mark.parametrize('level', ['', 'virtualization=on', 'secure=on'])
def test_hello(arm, kind, gic, level):
    """From SVC, Hyp and secure SVC mode."""
    guest = arm('hello', kind=kind, gic=gic, net='none',
                extra=['-machine', level] if level else [])
    assert guest.wait() == 0
    assert guest.seen(r'^Hello\. 64 MiB of memory') and guest.lines[-1][1] == 'vireo: exit 0'


@pytest.mark.parametrize('gic', ['2', '3'])
def test_interrupts_in_the_secure_world(arm, gic):
    """What is entered as an ELF file stays there: the timer's line is in the secure group."""
    checks_end(arm('clock', kind='elf', gic=gic, net='none', extra=['-machine', 'secure=on']), 60)


@pytest.mark.parametrize('status', [3, 255])
def test_exit_status(arm, status):
    guest = arm('ends', append=f'end=exit status={status}', net='none')
    assert guest.wait() == status


def test_cortex_a7(arm):
    assert arm('hello', cpu='cortex-a7', net='none').wait() == 0


@pytest.mark.parametrize('how', FAULTS)
def test_fault(arm, how):
    cause, names = FAULTS[how]
    guest = arm('ends', append=f'end={how}', net='none')
    assert guest.wait() == FAILED
    assert guest.seen('fault.*' + cause.replace('0xdead00000000', '0xdead0000')), guest.report()
    for register in ('r0', 'r12', 'lr', 'pc', 'sp', 'dfsr', 'dfar', 'ifsr'):
        assert guest.seen(rf'\b{register}\s+0x[0-9a-f]+'), register
    assert_in_order(names, trace_of(guest))
    assert guest.lines[-1][1] == f'vireo: exit {FAILED}'


@pytest.mark.parametrize('how', PANICS)
def test_panic(arm, how):
    """Of a smashed stack less is told: the caller's record lies above what was overrun."""
    cause, names = PANICS[how]
    guest = arm('ends', append=f'end={how}', net='none')
    assert guest.wait() == FAILED
    assert guest.seen(cause), guest.report()
    assert_in_order(names[:1] if how == 'stack-smash' else names, trace_of(guest))
    assert guest.lines[-1][1] == f'vireo: exit {FAILED}'


def test_undefined_instruction(arm):
    guest = arm('ends', append='end=undefined', net='none')
    assert guest.wait() == FAILED
    assert guest.seen('fault in task main: undefined instruction') and 'main' in trace_of(guest)


@pytest.mark.parametrize('how', ['null-write', 'svc'])
def test_fault_without_semihosting(boot, built, how):
    """The call for it, an SVC that nobody takes, is stepped over, from SVC mode as well."""
    image = built('ends', arch='arm')
    guest = boot.raw(['-M', 'virt', '-cpu', 'cortex-a15', '-nographic', '-nic', 'none', '-kernel',
                      image, '-append', f'end={how}'], image=image)
    guest.wait()
    assert guest.lines[-1][1] == f'vireo: exit {FAILED}'


# ---- how it is loaded, and where ----

def test_raw_image_moves_itself(boot, built, tmp_path):
    """Without the uImage header QEMU loads the image 960 KiB below the place it was linked for."""
    raw = tmp_path / 'hello.bin'
    with open(built('hello', arch='arm'), 'rb') as f:
        raw.write_bytes(f.read()[64:])
    guest = boot.raw(['-M', 'virt', '-cpu', 'cortex-a15', '-m', '64', '-nographic', '-nic', 'none',
                      '-kernel', str(raw)], image=str(raw))
    guest.wait()
    assert guest.lines[-1][1] == 'vireo: exit 0'


@pytest.mark.parametrize('mem', ['4', '5', '16', '1G', '3G'])
def test_memory(arm, mem):
    """Above 2 GiB there is no room for addresses: what cannot be reached is not used."""
    guest = arm('hello', mem=mem, net='none')
    assert guest.wait() == 0
    wanted = {'1G': 1024, '3G': 2048}.get(mem) or int(mem)
    assert guest.seen(rf'^Hello\. {wanted} MiB of memory')


def test_initrd_that_cannot_be_reached(arm, site_disk, tmp_path):
    """The tree says that there is one in the third GiB: it does not exist. (The seeds in the tree
    are made into the two properties.)"""
    path = tmp_path / 'virt.dtb'
    subprocess.run([find_qemu(), '-M', f'virt,dumpdtb={path}', '-cpu', 'cortex-a15', '-m', '3G',
                    '-display', 'none'], check=True, capture_output=True, timeout=120)
    data = path.read_bytes()
    head = list(struct.unpack('>10I', data[:40]))
    names, end = head[3], head[3] + head[8]
    assert end >= head[2] + head[9]                     # the names come last
    seeds = [data.index(name, names, end) - names for name in (b'kaslr-seed\0', b'rng-seed\0')]
    at = [data.index(struct.pack('>3I', 3, size, name)) for size, name in zip((8, 32), seeds)]
    data = bytearray(data[:end] + b'linux,initrd-start\0linux,initrd-end\0')
    struct.pack_into('>3IQ', data, at[0], 3, 8, end - names, 0xd0000000)
    struct.pack_into('>3IQ6I', data, at[1], 3, 8, end - names + 19, 0xd0100000, *[4] * 6)
    struct.pack_into('>I', data, 4, len(data))
    struct.pack_into('>I', data, 32, len(data) - names)
    path.write_bytes(data)
    guest = arm('httpd', transport='pci', mem='3G', disks=[site_disk], forwards=[80],
                append=images.STATIC_IP, extra=['-dtb', str(path)])
    guest.serving()
    assert http.get(guest.port(80), '/').status == 200


def test_too_little_memory_is_said(arm):
    guest = arm('hello', mem='2', net='none')
    assert guest.wait() == 1 and guest.seen('memory')


def test_runner_knows_the_image(built):
    machine = Machine(built('hello', arch='arm'))
    machine.check()
    assert machine.cpu == 'cortex-a15'


# ---- the runtime ----

@pytest.mark.parametrize('app', ['tasks', 'hog', 'fpregs', 'clock'])
def test_checks_inside(arm, app):
    """Tasks, memory, and floating-point registers over interrupts and switches."""
    checks_end(arm(app, net='none'), 60)


# ---- devices ----

@pytest.mark.parametrize('transport, wake, ring', cells())
def test_blkcheck(arm, tmp_path, transport, wake, ring):
    path = tmp_path / 'disk.img'
    path.write_bytes(bytes(8 * MIB))
    guest = arm('blkcheck', transport=transport, net='none', append=wake_option(wake),
                disks=[Disk(str(path), device=ring_option(ring))])
    assert guest.wait(60) == 0
    assert bool(guest.seen(r'vblk0: .*\bring_packed\b')) == (ring == 'packed')
    with open(path, 'rb') as f:
        assert any(f.read(MIB)), 'the pattern is not on the disk'


def test_disk_of_3_gib(arm, tmp_path):
    """An off_t has 32 bits: what it cannot tell is an error that says so, never another place."""
    path = tmp_path / 'disk.img'
    with open(path, 'wb') as f:
        f.truncate(3 << 30)
    guest = arm('blkcheck', net='none', disks=[Disk(str(path))])
    assert guest.wait() == 2 and guest.seen('more than an off_t can tell')
    guest = arm('blkcheck', net='none', append='vireo.blkcheck.bytes=1000000',
                disks=[Disk(str(path))])
    assert guest.wait() == 0
    guest = arm('rawdisk', net='none', disks=[Disk(str(path))])
    guest.wait()
    assert guest.seen('check: FAIL fstat.*Value too large')
    assert guest.seen(r'check: ok read of the same')


@pytest.fixture(scope='module')
def files(tmp_path_factory, make_disk):
    """(path of a disk, {path: SHA-256 of the file there})."""
    root, hashes = tmp_path_factory.mktemp('site'), {}
    for size in (1, 511, 4097, 65536, 1_000_003, 4 * MIB):
        data = os.urandom(size)
        (root / f'{size}.bin').write_bytes(data)
        hashes[f'/{size}.bin'] = hashlib.sha256(data).hexdigest()
    return make_disk(root), hashes


def assert_content(guest, hashes):
    guest.serving()
    port = guest.port(80)
    for path, wanted in hashes.items():
        digest = hashlib.sha256()
        with http.Connection(port) as c:
            c.request('GET', path, [('Connection', 'close')])
            assert c.answer(sink=digest.update).status == 200
        assert digest.hexdigest() == wanted, path
    return http.status_json(port)['devices']


@pytest.mark.parametrize('transport, wake, ring', cells())
def test_content_by_hash(arm, files, transport, wake, ring):
    disk, hashes = files
    guest = arm('httpd', transport=transport, forwards=[80], net_device=ring_option(ring),
                disks=[Disk(disk, read_only=True, device=ring_option(ring))],
                append=f'{images.STATIC_IP} {wake_option(wake)}')
    devices = assert_content(guest, hashes)
    assert len(devices) == 2
    for device in devices:
        assert device['ring'] == ring and transport.split('-')[0] in device['transport']
        assert ('poll' in device['wakeup']) == (wake == 'poll')
        assert wake == 'poll' or http.woken(device)


@pytest.mark.parametrize('gic, vectors, wakeup', [
    ('2', 4, 'msi-x'), ('2', 0, 'intx'), ('3', 4, 'msi-x'),
    pytest.param('3', 0, 'intx', marks=pytest.mark.full)])
def test_pci_interrupts(arm, site_disk, gic, vectors, wakeup):
    """MSI-X through GICv2m and through the ITS, and the line."""
    guest = arm('httpd', transport='pci', gic=gic, forwards=[80], append=images.STATIC_IP,
                net_device=f'vectors={vectors}',
                disks=[Disk(site_disk, read_only=True, device=f'vectors={vectors}')])
    guest.serving()
    assert http.get(guest.port(80), '/').status == 200
    for device in http.status_json(guest.port(80))['devices']:
        assert device['wakeup'] == wakeup and http.woken(device)


def test_pci_below_4_gib(arm, files):
    """The configuration space and 64-bit BARs lie above 4 GiB unless they are told not to."""
    guest = arm('httpd', transport='pci', forwards=[80], append=images.STATIC_IP,
                disks=[files[0]], extra=['-machine', 'highmem=off'])
    assert_content(guest, files[1])


def test_more_pci_devices_than_windows(arm):
    """Each of 24 functions has four ranges of registers above 4 GiB: all are seen."""
    extra = ['-object', 'rng-random,id=r,filename=/dev/urandom']
    for n in range(24):
        extra += ['-device', f'virtio-rng-pci,rng=r,disable-legacy=on,addr={n + 2:x}']
    guest = arm('entropy', net='none', extra=extra)
    guest.wait(60)
    assert len(guest.seen(r' vrng\d+: pci, msi-x')) == 24
    assert not guest.seen('cannot be mapped'), guest.report()


# ---- what is linked ----

def test_hello_holds_no_driver(built):
    with open(built('hello', 'map', arch='arm')) as f:
        linked = f.read().split('Archive member included')[1].split('Discarded input')[0]
    assert not re.search(r'drivers|lwip|files', linked), linked
