# SPDX-License-Identifier: BSD-2-Clause
"""Devices that are taken out of root ports and put back while the image uses them, as a person does
it by QMP: device_del presses the slot's button, device_add puts a card in.
"""
import re
import struct

import pytest

from vireolib import faults, http

MACHINE = '-M virt{gic} -cpu cortex-a72 -m 128 -nographic -no-reboot'
PORTS = [word for n in range(4) for word in
         ('-device', f'pcie-root-port,id=rp{n},chassis={n + 1},slot={n + 1}')]
QUICK = 'vireo.pci.button_ms=100'
SECTORS = 64
GICS = {'v2m': '', 'its': ',gic-version=3'}


class Machine:
    """A guest with four ports, of which anything can be plugged in and out."""

    def __init__(self, boot, image, arguments, gic='v2m', append=QUICK, forwards=(), lines=False):
        self.none = {'vectors': 0} if lines else {}
        self.guest = boot.raw(MACHINE.format(gic=GICS[gic]).split() + PORTS + ['-kernel', image] +
                              arguments + ['-append', append], image=image, forwards=forwards)

        self.faults = faults.Faults(self.guest)
        self.remove = self.faults.remove

    def add(self, name, driver, port, **more):
        self.faults.add(id=name, driver=driver, bus=f'rp{port}', **more, **self.none)


def blockdev(name, path):
    return ['-blockdev', f'driver=file,filename={path},node-name={name}f',
            '-blockdev', f'driver=raw,file={name}f,node-name={name}']


def disk_file(tmp_path, name, size=1 << 20):
    path = tmp_path / f'{name}.img'
    path.write_bytes(bytes(size))
    return path


def check_safe(guest, name, path):
    """Sectors that the image reported as safe are in the file, or newer ones."""
    safe = [int(line.rsplit(' ', 1)[1]) for line in guest.seen(f'plugged: {name} safe')]
    assert safe, 'nothing was ever safe'
    data = path.read_bytes()
    for i in range(SECTORS):
        sector = data[512 * i:512 * (i + 1)]
        n = struct.unpack('<I', sector[:4])[0]
        assert n % SECTORS == i and n >= safe[-1] - (SECTORS - 1 - i)
        assert sector[4:] == bytes([n & 255]) * 508


def busy(guest, name, more=1):
    """The writer goes on: `more` further rounds over its sectors."""
    before = len(guest.seen(f'plugged: {name} safe'))
    guest.until(lambda: len(guest.seen(f'plugged: {name} safe')) >= before + more,
                f'{name} is written to', 20)


@pytest.mark.parametrize('packed,gic,lines', [
    ('off', 'v2m', False), ('on', 'its', True),
    pytest.param('off', 'its', False, marks=pytest.mark.full),
    pytest.param('on', 'v2m', False, marks=pytest.mark.full),
    pytest.param('on', 'its', False, marks=pytest.mark.full),
    pytest.param('off', 'v2m', True, marks=pytest.mark.full)])
def test_disk(boot, built, tmp_path, packed, gic, lines):
    """A disk is taken out under load and put back, twice: the open file sees errors meanwhile, and
    works again; what was safe is there. A disk that was never there works in another slot."""
    a, b = disk_file(tmp_path, 'a'), disk_file(tmp_path, 'b')
    card = dict(driver='virtio-blk-pci', drive='a', packed=packed, serial='first')
    none = ',vectors=0' if lines else ''
    machine = Machine(boot, built('plugged'), blockdev('a', a) + blockdev('b', b) + [
        '-device', f'virtio-blk-pci,id=a,bus=rp0,drive=a,packed={packed},serial=first{none}'],
        gic=gic, lines=lines)
    guest = machine.guest
    guest.expect('plugged: vblk0 works')
    for _ in range(2):
        busy(guest, 'vblk0')
        machine.remove('a')
        guest.expect(r'plugged: vblk0 fails \(5\)')
        machine.add('a', port=0, **card)
        guest.expect('plugged: vblk0 works', 10)
    busy(guest, 'vblk0')
    check_safe(guest, 'vblk0', a)
    machine.add('b', 'virtio-blk-pci', 2, drive='b', packed=packed)
    guest.expect('plugged: vblk1 works')
    busy(guest, 'vblk1', 2)
    check_safe(guest, 'vblk1', b)
    kind = 'intx' if lines else 'msi-x'
    assert guest.seen(f'vblk1: pci, {kind}')


@pytest.mark.parametrize('ring', ['split', pytest.param('packed', marks=pytest.mark.full)])
def test_what_was_acknowledged(boot, rig, ring):
    """Verified disks and the network card leave and come back: calls fail meanwhile, the others go
    on, and then every acknowledged write is there. No connection breaks for a disk."""
    boot.qemu_may_say('Slirp: Failed to send packet')
    machine = rig(ring=ring, ports=True, append=QUICK)
    guest, devices = machine.guest, machine.faults
    with machine.visiting() as visitors:
        for name, other in ('posix', 'raw'), ('raw', 'posix'):
            devices.remove('dev-' + name)
            guest.until(lambda: machine.disks()[name]['errors'], f'error of {name}')
            machine.goes_on(other)
            devices.put_back('dev-' + name)
            machine.goes_on(name)
        assert not visitors.breaks
        devices.remove('net0')
        devices.put_back('net0')
        visitors.hang_up()
        machine.forget_connection()
        before = visitors.answers()
        guest.until(lambda: visitors.each_answered(before), 'answer to each visitor', 30)
        machine.goes_on()
    assert not visitors.trouble and machine.end() == []


