# SPDX-License-Identifier: BSD-2-Clause
"""The classes of bugs that drivers of other stacks have had. Each class has tests with its number
(tests/host/test_class_*.c), on all buses and rings that can have the bug.
"""
import os
import re
import subprocess

import pytest

CLASSES = {
    1: 'used id out of range', 2: 'used id not outstanding, or completed twice',
    3: 'used id cut to fewer bits', 4: 'used length beyond the buffer',
    5: 'used length below the header', 6: 'number of buffers 0 or too large',
    7: 'number of buffers read from a header without that field', 8: 'fewer buffers than told',
    9: 'descriptors rewritten by the device', 10: 'a word that changes between two reads',
    11: 'used index ahead of what was made available', 12: 'a failure that is not remembered',
    13: 'a device that never answers', 14: 'memory used again while the device has it',
    15: 'DMA after the end', 16: 'interrupts before the device is ready, or after its reset',
    17: 'interrupt storm', 18: 'block size', 19: 'segment limits', 20: 'numbers of queues',
    21: 'sizes of RSS tables', 22: 'a configuration that never settles', 23: 'capacity changes',
    24: 'lies in the offload header', 25: 'queue sizes', 26: 'PCI capabilities',
    27: 'offsets of doorbells', 28: 'a lost kick', 29: 'a lost interrupt',
    30: 'wrap of a packed ring', 31: 'ids and flags of a packed ring', 32: 'receive buffers lost',
    33: 'an assertion that a device can reach', 34: 'lies about features',
    35: 'a device that vanishes', 36: 'allocations of a size that the device tells',
    37: 'steps of the status', 38: 'a flush that is never sent',
    39: 'an answer taken for that of another request',
}
ALL = {'mmio-split', 'mmio-packed', 'mmio-legacy', 'pci-split', 'pci-packed', 'pci-legacy',
       'window-split', 'window-packed'}
MODERN = ALL - {'mmio-legacy', 'pci-legacy'}
PCI = {name for name in MODERN if not name.startswith('mmio')}
LINES = {name for name in ALL if not name.startswith('window')}     # buses with an interrupt
PACKED = {name for name in ALL if name.endswith('packed')}
# The variants of classes that are not possible everywhere; all others run in ALL.
ONLY = {6: MODERN, 7: MODERN, 8: MODERN, 21: MODERN,    # legacy headers have no such field
        17: LINES, 29: LINES, 26: PCI, 27: PCI, 30: PACKED, 31: PACKED}


@pytest.fixture(scope='module')
def variants(programs):
    """Number of a class -> the variants in which its cases run, without the size of the ring."""
    found = {}
    for name in sorted(os.listdir(os.path.join(programs, 'host'))):
        if not re.fullmatch(r'test_class_\w+', name):
            continue
        said = subprocess.run([os.path.join(programs, 'host', name), '--list'], text=True,
                              capture_output=True, check=True).stdout
        for number, variant in re.findall(r'^class_(\d\d)_\w+\[([\w -]+)\]:', said, re.M):
            found.setdefault(int(number), set()).add(variant.partition(' ')[0])
    return found


def test_every_class_has_tests(variants):
    assert set(variants) == set(CLASSES) == set(range(1, 40))


@pytest.mark.parametrize('number', CLASSES)
def test_on_every_bus_and_ring(variants, number):
    assert variants[number] >= ONLY.get(number, ALL), CLASSES[number]
