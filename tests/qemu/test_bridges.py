# SPDX-License-Identifier: BSD-2-Clause
"""PCI beyond the root bus: root ports, a conventional bus and one behind it, several functions of
one device, and as many devices as a bus takes.
"""
import pytest

from vireolib import http

PLAIN = ('-M virt{machine} -cpu cortex-a72 -m 128 -nographic -no-reboot '
         '-netdev user,id=n,hostfwd=tcp:127.0.0.1:0-:80')
ROOT_PORTS = ['-device', 'pcie-root-port,id=rp0,chassis=1,slot=1',
              '-device', 'pcie-root-port,id=rp1,chassis=2,slot=2',
              '-device', 'pcie-root-port,id=rp2,chassis=3,slot=3']
CONVENTIONAL = ROOT_PORTS + ['-device', 'pcie-pci-bridge,id=pb,bus=rp1',
                             '-device', 'pci-bridge,id=pc,bus=pb,chassis_nr=5,addr=3']
NET = 'virtio-net-pci,netdev=n,romfile='
BLK = 'virtio-blk-pci,drive=d'

# bridges, where the network card is, where the disk is
PLACES = {
    'root ports': (ROOT_PORTS, 'bus=rp0', 'bus=rp2'),
    'conventional': (CONVENTIONAL, 'bus=pb,addr=9', 'bus=pc,addr=1e'),
    'behind two': (CONVENTIONAL, 'bus=pc,addr=7', 'bus=pc,addr=8'),
    'mixed': (CONVENTIONAL, 'addr=5', 'bus=pc,addr=8'),
    'functions': ([], 'addr=4.7', 'addr=4.0,multifunction=on'),
}


def drive(site_disk, name='d'):
    return ['-drive', f'if=none,id={name},file={site_disk},format=raw,readonly=on']


def start(boot, built, arguments, machine='', append=''):
    command = PLAIN.format(machine=machine).split() + ['-kernel', built('httpd')] + arguments
    return boot.raw(command + (['-append', append] if append else []), image=built('httpd'),
                    forwards=[80])


@pytest.mark.parametrize('place', PLACES)
@pytest.mark.parametrize('wake', ['messages', 'lines'])
def test_behind_bridges(boot, built, site_disk, place, wake):
    """The page comes from a disk and over a card wherever they are; interrupts find their way."""
    bridges, net, blk = PLACES[place]
    none = ',vectors=0' if wake == 'lines' else ''
    guest = start(boot, built, bridges + drive(site_disk) + [
        '-device', f'{NET},{net}{none}', '-device', f'{BLK},{blk}{none}'])
    guest.serving(20)
    answer = http.get(guest.port(80), '/')
    assert answer.status == 200 and b'<html' in answer.body.lower()
    devices = http.status_json(guest.port(80))['devices']
    assert len(devices) == 2
    for device in devices:
        assert device['wakeup'].startswith('intx' if none else 'msi-x'), device
        assert http.woken(device), device


@pytest.mark.parametrize('machine', ['', ',highmem=off', ',gic-version=3'])
def test_windows_of_the_machine(boot, built, site_disk, machine):
    """Without a high window everything behind the bridges lies in the low one."""
    bridges, net, blk = PLACES['conventional']
    guest = start(boot, built, bridges + drive(site_disk) + [
        '-device', f'{NET},{net}', '-device', f'{BLK},{blk}'], machine)
    guest.serving(20)
    assert http.get(guest.port(80), '/').status == 200


@pytest.mark.parametrize('where', ['functions', 'conventional'])
def test_32_devices(boot, built, site_disk, where):
    """A card and 31 disks, as functions of a few devices, or on one bus: with more queues than the
    machine has messages, and one line for several of them."""
    arguments = [] if where == 'functions' else [
        '-device', 'pcie-root-port,id=rp0', '-device', 'pcie-pci-bridge,id=pb,bus=rp0']
    for n in range(31):
        at = (f'addr={4 + n // 8:x}.{n % 8},multifunction=on' if where == 'functions' else
              f'bus=pb,addr={n + 1:x}')
        arguments += drive(site_disk, f'd{n}') + ['-device', f'virtio-blk-pci,drive=d{n},{at}']
    guest = start(boot, built, arguments + ['-device', NET], append='vireo.cache=1')
    guest.serving(30)
    assert http.get(guest.port(80), '/').status == 200
    devices = http.status_json(guest.port(80))['devices']
    assert len(devices) == 32 and {d['alive'] for d in devices} == {True}
