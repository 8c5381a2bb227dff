# SPDX-License-Identifier: BSD-2-Clause
"""The memory balloon: what the host asks for, it gets, page by page, down to the image's floor."""
import pytest

TRANSPORTS = ('mmio', 'mmio-legacy', 'pci', 'pci-legacy')
MIB = 1 << 20


def actual(guest):
    """The image's memory as QEMU reckons it: all, less what the balloon holds."""
    return guest.qmp('query-balloon')['actual'] // MIB


def set_memory(guest, mib):
    guest.qmp('balloon', value=mib * MIB)


def lent(guest):
    """Waits until the image has seen that the host has memory. It looks now and then: before that,
    the memory must not be asked back."""
    guest.until(lambda: guest.seen(r'^lent: [1-9]'), 'look that finds lent memory', 20)


def checks(guest):
    """The image ends, and QEMU with it, as soon as it sees that it has all of its memory."""
    match = guest.expect(r'^checks: passed=(\d+) failed=(\d+)')
    assert (int(match[1]) > 0, int(match[2])) == (True, 0), guest.report()
    assert guest.wait() == 0


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('wake', ['irq', 'poll'])
def test_in_and_out(boot, transport, wake):
    guest = boot('balloon', transport=transport, net='none', balloon=True,
                 append='end=0 use=4' + ' vireo.poll=1' * (wake == 'poll'))
    guest.expect(r'^vireo: ready')
    for mib in (40, 63, 24, 32):
        set_memory(guest, mib)
        guest.until(lambda: actual(guest) == mib, f'{mib} MiB', 20)
    guest.expect(rf'^lent: {32 * 256} of {32 * 256} pages, \d+ KiB free, {32 * 1024} KiB lent')
    set_memory(guest, 64)
    checks(guest)


@pytest.mark.parametrize('argument, left', [('', 8), (' vireo.balloon0.floor=20', 20)])
def test_floor(boot, argument, left):
    """The host asks for everything; the image goes on, and works."""
    guest = boot('balloon', net='none', balloon=True, append='end=0 use=4' + argument)
    guest.expect(rf'^floor: {left} MiB')
    set_memory(guest, 1)
    guest.expect(r'balloon0: warning: the host wants 63 MiB, and has \d+: the rest stays')
    lent(guest)
    assert left <= actual(guest) <= left + 6        # with the image and what it uses just then
    set_memory(guest, 64)
    checks(guest)


def test_statistics(boot):
    guest = boot('balloon', net='none', balloon=True, append='end=0')
    guest.expect(r'^vireo: ready')
    path = '/machine/peripheral/balloon'
    guest.qmp('qom-set', path=path, property='guest-stats-polling-interval', value=1)

    def stats():
        return guest.qmp('qom-get', path=path, property='guest-stats')

    guest.until(lambda: stats()['last-update'], 'statistics', 10)
    told = stats()['stats']
    assert told['stat-total-memory'] == 64 * MIB
    free, available = told['stat-free-memory'], told['stat-available-memory']
    assert 50 * MIB < free < 64 * MIB and available == free - 8 * MIB
    before = stats()['last-update']
    set_memory(guest, 44)
    guest.until(lambda: actual(guest) == 44, '44 MiB', 20)
    lent(guest)
    guest.until(lambda: stats()['last-update'] > before + 1, 'later statistics', 10)
    assert stats()['stats']['stat-free-memory'] <= free - 20 * MIB + 65536
    set_memory(guest, 64)
    checks(guest)


def test_no_balloon(boot):
    guest = boot('balloon', net='none')
    guest.expect(r'check: FAIL there is a balloon')
    assert guest.wait() == 1
