# SPDX-License-Identifier: BSD-2-Clause
"""Faults in QEMU's own devices while an image works on them (tests/apps/soak): disks that fail and
change their size, a cable that is pulled, a machine that is reset. In each, what was acknowledged
is there, and every page is right. test_recovery.py has what costs a device its state.
"""
import re

import pytest

BOTH = [('mmio', 'split'), pytest.param('pci', 'packed', marks=pytest.mark.full)]


# ---- disks that fail -----------------------------------------------------------------------------

def stands(r, name):
    """Waits until that disk fails again and again and has no round acknowledged; its rounds."""
    seen = r.disks()[name]

    def still():
        nonlocal seen
        now = r.disks()[name]
        if now['rounds'] != seen['rounds']:
            seen = now
        return now['errors'] >= seen['errors'] + 4

    r.guest.until(still, f'failing round on {name}', 20)
    return r.disks()[name]['rounds']


@pytest.mark.parametrize('transport, ring', BOTH)
def test_a_sector_that_cannot_be_written(rig, transport, ring):
    """The request that holds it fails, and no other; once it can be written, its round goes on."""
    r = rig(transport=transport, ring=ring)
    bad = {name: r.faults.fail(name, {'iotype': 'write', 'errno': 5, 'sector': 8 * 100 + 3})
           for name in ('posix', 'raw')}
    for name, node in bad.items():
        rounds = stands(r, name)
        assert stands(r, name) == rounds
        r.faults.heal(name, node)
    assert {line.split()[3] for line in r.guest.seen('^soak: raw: unit .* failed')} == {'100'}
    r.all_is_well()


@pytest.mark.parametrize('errno', [5, pytest.param(28, marks=pytest.mark.full)])
def test_a_sector_that_cannot_be_read(rig, errno):
    r = rig()
    bad = {name: r.faults.fail(name, {'iotype': 'read', 'errno': errno, 'sector': 8 * 77})
           for name in ('posix', 'raw')}
    for name in bad:
        stands(r, name)
    assert {line.split()[3] for line in r.guest.seen('^soak: raw: unit .* failed')} == {'77'}
    for name, node in bad.items():
        r.faults.heal(name, node)
    r.all_is_well()


def test_a_flush_that_fails_acknowledges_nothing(rig):
    """Six of them fail: each is told, once."""
    r = rig()
    for name in ('posix', 'raw'):
        node = r.faults.fail(name, *[{'iotype': 'flush', 'errno': 5, 'once': True}] * 6)
        r.guest.until(lambda name=name: r.disks()[name]['errors'] >= 6, f'errors of {name}')
        r.goes_on(name)
        assert r.disks()[name]['errors'] == 6
        r.faults.heal(name, node)
    r.all_is_well()


@pytest.mark.parametrize('transport, ring', BOTH)
def test_a_machine_that_is_reset_under_load(rig, transport, ring):
    """Flushed data is there afterwards; each other unit is whole or absent."""
    r = rig(transport=transport, ring=ring)
    r.guest.qmp('set-action', reboot='reset')
    for _ in range(2):
        r.goes_on()
        before = r.disks()
        r.guest.qmp('system_reset')
        r.forget_connection()
        r.guest.expect('^soak: disks=2')
        r.ready()
        for name, disk in r.disks().items():
            found = int(re.search(r'(\d+) rounds before', r.guest.seen(f'^soak: {name}: ')[-1])[1])
            assert disk['bad'] == 0 and found >= before[name]['rounds']
    r.all_is_well()


# ---- disks that change their size ----------------------------------------------------------------

@pytest.mark.parametrize('transport, ring', BOTH)
def test_a_disk_that_grows_and_shrinks_under_load(rig, transport, ring):
    r = rig(transport=transport, ring=ring)
    size = 4 << 20
    with r.visiting() as visitors:
        for factor in (3, 1, 2, 1):
            for name in ('posix', 'raw'):
                r.faults.resize(name, factor * size)
            r.guest.until(lambda f=factor: all(r.device(n)['block']['bytes'] == f * size
                                               for n in ('posix', 'raw')), 'new size')
            r.goes_on()
        r.all_is_well(visitors)


def test_a_disk_that_shrinks_below_its_data(rig):
    """Reads and writes beyond the end fail and no other; what was there before the end is right."""
    r = rig(disks=('raw',))
    r.goes_on()
    r.faults.resize('raw', 2 << 20)
    stands(r, 'raw')
    failed = {int(line.split()[3]) for line in r.guest.seen('^soak: raw: unit .* failed')}
    assert failed and min(failed) >= 512
    r.faults.resize('raw', 4 << 20)
    r.guest.until(lambda: r.device('raw')['block']['bytes'] == 4 << 20, 'size as before')
    assert r.guest.alive()


# ---- the network ---------------------------------------------------------------------------------

@pytest.mark.parametrize('transport', [pytest.param('mmio', marks=pytest.mark.full), 'pci'])
def test_a_cable_that_is_pulled_under_load(rig, transport):
    """Connections live: what was lost meanwhile is sent again."""
    r = rig(transport=transport)
    with r.visiting() as visitors:
        for _ in range(2):
            r.guest.until(lambda: visitors.total('answers') > 20, 'answers')
            r.faults.link(False)
            r.guest.expect('vnet0: link down')
            r.faults.hold(0.5)
            r.faults.link(True)
            r.guest.expect('vnet0: link up')
        r.all_is_well(visitors)


def test_a_machine_that_is_announced(rig):
    """QEMU's own announcement, as after a migration: the card does not mind."""
    r = rig()
    with r.visiting() as visitors:
        r.faults.announce()
        r.all_is_well(visitors)
