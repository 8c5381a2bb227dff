# SPDX-License-Identifier: BSD-2-Clause
"""drivers/ as a library for other kernels: what a linker takes of it."""
import os
import re

import pytest

from conftest import TREE
from test_layers import objects, symbols

# The public header of each driver, and the object that holds its VIRTIO_DRIVER.
DRIVERS = {'block/block.h': 'block/vblk.c', 'block/cache/bcache.h': 'block/vblk.c',
           'net/vnet.h': 'net/vnet.c', 'console/vcon.h': 'console/vcon.c',
           'entropy/vrng.h': 'entropy/vrng.c', 'vsock/vsock.h': 'vsock/vsock.c',
           'balloon/balloon.h': 'balloon/balloon.c'}


@pytest.fixture(scope='module')
def table(programs):
    found = {source: symbols(path) for source, path in objects('drivers').items()}
    assert len(found) > 50
    return found


def closure(table, name):
    """The sources that a linker takes out of an archive for one reference."""
    owner = {symbol: source for source, (defined, _) in table.items() for symbol in defined}
    taken, wanted = set(), [name]
    while wanted:
        source = owner.get(wanted.pop())
        if source and source not in taken:
            taken.add(source)
            wanted += table[source][1]
    return taken


def functions(header):
    """Those that need no pointer which another function of the header has given."""
    with open(os.path.join(TREE, 'drivers', header)) as f:
        code = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    return {name for name, first in re.findall(r'^[a-z][\w ]*[ *](\w+)\(([^,)]*)', code, re.M)
            if not re.match(r'(const )?struct \w+ \*', first)}


@pytest.mark.parametrize('header', DRIVERS)
def test_a_function_of_a_driver_links_the_driver(table, header):
    """Else the program has no device, and no word why."""
    names = functions(header)
    assert names, header
    for name in sorted(names):
        assert 'drivers/' + DRIVERS[header] in closure(table, name), name


def test_a_driver_links_the_start_and_all_buses(table):
    for source in sorted(set(DRIVERS.values())):
        taken = closure(table, os.path.basename(source)[:-2] + '_driver')
        assert {'drivers/' + source} | {'drivers/virtio/transport/' + name for name in (
            'start.c', 'mmio.c', 'vpci.c')} <= taken, source
