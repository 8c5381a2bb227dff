# SPDX-License-Identifier: BSD-2-Clause
"""Messages through the GICv3 ITS and the GICv2m, INTx where there is neither, and PCI behind an
SMMUv3: which of them the image takes, that interrupts come, and that the data is right.
"""
import os
import socket
import struct
import subprocess
import zlib

import pytest

from test_block import MIB, blank
from vireolib import http
from vireolib.machine import Disk, find_qemu

# (-machine gic-version=, more of -machine, what PCI functions are woken by)
CONTROLLERS = [
    pytest.param('2', '', 'msi-x', id='gicv2m'),
    pytest.param('3', '', 'msi-x', id='its'),
    pytest.param('max', '', 'msi-x', id='gicmax'),
    pytest.param('3', 'its=off', 'intx', id='its-off'),
]


def machine(options):
    return ['-machine', options] if options else []


def devices_of(guest):
    return http.status_json(guest.port(80))['devices']


@pytest.mark.parametrize('gic, options, wakeup', CONTROLLERS)
def test_httpd_is_woken_by(boot, site_disk, gic, options, wakeup):
    """The log and /status.json say by what, and interrupts are counted."""
    guest = boot('httpd', transport='pci', gic=gic, disks=[site_disk], forwards=[80],
                 extra=machine(options))
    guest.serving(30)
    assert http.get(guest.port(80), '/').status == 200
    devices = devices_of(guest)
    assert len(devices) == 2
    for device in devices:
        assert device['wakeup'] == wakeup, device
        assert http.woken(device), device
    for name in ('vnet0', 'vblk0'):
        assert guest.seen(f'{name}: pci, {wakeup};'), guest.report()
    assert not guest.seen(' its: '), guest.report()


@pytest.mark.parametrize('gic, options, wakeup', CONTROLLERS)
def test_blkcheck_is_woken_by(boot, tmp_path, gic, options, wakeup):
    disk = Disk(blank(tmp_path, 8 * MIB))
    guest = boot('blkcheck', transport='pci', gic=gic, disks=[disk], net='none',
                 extra=machine(options))
    assert guest.wait(60) == 0
    assert guest.seen(f'vblk0: pci, {wakeup};'), guest.report()


@pytest.mark.parametrize('transport', ['mmio', 'pci'])
def test_nothing_of_the_its_runs_unasked(boot, site_disk, transport):
    """The ITS is set up, with a debug line in the log, only when a function asks for a message."""
    guest = boot('httpd', transport=transport, gic='3', disks=[site_disk], forwards=[80],
                 append='vireo.log=debug')
    guest.serving(30)
    assert bool(guest.seen(' its: ')) == (transport == 'pci'), guest.report()


def disks_of(tmp_path, count):
    """QEMU's options for `count` disks, eight functions to a slot; each is larger by 4 KiB than the
    one before, and filled with a byte of its own."""
    args = []
    for n in range(count):
        path = tmp_path / f'disk{n}.img'
        path.write_bytes(bytes([n + 1]) * 4096 * (n + 1))
        args += ['-drive', f'if=none,id=x{n},file={path},format=raw,readonly=on',
                 '-device', f'virtio-blk-pci,drive=x{n},disable-legacy=on,multifunction=on,'
                            f'addr={1 + n // 8:x}.{n % 8}']
    return args


def disks_seen(guest):
    """The line of manydisks for each disk."""
    return [dict(word.split('=') for word in line.split()[2:]) for line in guest.seen('^disk: ')]


@pytest.mark.parametrize('count', [2, 32])
@pytest.mark.parametrize('gic, options, wakeup', CONTROLLERS)
def test_many_functions(boot, tmp_path, gic, options, wakeup, count):
    """Each disk is woken by its own messages, and holds what the others do not."""
    guest = boot('manydisks', transport='pci', gic=gic, net='none', mem='128',
                 extra=disks_of(tmp_path, count) + machine(options))
    assert guest.wait(60) == 0
    disks = disks_seen(guest)
    assert [int(disk['size']) for disk in disks] == [4096 * (n + 1) for n in range(count)]
    for n, disk in enumerate(disks):
        assert int(disk['crc'], 0) == zlib.crc32(bytes([n + 1]) * 4096 * (n + 1)), disk
        assert disk['wakeup'] == wakeup and int(disk['interrupts']) > 0, disk


