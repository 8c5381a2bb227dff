# SPDX-License-Identifier: BSD-2-Clause
"""kernels/vhost-user: drivers/ in a process of Linux, against back-ends in other processes."""
import os
import subprocess
import tempfile

import pytest

import boards
from backends import EmptyDisk, RouterCard, StorageDaemon
from vhost.protocol import Backend


@pytest.fixture
def run(builder):
    """run(words...) -> a Run of the program."""
    program = boards.build(builder, 'vhost-user')

    def start(*words):
        return boards.Run(program, list(words))

    return start


@pytest.fixture
def folder():
    """For a socket, whose path has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix='vh-') as path:
        yield path


@pytest.mark.parametrize('wakeup', ['irq', 'polled'])
def test_a_disk_of_the_storage_daemon(run, folder, wakeup):
    disk = boards.new_disk(folder)
    with StorageDaemon(folder, disk) as daemon:
        done = run(f'blk={daemon.path}', *(['vireo.poll=1'] if wakeup == 'polled' else []))
        assert done.passed()
        *how, counts = done.check('blk')
        assert how == ['vhost-user', 'split', wakeup]
        assert (counts['rounds'], counts['beyond']) == ('16', '-5')
        assert wakeup == 'polled' or int(counts['interrupts'])
    assert boards.written(disk)


@pytest.mark.parametrize('wakeup', ['irq', 'polled'])
@pytest.mark.parametrize('ring', ['split', 'packed'])
def test_devices_of_our_own(run, ring, wakeup):
    """The devices of tests/hostile while they keep the rules, and judge the driver by them."""
    disk, card = EmptyDisk(), RouterCard()
    backends = [Backend(device, packed=ring == 'packed') for device in (disk, card)]
    done = run(f'blk={backends[0].path}', f'net={backends[1].path}',
               *(['vireo.poll=1'] if wakeup == 'polled' else []))
    for backend in backends:
        backend.close()
    assert boards.drives_both(done, 'vhost-user', ring, wakeup)
    assert boards.is_written(bytes(disk.durable)) and not disk.violations + card.violations


@pytest.mark.parametrize('wakeup', ['irq', 'polled'])
def test_a_back_end_that_dies(run, wakeup):
    """Each request ends with an error, and so does the program."""
    backend = Backend(EmptyDisk(dies=40))
    done = run(f'blk={backend.path}', *(['vireo.poll=1'] if wakeup == 'polled' else []))
    backend.close()
    assert done.status == 1 and 'check: failed' in done.said
    counts = done.check('blk')[3]
    assert (counts['result'], counts['beyond']) == ('-5', '-5')
    assert 'the back-end has hung up' in done.said


def test_nobody_listens(run, folder):
    done = run(f'blk={os.path.join(folder, "nobody")}')
    assert done.passed() and 'nobody listens' in done.said and 'no disk' in done.said


def test_no_register_is_touched(builder):
    """The transports of drivers/ are not in the program: the device's registers are messages."""
    program = boards.build(builder, 'vhost-user')
    names = subprocess.run(['nm', program], capture_output=True, text=True, check=True).stdout
    assert 'vhost_bus' in names and 'virtio_mmio' not in names and 'virtio_pci' not in names
