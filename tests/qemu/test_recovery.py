# SPDX-License-Identifier: BSD-2-Clause
"""Disks that come back: QEMU's own, whose requests pass their deadline or whose rings are spoilt
in the guest's memory until QEMU wants a reset, while an image works on them (tests/apps/soak). The
work goes on, connections live, and what was acknowledged is there.
"""
import time

import pytest

from vireolib import soak_machine

SHORT = 'vireo.timeout_ms=400'
BOTH = [pytest.param('mmio', 'split', marks=pytest.mark.full), ('pci', 'packed')]


# ---- disks that are slow, and a machine that stands still ----------------------------------------

@pytest.mark.parametrize('transport, ring', BOTH)
def test_a_disk_that_crawls_and_recovers(rig, transport, ring):
    """One request a second where the deadline is 0.4: the device is reset, what it had goes out
    again, and no write that was acknowledged is lost."""
    r = rig(transport=transport, ring=ring, append=SHORT)
    with r.visiting() as visitors:
        for name in ('raw', 'posix'):
            r.faults.throttle(name, 1)
            r.guest.until(lambda name=name: r.device(name)['resets'] > 0, f'reset of {name}', 20)
            r.faults.throttle(name, 0)
            r.goes_on(name)
        r.all_is_well(visitors)


def test_a_reset_ends_what_was_out(rig):
    """As soon as the disk works again it is fast, and what it had before the reset does not come
    back: QEMU 7.2 completes requests of a queue that was reset alone in the ring that is new."""
    r = rig(append=SHORT, disks=('raw',))
    for _ in range(3):
        r.faults.throttle('raw', 1)
        r.guest.expect('not completed in time')
        r.guest.expect('works again')
        r.faults.throttle('raw', 0)
        r.goes_on()
    causes = r.guest.seen('error: ')
    assert all('not completed in time' in line for line in causes), causes
    r.all_is_well()


def test_the_disk_that_serves_crawls(rig):
    r = rig(append=SHORT)
    with r.visiting() as visitors:
        r.guest.until(lambda: visitors.total('answers') > 5, 'answers')
        r.faults.throttle('site', 1)
        r.guest.expect('a request was not completed in time')    # the server waits for its disk
        r.faults.throttle('site', 0)
        r.all_is_well(visitors)


@pytest.mark.parametrize('transport', [pytest.param('mmio', marks=pytest.mark.full), 'pci'])
def test_a_machine_that_stood_still(rig, transport):
    """Three times as long as a request may take. The counter that deadlines are measured by stands
    still as well, so none passes: no reset, no error."""
    r = rig(transport=transport, append='vireo.timeout_ms=1500')
    with r.visiting() as visitors:
        r.faults.throttle('raw', 200)            # so that requests are out
        r.goes_on('posix')
        resets, begun = r.device('raw')['resets'], time.monotonic()
        before = r.status()['uptime_ms']
        r.faults.pause()
        r.faults.hold(4.5)
        r.faults.go_on()
        passed = r.status()['uptime_ms'] - before
        assert passed <= (time.monotonic() - begun - 4.5) * 1000
        r.faults.throttle('raw', 0)
        assert r.device('raw')['resets'] == resets
        r.all_is_well(visitors)
        assert not r.guest.seen('error')


@pytest.mark.parametrize('transport', ['mmio', pytest.param('pci', marks=pytest.mark.full)])
def test_a_disk_that_needs_a_reset(boot, rig, transport):
    """Disks used past the cache and through it, and the disk that serves pages. Split rings only:
    QEMU 7.2 itself may loop for ever over a bad request in a packed ring (virtio_blk_handle_vq)."""
    boot.qemu_may_say(*soak_machine.SAID)
    r = rig(transport=transport)
    with r.visiting() as visitors:
        r.guest.until(lambda: visitors.total('answers') > 5, 'answers')
        for name in ('raw', 'posix', 'site'):
            assert r.faults.spoil('dev-' + name, 0)
            r.guest.until(lambda name=name: r.device(name)['recoveries'] > 0, 'recovery', 20)
        r.all_is_well(visitors)