# ---- what the device tree says ----

@pytest.fixture
def tree(tmp_path):
    """tree(gic, old, new) -> QEMU's device tree for that machine, with words replaced in its one
    place that holds them."""
    def patched(gic, old, new):
        path = str(tmp_path / 'virt.dtb')
        subprocess.run([find_qemu(), '-M', f'virt,gic-version={gic},dumpdtb={path}', '-m', '128',
                        '-cpu', 'cortex-a72', '-display', 'none'], check=True,
                       capture_output=True, timeout=120)
        with open(path, 'rb') as f:
            data = f.read()
        old, new = (struct.pack(f'>{len(words)}I', *words) for words in (old, new))
        assert data.count(old) == 1 and len(old) == len(new)
        head = struct.unpack('>10I', data[:40])             # QEMU leaves a megabyte of room in it
        end = max(head[2] + head[9], head[3] + head[8])     # of the structure, of the strings
        with open(path, 'wb') as f:
            f.write((data[:4] + struct.pack('>I', end) + data[8:end]).replace(old, new))
        return path

    return patched


MSI = 0x8003        # the phandle that QEMU gives the doorbell for messages


@pytest.mark.parametrize('gic', ['2', '3'])
def test_msi_map_is_followed(boot, tmp_path, tree, gic):
    """A map that holds slot 1 alone (requester ids 8 to 15): functions of slot 2 take INTx."""
    dtb = tree(gic, [0, MSI, 0, 0x10000], [8, MSI, 8, 8])
    guest = boot('manydisks', transport='pci', gic=gic, net='none', mem='128',
                 extra=disks_of(tmp_path, 10) + ['-dtb', dtb])
    assert guest.wait(60) == 0
    for n, disk in enumerate(disks_seen(guest)):
        assert disk['wakeup'] == ('msi-x' if n < 8 else 'intx'), disk
        assert int(disk['interrupts']) > 0, disk


@pytest.mark.parametrize('gic', ['2', '3'])
def test_msi_map_to_elsewhere(boot, tmp_path, tree, gic):
    """A doorbell that the image does not know: INTx."""
    elsewhere = tree(gic, [0, MSI, 0, 0x10000], [0, MSI + 100, 0, 0x10000])
    guest = boot('manydisks', transport='pci', gic=gic, net='none', mem='128',
                 extra=disks_of(tmp_path, 2) + ['-dtb', elsewhere])
    assert guest.wait(60) == 0
    assert {disk['wakeup'] for disk in disks_seen(guest)} == {'intx'}


def test_window_for_32_bits_above_4_gib(boot, tmp_path, tree):
    """No register of 32 bits can hold its addresses: it is not used, nor what would lie there, the
    table of messages."""
    dtb = tree('3', [0x02000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2eff0000],
               [0x02000000, 1, 0x20000000, 0, 0x10000000, 0, 0x2eff0000])
    guest = boot('manydisks', transport='pci', gic='3', net='none', mem='128',
                 extra=disks_of(tmp_path, 2) + ['-dtb', dtb])
    assert guest.wait(60) == 0
    assert len(guest.seen('no room for BAR 1')) == 2, guest.report()
    assert [disk['wakeup'] for disk in disks_seen(guest)] == ['intx', 'intx']


def test_its_that_does_not_work(boot, tmp_path, tree):
    """The tree says that the ITS is where flash memory is, which never becomes quiescent. That is
    said once, and functions take INTx."""
    dtb = tree('3', [0, 0x08080000, 0, 0x20000], [0, 0x04000000, 0, 0x20000])
    guest = boot('manydisks', transport='pci', gic='3', net='none', mem='128',
                 extra=disks_of(tmp_path, 3) + ['-dtb', dtb])
    assert guest.wait(60) == 0
    assert len(guest.seen(' its: ')) == 1 and guest.seen('its: .*cannot be used'), guest.report()
    assert {disk['wakeup'] for disk in disks_seen(guest)} == {'intx'}


