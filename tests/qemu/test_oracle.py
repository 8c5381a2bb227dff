# SPDX-License-Identifier: BSD-2-Clause
"""QEMU as a judge of the real image: its trace of register accesses goes through tests/oracle, and
where the rings lie by its registers agrees with what QEMU says over QMP (cells.py: agree).
"""
import pytest

import cells
import oracle
from cells import Cell

# What a fault in the drivers would bring about as a finding, by transport and wake-up.
EVERYWHERE = ('INIT-01 INIT-02 INIT-05 INIT-06 INIT-07 INIT-08 INIT-09 INIT-11 INIT-13 INIT-16 '
              'INIT-19 RST-01 CFG-01 CFG-03 FEAT-01 NOTIF-13')
MODERN = 'INIT-12 INIT-14 INIT-15 FEAT-12 CFG-02'
LEGACY = 'LEGACY-INIT-01 CFG-07 FEAT-28'
ANY_MMIO = ('MMIO-REG-12 MMIO-REG-13 MMIO-REG-14 MMIO-REG-19 MMIO-REG-20 MMIO-REG-25 MMIO-INIT-01 '
            'MMIO-INIT-02 MMIO-INIT-03 MMIO-INIT-04 MMIO-NOTIF-01 MMIO-NOTIF-03 MMIO-NOTIF-05 '
            'MMIO-NOTIF-06 INIT-23')
MMIO = ('MMIO-REG-01 MMIO-REG-02 MMIO-REG-03 MMIO-REG-04 MMIO-REG-05 MMIO-REG-15 '
        'MMIO-REG-24 MMIO-REG-27 MMIO-REG-28 MMIO-INIT-07 MMIO-INIT-10 MMIO-INIT-11 MMIO-INIT-12')
MMIO_LEGACY = ('LEGACY-MMIO-02 LEGACY-MMIO-03 LEGACY-MMIO-04 LEGACY-MMIO-05 LEGACY-MMIO-06 '
               'LEGACY-MMIO-07 LEGACY-MMIO-12 LEGACY-MMIO-15 LEGACY-MMIO-16 LEGACY-MMIO-18')
PCI = ('PCI-LAYOUT-01 PCI-CAP-08 PCI-COMMON-01 PCI-COMMON-04 PCI-COMMON-05 PCI-COMMON-06 '
       'PCI-COMMON-12 PCI-COMMON-13 PCI-COMMON-14 PCI-COMMON-17 '
       'PCI-NOTIF-01 PCI-NOTIF-03 PCI-NOTIF-05')
PCI_LEGACY = 'LEGACY-PCI-03 LEGACY-PCI-04 LEGACY-PCI-09 LEGACY-PCI-11 LEGACY-PCI-12 FEAT-29'
SPLIT, PACKED = 'SPLIT-01', 'PACK-01'
MSIX, INTX = 'PCI-ISR-01 PCI-MSIX-04 PCI-MSIX-05', 'PCI-ISR-04 PCI-ISR-06 INIT-23'

CELLS = {
    'mmio': (Cell(), EVERYWHERE, MODERN, ANY_MMIO, MMIO, SPLIT),
    'mmio-packed': (Cell(ring='packed', size=7), EVERYWHERE, MODERN, ANY_MMIO, MMIO, PACKED),
    'mmio-polled': (Cell(wakeup='polled'), EVERYWHERE, MODERN, MMIO),
    'mmio-legacy': (Cell('mmio-legacy'), EVERYWHERE, LEGACY, ANY_MMIO, MMIO_LEGACY, SPLIT),
    'mmio-legacy-hybrid': (Cell('mmio-legacy', wakeup='hybrid'), EVERYWHERE, LEGACY),
    'pci': (Cell('pci'), EVERYWHERE, MODERN, PCI, MSIX, SPLIT),
    'pci-packed-its': (Cell('pci', 'packed', gic='v3+its', size=7), EVERYWHERE, MODERN, PCI, MSIX,
                       PACKED, 'PCI-COMMON-02'),
    'pci-intx': (Cell('pci', intx=True), EVERYWHERE, MODERN, PCI, INTX),
    'pci-transitional': (Cell('pci-transitional', 'packed', wakeup='hybrid'), EVERYWHERE, MODERN,
                         PCI, PACKED),
    'pci-legacy': (Cell('pci-legacy', size=0), EVERYWHERE, LEGACY, PCI_LEGACY, MSIX),
    'pci-legacy-intx': (Cell('pci-legacy', intx=True, size=0), EVERYWHERE, LEGACY, PCI_LEGACY,
                        INTX),
}
PARAMETERS = [pytest.param(cell, id=name, marks=pytest.mark.shows(*' '.join(rows).split()))
              for name, (cell, *rows) in CELLS.items()]


def change_link(run, peer):
    """Two changes of the configuration, which the driver has to look at."""
    for up in (False, True):
        run.guest.qmp('set_link', name='n0', up=up)
        peer.serve(lambda: len(run.guest.seen('link (up|down)')) == 1 + up)


def change_size(run, peer):
    """The same for packed rings, of the disk: QEMU does not count the frames that it drops from a
    packed ring without a link, and then ends with "Virtqueue size exceeded".
    """
    for number, size in enumerate((4 * cells.HALF, 2 * cells.HALF), 1):
        run.guest.qmp('block_resize', device='d0', size=size)
        peer.serve(lambda: len(run.guest.seen('capacity is now')) == number)


def addresses(judged, run):
    """Where the rings lie: what was written into the registers is what QEMU uses."""
    for device in judged.driven():
        said = next(d for d in run.devices if d['type'] == device.type)
        for number, q in device.last_queues.items():
            wanted = said['qmp'][number]
            assert q.address('desc') == wanted['vring-desc']
            if not device.legacy:
                assert q.address('driver') == wanted['vring-avail']
                assert q.address('device') == wanted['vring-used']
            assert device.legacy or q.size == wanted['vring-num']


@pytest.mark.parametrize('cell', PARAMETERS)
def test_register_accesses(built, cell):
    change = change_size if cell.ring == 'packed' else change_link
    run = cells.run(cell, built('cell'), look=cells.agree, trace=True, meanwhile=change)
    judged = oracle.check(run.log)
    assert judged.findings == []
    driven = judged.driven()
    assert sorted(d.type for d in driven) == [1, 2]
    for device in driven:
        seen = {name for name, count in device.counts.items() if count}
        assert {'kick', 'reset', 'config', 'ready'} <= seen
        assert not cell.reads_cause() or 'cause' in seen
        assert device.is_pci or 'ack' in seen
    addresses(judged, run)
