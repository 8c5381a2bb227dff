# SPDX-License-Identifier: BSD-2-Clause
"""virtio-pci as QEMU has it: modern, transitional in both roles and legacy registers; the ladder of
interrupts; doorbells a page apart, in I/O space, and through configuration space; LEGACY=0.
"""
import hashlib
import os
import re
import subprocess

import pytest

from conftest import TREE, run_make
from vireolib import http
from vireolib.guest import Lost
from vireolib.machine import Disk

MIB = 1 << 20
SITE = os.path.join(TREE, 'examples', 'httpd', 'site')
BIGGEST = max(os.listdir(SITE), key=lambda name: os.path.getsize(os.path.join(SITE, name)))
NO_MESSAGES = ('-machine', 'its=off')       # with gic='3': no MSI-X
AS_LEGACY = 'vireo.pci.legacy=1'
WINDOW_ABORTS = 'virtio_address_space_lookup: Assertion'

# What the user asks for: (transport, boot arguments) -> what the image must say of the devices.
ROLES = {
    'modern': ('pci', '', 'pci'),
    'transitional': ('pci-transitional', '', 'pci'),
    'transitional-as-legacy': ('pci-transitional', AS_LEGACY, 'pci-legacy'),
    'legacy': ('pci-legacy', '', 'pci-legacy'),
}
LEGACY_ROWS = ('LEGACY-PCI-01', 'LEGACY-PCI-03', 'LEGACY-PCI-06', 'LEGACY-PCI-09', 'LEGACY-PCI-10',
               'LEGACY-PCI-11', 'LEGACY-PCI-12', 'LEGACY-NET-05', 'FEAT-26')
role = pytest.mark.parametrize('name', [
    pytest.param(name, marks=pytest.mark.shows(*LEGACY_ROWS) if 'legacy' in name else ())
    for name in ROLES])


def serves(guest, devices=2):
    """The demo's files come as they are on this machine's disk; the devices' report."""
    guest.serving()
    for name in ('index.html', BIGGEST):
        with open(os.path.join(SITE, name), 'rb') as f:
            wanted = hashlib.sha256(f.read()).digest()
        answer = http.get(guest.port(80), '/' + name)
        assert answer.status == 200 and hashlib.sha256(answer.body).digest() == wanted, name
    said = http.status_json(guest.port(80))['devices']
    assert len(said) == devices
    return said


def wakeups(said):
    return {device['name'][:-1]: device['wakeup'] for device in said}


@role
@pytest.mark.parametrize('wake', ['interrupt', 'polled'])
def test_httpd(boot, site_disk, name, wake):
    transport, append, told = ROLES[name]
    guest = boot('httpd', transport=transport, disks=[site_disk], forwards=[80],
                 append=f'{append} vireo.poll={int(wake == "polled")}')
    for device in serves(guest):
        assert device['transport'] == told
        assert device['wakeup'] == ('polled' if wake == 'polled' else 'msi-x')
        assert ('version_1' in device['features']) == (told == 'pci')


@role
@pytest.mark.parametrize('wake', ['interrupt', 'polled'])
def test_blkcheck(boot, tmp_path, name, wake):
    """blkcheck compares what it reads with what it wrote, and the pattern is on the disk."""
    transport, append, told = ROLES[name]
    disk = tmp_path / 'disk.img'
    disk.write_bytes(bytes(4 * MIB))
    guest = boot('blkcheck', net='none', transport=transport, disks=[Disk(str(disk))],
                 append=f'{append} vireo.poll={int(wake == "polled")}')
    assert guest.wait(60) == 0
    assert guest.seen(f'vblk0: {told}, ')
    assert any(disk.read_bytes()[:MIB])


@pytest.mark.shows('LEGACY-NET-11', 'LEGACY-BLK-12', 'LEGACY-VQ-06')
def test_framing_without_any_layout(boot, site_disk):
    """A device that was not told ANY_LAYOUT may insist on the header in a piece of its own."""
    guest = boot('httpd', transport='pci-legacy', disks=[site_disk], forwards=[80],
                 append='vireo.deny=any_layout')
    assert all('any_layout' not in device['features'] for device in serves(guest))


