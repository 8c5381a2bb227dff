"""Messages through the GICv3 ITS and the GICv2m, INTx where there is neither, and PCI behind an
SMMUv3: which of them the image takes, that interrupts come, and that the data is right.
"""
import zlib

import pytest

from test_block import MIB, blank
from vireolib import http
from vireolib.machine import Disk

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
        assert device['interrupts'] > 0, device
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
@pytest.mark.parametrize('polled', [False, True])
def test_nothing_of_the_its_runs_unasked(boot, site_disk, transport, polled):
    """Its set-up is logged at the level of debugging: only where a function asks for a message."""
    guest = boot('httpd', transport=transport, gic='3', disks=[site_disk], forwards=[80],
                 append='vireo.log=debug' + (' vireo.poll=1' if polled else ''))
    guest.serving(30)
    assert bool(guest.seen(' its: ')) == (transport == 'pci' and not polled), guest.report()


def disks_of(tmp_path, count):
    """QEMU's options for so many disks, eight functions to a slot; each is larger by 4 KiB than the
    one before, and filled with a byte of its own."""
    args = []
    for n in range(count):
        path = tmp_path / f'disk{n}.img'
        path.write_bytes(bytes([n + 1]) * 4096 * (n + 1))
        args += ['-drive', f'if=none,id=x{n},file={path},format=raw,readonly=on',
                 '-device', f'virtio-blk-pci,drive=x{n},disable-legacy=on,multifunction=on,'
                            f'addr={1 + n // 8:x}.{n % 8}']
    return args


@pytest.mark.parametrize('count', [2, 32])
@pytest.mark.parametrize('gic, options, wakeup', CONTROLLERS)
def test_many_functions(boot, tmp_path, gic, options, wakeup, count):
    """Each disk is woken by its own messages, and holds what the others do not."""
    guest = boot('manydisks', transport='pci', gic=gic, net='none', mem='128',
                 extra=disks_of(tmp_path, count) + machine(options))
    assert guest.wait(60) == 0
    disks = [dict(word.split('=') for word in line.split()[2:]) for line in guest.seen('^disk: ')]
    assert [int(disk['size']) for disk in disks] == [4096 * (n + 1) for n in range(count)]
    for n, disk in enumerate(disks):
        assert int(disk['crc'], 0) == zlib.crc32(bytes([n + 1]) * 4096 * (n + 1)), disk
        assert disk['wakeup'] == wakeup and int(disk['interrupts']) > 0, disk


# ---- in front of an SMMUv3 ----

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
