# SPDX-License-Identifier: BSD-2-Clause
"""What is idle costs nothing: a wake-up takes as many instructions with twenty disks and four cards
attached as with one disk.
"""
import re

import pytest

FEW = 12           # instructions: of the handler's way to the line, and of the heap of deadlines


def devices(bus, disks, cards):
    args = []
    for n in range(disks):
        args += ['-drive', f'if=none,id=x{n},driver=null-co,size=65536,read-zeroes=on',
                 '-device', f'virtio-blk-{bus},drive=x{n}']
    for n in range(cards):
        args += ['-netdev', f'user,id=h{n}', '-device', f'virtio-net-{bus},netdev=h{n}']
    return args


@pytest.mark.parametrize('transport', ['mmio', 'pci'])
def test_idle_devices(boot, transport):
    costs = []
    for disks, cards in ((1, 0), (20, 4)):
        bus = 'device' if transport == 'mmio' else 'pci'
        guest = boot('wakecost', transport=transport, net='none', mem='128', icount='shift=0',
                     extra=devices(bus, disks, cards))
        assert guest.wait(60) == 0
        found = re.search(r'^cost devices=(\d+) timer=(\d+) disk=(\d+)', guest.text, re.M)
        assert int(found[1]) == disks + cards
        costs.append((int(found[2]), int(found[3])))
    (timer, disk), (timer_many, disk_many) = costs
    assert timer_many <= timer + FEW, costs
    # Whether the disk answers before the CPU sleeps depends on the host, in most rounds or few.
    assert disk_many <= disk + 20 * FEW, costs