@pytest.mark.parametrize('gic', ['2', '3'])
def test_legacy_by_its_line(boot, site_disk, gic):
    """INTx, shared by both devices: slots 1 and 5 have the same line."""
    extra = NO_MESSAGES if gic == '3' else ()
    vectors = '' if gic == '3' else ',vectors=0'
    guest = boot('httpd', transport='pci-legacy', gic=gic, extra=list(extra),
                 disks=[Disk(site_disk, read_only=True, device='addr=5' + vectors)],
                 net_device='addr=1' + vectors, forwards=[80])
    said = serves(guest)
    assert wakeups(said) == {'vnet': 'intx', 'vblk': 'intx'}
    assert all(http.woken(device) for device in said)


# ---- the ladder ----

LADDER = {0: ('intx', 'intx'), 1: ('msi-x single', 'msi-x single'), 2: ('msi-x shared', 'msi-x'),
          3: ('msi-x', 'msi-x'), 4: ('msi-x', 'msi-x')}


@pytest.mark.parametrize('transport', ['pci', 'pci-legacy'])
@pytest.mark.parametrize('vectors', LADDER)
@pytest.mark.shows('PCI-MSIX-01', 'PCI-MSIX-04', 'PCI-ISR-05', 'PCI-ISR-06', 'PCI-ISR-07',
                   'PCI-ISR-08')
def test_vectors(boot, site_disk, transport, vectors):
    """Fewer vectors than queues: all queues and the changes of the configuration are heard of."""
    guest = boot('httpd', transport=transport, forwards=[80], net_device=f'vectors={vectors}',
                 disks=[Disk(site_disk, read_only=True, device=f'vectors={vectors}')])
    said = serves(guest)
    assert wakeups(said) == dict(zip(('vnet', 'vblk'), LADDER[vectors]))
    assert all(http.woken(device) for device in said)
    for up, word in ((False, 'down'), (True, 'up')):
        guest.qmp('set_link', name='n0', up=up)
        guest.until(lambda word=word: guest.seen(f'vnet0: link {word}'), f'link {word}')


def test_no_messages_on_the_machine(boot, site_disk):
    """One line for all devices, and INTx."""
    guest = boot('httpd', transport='pci', gic='3', extra=list(NO_MESSAGES), disks=[site_disk],
                 forwards=[80])
    assert wakeups(serves(guest)) == {'vnet': 'intx', 'vblk': 'intx'}
    assert len(guest.seen('MSI-X')) == 1


# ---- where the structures lie ----

@pytest.mark.parametrize('device', ['page-per-vq=on', 'modern-pio-notify=on',
                                    'page-per-vq=on,modern-pio-notify=on'])
@pytest.mark.shows('PCI-CAP-02', 'PCI-CAP-06', 'PCI-NOTIF-01', 'PCI-NOTIF-02')
def test_doorbells(boot, site_disk, device):
    """A page apart; all at one address in I/O space, told by a capability before the usual one."""
    guest = boot('httpd', transport='pci', forwards=[80], net_device=device,
                 disks=[Disk(site_disk, read_only=True, device=device)])
    assert wakeups(serves(guest)) == {'vnet': 'msi-x', 'vblk': 'msi-x'}