def test_another_disk(boot, built, tmp_path):
    """In the place of a disk comes another: it is refused, and not written to. The first one put
    back is taken."""
    a, b = disk_file(tmp_path, 'a'), disk_file(tmp_path, 'b')
    machine = Machine(boot, built('plugged'), blockdev('a', a) + blockdev('b', b) + [
        '-device', 'virtio-blk-pci,id=a,bus=rp0,drive=a,serial=first'])
    guest = machine.guest
    guest.expect('plugged: vblk0 works')
    machine.remove('a')
    guest.expect(r'plugged: vblk0 fails')
    machine.add('b', 'virtio-blk-pci', 0, drive='b', serial='second')
    guest.expect(r'vblk0: .*(another|not the)')
    assert b.read_bytes() == bytes(1 << 20)
    machine.remove('b')
    machine.add('a', 'virtio-blk-pci', 0, drive='a', serial='first')
    guest.expect('plugged: vblk0 works')
    busy(guest, 'vblk0')
    check_safe(guest, 'vblk0', a)


def test_entropy(boot, built):
    """The device comes late, goes, and comes back."""
    machine = Machine(boot, built('plugged'), [])
    guest = machine.guest
    guest.expect('vireo: ready')
    machine.add('r', 'virtio-rng-pci', 1)
    guest.expect('plugged: vrng0 works')
    machine.remove('r')
    guest.expect('plugged: vrng0 fails')
    machine.add('r', 'virtio-rng-pci', 1)
    guest.expect('plugged: vrng0 works')


def told_at(guest, pattern):
    """Seconds by the image's own clock, which its log lines begin with."""
    return float(guest.expect(rf'^\[ *(\d+\.\d+)\] .*{pattern}')[1])


def test_five_seconds(boot, built, tmp_path):
    """By default a second press counts for five seconds, in which the disk works on."""
    a = disk_file(tmp_path, 'a')
    machine = Machine(boot, built('plugged'), blockdev('a', a) + [
        '-device', 'virtio-blk-pci,id=a,bus=rp0,drive=a'], append='vireo.poll=0')
    guest = machine.guest
    guest.expect('plugged: vblk0 works')
    machine.guest.qmp('device_del', id='a')
    begin = told_at(guest, 'button: to be unplugged')
    busy(guest, 'vblk0')
    end = told_at(guest, 'stopped, and powered off')
    assert 4.9 < end - begin < 30
    guest.until(lambda: 'a' not in machine.faults.plugged(), 'it is out', 10)


SITE = ['-device', 'virtio-blk-pci,drive=d,bus=rp1,id=d0', '-drive']


def start_server(boot, built, site_disk, card, gic='v2m'):
    arguments = SITE + [f'if=none,id=d,file={site_disk},format=raw,readonly=on'] + [
        '-netdev', 'user,id=n,hostfwd=tcp:127.0.0.1:0-:80',
        '-device', ','.join(f'{k}={v}' for k, v in {'driver': 'virtio-net-pci', **card}.items())]
    machine = Machine(boot, built('httpd'), arguments, gic=gic, forwards=[80])
    machine.guest.serving(20)
    assert http.get(machine.guest.port(80), '/').status == 200
    return machine


def test_one_more_card(boot, built, site_disk):
    """A card that was not there at the boot asks for an address, and the page comes over it too."""
    card = dict(id='n0', bus='rp0', netdev='n', romfile='')
    machine = start_server(boot, built, site_disk, card)
    guest = machine.guest
    guest.qmp('netdev_add', type='user', id='m', net='10.0.7.0/24',
              hostfwd=[{'str': 'tcp:127.0.0.1:0-:80'}])
    machine.add('n1', 'virtio-net-pci', 2, netdev='m', romfile='')
    guest.expect(r'vnet1: address 10\.0\.7\.15')
    port = int(re.search(r'TCP\[HOST_FORWARD\] +\d+ +127\.0\.0\.1 +(\d+) +10\.0\.7\.15 +80',
                         guest.hmp('info usernet'))[1])
    assert http.get(port, '/').status == 200
    assert http.get(guest.port(80), '/').status == 200
    devices = http.status_json(guest.port(80))['devices']
    assert [d['name'] for d in devices] == ['vnet0', 'vblk0', 'vnet1']
    assert {d['alive'] for d in devices} == {True}


@pytest.mark.parametrize('gic,packed', [('its', 'off'), pytest.param(
    'v2m', 'on', marks=pytest.mark.full)])
def test_card(boot, built, site_disk, gic, packed):
    """The web server's card goes and comes back, twice: it serves again at the same address."""
    card = dict(netdev='n', romfile='', packed=packed, mac='52:54:00:12:34:56')
    machine = start_server(boot, built, site_disk, dict(id='n0', bus='rp0', **card), gic)
    guest = machine.guest
    for _ in range(2):
        machine.remove('n0')
        guest.expect('vnet0: .*unplugged')
        machine.add('n0', 'virtio-net-pci', 0, **card)
        guest.expect('vnet0: works again')
        assert http.get(guest.port(80), '/').status == 200
    devices = http.status_json(guest.port(80))['devices']
    assert {d['alive'] for d in devices} == {True} and len(devices) == 2
    assert all(d['wakeup'].startswith('msi-x') for d in devices), devices