# ---- what ran before the image ----

# Registers, and what a firmware might have left in them.
SMMU_CR0, SMMU_ON = 0x09050020, 0x1
GITS_CTLR, GITS_ON = 0x08080000, 0x1
GICR_CTLR, LPIS_ON = 0x080a0000, 0x1


@pytest.fixture
def left(tmp_path, boot):
    """left(registers, app, **options): a Guest that starts with those registers written."""
    def start(registers, app, **options):
        path = os.path.relpath(tmp_path / 'qtest')       # a socket's name must be short
        guest = boot(app, **{**options, 'extra': options.get('extra', []) + [
            '-S', '-accel', 'tcg', '-qtest', f'unix:{path},server=on,wait=off',
            '-qtest-log', 'none']})
        guest.qmp('query-status')
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(80)
            s.connect(path)
            for address, value in registers:
                s.sendall(f'writel {address:#x} {value:#x}\n'.encode())
                assert s.recv(100) == b'OK\n'
        guest.qmp('cont')
        return guest

    return start


def test_its_that_was_left_on(boot, left, tmp_path):
    """Tables and queue are the image's own all the same."""
    boot.expect_qemu_says('process_cmdq: invalid write offset 0')     # by the first write below
    guest = left([(GITS_CTLR, GITS_ON), (GICR_CTLR, LPIS_ON)], 'blkcheck', transport='pci',
                 gic='3', disks=[Disk(blank(tmp_path, 2 * MIB))], net='none')
    assert guest.wait(60) == 0
    assert guest.seen('vblk0: pci, msi-x;'), guest.report()


@pytest.mark.shows('FEAT-15')
@pytest.mark.parametrize('gic', ['2', '3'])
def test_smmu_that_was_left_on(left, tmp_path, gic):
    """On, and without a table of streams, it keeps every function from memory."""
    disk = Disk(blank(tmp_path, 2 * MIB), device='iommu_platform=on')
    guest = left([(SMMU_CR0, SMMU_ON)], 'blkcheck', transport='pci', gic=gic, disks=[disk],
                 net='none', extra=machine('iommu=smmuv3'))
    assert guest.wait(60) == 0
    assert guest.seen('smmu: switched off: PCI functions pass through'), guest.report()


# ---- in front of an SMMUv3 ----

@pytest.mark.shows('FEAT-14')
@pytest.mark.parametrize('gic', ['2', '3'])
@pytest.mark.parametrize('iommu', ['', 'iommu=smmuv3'])
@pytest.mark.parametrize('platform', ['off', 'on'])
def test_access_platform(boot, tmp_path, site_disk, gic, iommu, platform):
    """iommu_platform=on alone, an SMMU alone, and both: a page over the network, from the disk."""
    disk = Disk(site_disk, read_only=True, device=f'iommu_platform={platform}')
    guest = boot('httpd', transport='pci', gic=gic, disks=[disk], forwards=[80],
                 net_device=f'iommu_platform={platform}', extra=machine(iommu))
    guest.serving(30)
    assert http.get(guest.port(80), '/').status == 200
    for device in devices_of(guest):
        assert device['wakeup'] == 'msi-x', device
        assert ('access_platform' in device['features']) == (platform == 'on'), device
    assert bool(guest.seen('smmu: .*pass through')) == bool(iommu), guest.report()


@pytest.mark.parametrize('gic', ['2', '3'])
def test_iommu_of_another_kind(boot, tmp_path, gic):
    """QEMU's virtio-iommu lets pass what nobody has programmed it for. The image says that it
    leaves it alone, once."""
    disk = Disk(blank(tmp_path, 2 * MIB), device='iommu_platform=on')
    guest = boot('blkcheck', transport='pci', gic=gic, disks=[disk], net='none',
                 extra=['-device', 'virtio-iommu-pci,addr=0x10'])
    assert guest.wait(60) == 0
    assert len(guest.seen('pci: warning: host 0: .*no SMMUv3')) == 1, guest.report()