@pytest.mark.parametrize('gic, wake', [('2', 'msi-x'), ('3', 'polled')])
@pytest.mark.shows('PCI-CFG-01', 'PCI-CFG-04', 'PCI-CFG-05')
def test_window(boot, site_disk, gic, wake):
    """Every access, kicks too, through configuration space; no handler can use it. QEMU traces a
    write of the window before, and a read of it after, the access that it leads to."""
    guest = boot('httpd', transport='pci', gic=gic, forwards=[80], net_device='ioeventfd=off',
                 disks=[Disk(site_disk, read_only=True, device='ioeventfd=off')],
                 append='vireo.pci.window=1', extra=['-trace', 'memory_region_ops_*', *(
                     NO_MESSAGES if gic == '3' else ())])
    try:
        said = serves(guest)
    except Lost:
        if not any(WINDOW_ABORTS in line for line in guest.stderr()):
            raise
        boot.expect_qemu_says(WINDOW_ABORTS)
        pytest.skip('this QEMU aborts at the first access (a bug of 9.2 and later: its lookup '
                    'finds no address space on the virt board)')
    assert wakeups(said) == {'vnet': wake, 'vblk': wake}
    assert len(guest.seen('registers through configuration space')) == 2
    guest.stop()
    lines = [line for line in guest.trace() if line.startswith('memory_region_ops_')]
    structures = set()
    for at, line in enumerate(lines):
        structure = re.search(r"name 'virtio-pci-(common|notify|isr|device)", line)
        if structure:
            structures.add(structure[1])
            around = lines[at - 1 if '_ops_write' in line else at + 1]
            access = re.match(r'memory_region_ops_(\w+) .* value (\w+) size (\d)', line).groups()
            assert re.match(r"memory_region_ops_{} .* value {} size {} name 'pcie-mmcfg".format(
                *access), around), f'{around}\n{line}'
    assert {'common', 'notify', 'device'} <= structures


# ---- without legacy support ----

@pytest.fixture(scope='module')
def modern_only():
    result = run_make('-s', 'image', 'APP=httpd', 'LEGACY=0')
    assert result.returncode == 0, result.stdout + result.stderr
    return os.path.join(TREE, 'build', 'aarch64-modern', 'httpd.img')


@pytest.mark.parametrize('transport', ['mmio', 'pci', 'pci-transitional'])
@pytest.mark.shows('FEAT-27')
def test_modern_image(boot, modern_only, site_disk, transport):
    guest = boot(modern_only, transport=transport, disks=[site_disk], forwards=[80])
    assert all('version_1' in device['features'] for device in serves(guest))


@pytest.mark.parametrize('transport, cure', [
    ('mmio-legacy', '-global virtio-mmio.force-legacy=false'),
    ('pci-legacy', 'disable-modern=off')])
@pytest.mark.shows('LEGACY-PCI-08')
def test_modern_image_refuses(boot, modern_only, site_disk, transport, cure):
    """The image logs what to do, and ends as without a network card."""
    guest = boot(modern_only, transport=transport, disks=[site_disk])
    assert guest.wait(30) != 0
    assert len(guest.seen('LEGACY=0.*' + cure)) == 2, guest.report()


def symbol_bytes(elf):
    """Bytes of all functions and data. (Between functions the linker may leave a page, to go round
    an erratum of a processor: the image's size is not comparable to the byte.)"""
    nm = os.environ.get('CROSS', 'aarch64-linux-gnu-') + 'nm'
    said = subprocess.run([nm, '-S', elf], capture_output=True, text=True, check=True).stdout
    return sum(int(line.split()[1], 16) for line in said.splitlines() if len(line.split()) == 4)


def test_modern_image_is_smaller(built, modern_only):
    """No code of either legacy transport, and nothing in its place but the refusal."""
    saved = symbol_bytes(built('httpd', 'elf')) - symbol_bytes(modern_only.replace('.img', '.elf'))
    assert saved > 1000
    with open(modern_only.replace('.img', '.map')) as f:
        text = f.read().split('Linker script and memory map')[1]
    assert 'virtio/transport/legacy_none.c' in text
    assert 'mmio_legacy.c' not in text and 'vpci_legacy.c' not in text


@pytest.mark.parametrize('value', ['2', 'no', ''])
def test_bad_value_of_legacy(value):
    result = run_make('image', 'APP=hello', f'LEGACY={value}')
    assert result.returncode != 0 and f'LEGACY={value}: it is 1, or 0' in result.stderr
