# SPDX-License-Identifier: BSD-2-Clause
"""Drivers outside of the tree: a device type that Vireo does not know, and one that it does; and
docs/new-device.md shows the code that is tested.
"""
import os
import re

import pytest

from conftest import TREE

LONGEST = 200              # lines of the driver in docs/new-device.md, recovery included


def read(*path):
    with open(os.path.join(TREE, *path)) as f:
        return f.read()


@pytest.mark.parametrize('transport', ['mmio', 'pci'])
@pytest.mark.parametrize('wake', ['irq', 'poll'])
def test_keyboard(boot, transport, wake):
    """QEMU's keyboard, driven from tests/apps/keys: its name, and keys as they are pressed."""
    kind = 'virtio-keyboard-pci' if transport == 'pci' else 'virtio-keyboard-device'
    guest = boot('keys', net='none', transport=transport, extra=['-device', kind],
                 append='vireo.poll=1' if wake == 'poll' else '')
    guest.expect(r'^vireo: ready')
    assert guest.seen(r'keys: QEMU Virtio Keyboard'), guest.report()
    for name, code in [('a', 30), ('b', 48), ('c', 46)] * 20:
        guest.qmp('send-key', keys=[{'type': 'qcode', 'data': name}])
        guest.expect(rf'^keys: {code}$')
    guest.qmp('send-key', keys=[{'type': 'qcode', 'data': 'q'}])
    assert guest.wait() == 0


def test_device_that_is_not_there(boot):
    assert boot('newdev', net='none').wait() == 2
    assert boot('keys', net='none').wait() == 2


@pytest.mark.parametrize('transport', ['mmio', 'mmio-legacy', 'pci'])
def test_own_driver_comes_first(boot, transport):
    """The image has two drivers for the entropy device: the application's is the one in use."""
    guest = boot('ownrng', net='none', transport=transport, rng=True)
    assert guest.wait() == 0
    assert guest.seen(r'own0: '), guest.report()
    assert guest.seen(r"ownrng: 16 bytes; the tree's driver has no device"), guest.report()


def test_the_document_shows_the_tested_code():
    code = read('tests', 'apps', 'newdev', 'sum.c')
    blocks = re.findall(r'^```c\n(.*?)^```', read('docs', 'new-device.md'), re.M | re.S)
    assert len(blocks) >= 5
    for block in blocks:
        assert block in code, f'docs/new-device.md: not in sum.c:\n{block}'


def test_the_driver_is_short():
    assert read('tests', 'apps', 'newdev', 'sum.c').count('\n') < LONGEST


def test_the_tree_does_not_know_it():
    """Neither the core nor anything else names the made-up device, or the keyboard."""
    for directory in ('drivers', 'platform', 'net', 'files', 'scripts'):
        for where, _, names in os.walk(os.path.join(TREE, directory)):
            for name in names:
                if name.endswith(('.c', '.h', '.mk', '.ld')):
                    assert not re.search(r'\bSUM_ID\b|\bvkey\b|\bsum_driver\b',
                                         read(where, name)), name
