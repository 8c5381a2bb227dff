# SPDX-License-Identifier: BSD-2-Clause
"""A network card that comes back, when its rings were spoilt in the guest's memory until QEMU
wanted a reset: connections live on.
"""
import itertools

import pytest

from vireolib import soak_machine

QUICK = [('mmio', 'packed', 'receive'), ('pci', 'split', 'transmit')]
ALL = [pytest.param(*cell, marks=() if cell in QUICK else pytest.mark.full) for cell in
       itertools.product(('mmio', 'pci'), ('split', 'packed'), ('receive', 'transmit'))]


@pytest.mark.parametrize('transport, ring, queue', ALL)
def test_a_card_that_needs_a_reset(boot, rig, transport, ring, queue):
    """The card is reset, and open connections live on."""
    boot.qemu_may_say(*soak_machine.SAID)
    r = rig(transport=transport, ring=ring)
    with r.visiting() as visitors:
        r.guest.until(lambda: visitors.total('answers') > 5, 'answers')
        assert r.faults.spoil('net0', ('receive', 'transmit').index(queue))
        r.guest.until(lambda: r.device('vnet0')['recoveries'] > 0, 'recovery', 20)
        r.all_is_well(visitors)


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.parametrize('transport', ['mmio', 'pci'])
def test_many_resets(boot, rig, transport):
    """20 resets in a row are allowed: the pauses before a try grow, connections live."""
    boot.qemu_may_say(*soak_machine.SAID)
    r = rig(transport=transport, append='vireo.resets=20')
    with r.visiting() as visitors:
        for n in range(6):
            for name, where in (('dev-raw', 'raw'), ('net0', 'vnet0'), ('dev-posix', 'posix')):
                before = r.device(where)['recoveries']
                assert r.faults.spoil(name, n % 2 if name == 'net0' else 0)
                r.guest.until(lambda: r.device(where)['recoveries'] > before, 'recovery', 20)
                r.goes_on()
        r.all_is_well(visitors)
