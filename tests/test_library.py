# SPDX-License-Identifier: BSD-2-Clause
"""drivers/ as a library for other kernels: what a linker takes of it."""
import os
import re
import subprocess
import sys

import pytest

from conftest import TREE
from test_layers import objects, symbols
from test_source import text_of, tracked

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


# ---- one file ----

def amalgamate(tmp_path, part, name='x'):
    folder = tmp_path / name
    result = subprocess.run([sys.executable, os.path.join(TREE, 'scripts', 'amalgamate'), part,
                             str(folder)], cwd=str(tmp_path), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert f'amalgamation: part={part} ' in result.stdout
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize('part', ['all', 'blk', 'net'])
def test_the_one_file_is_made_of_all_files_of_its_part(tmp_path, part):
    made = amalgamate(tmp_path, part)
    assert made == amalgamate(tmp_path, part, 'again')
    assert sorted(made) == ['CMakeLists.txt', 'vireo-drivers.c', 'vireo-drivers.h',
                            'vireo-drivers.pc']
    inside = set(re.findall(r'^/\* ---- (\S+\.[ch]) ---- \*/$',
                            made['vireo-drivers.c'] + made['vireo-drivers.h'], re.M))
    others = {'all': '$', 'blk': 'net|console|entropy|vsock|balloon|block/cache',
              'net': 'block|console|entropy|vsock|balloon'}[part]
    expected = {name[len('drivers/'):] for name in tracked() if re.match(
        r'drivers/.*\.[ch]$', name) and not re.match(f'drivers/({others})/', name)}
    # A header that no source of the part includes, as vblk.h for net, is not in it.
    assert inside <= expected and not [n for n in expected - inside if n.endswith('.c')]
    assert not re.findall(r'^#include "(?!hal_arch\.h|vireo-drivers\.h)', made['vireo-drivers.c'] +
                          made['vireo-drivers.h'], re.M)


def test_a_part_that_does_not_exist(tmp_path):
    result = subprocess.run([sys.executable, os.path.join(TREE, 'scripts', 'amalgamate'), 'disk'],
                            cwd=str(tmp_path), capture_output=True, text=True)
    assert result.returncode and 'usage: amalgamate [all|blk|net] [FOLDER]' in result.stderr
    assert not list(tmp_path.iterdir())


# ---- hal.h ----

def test_a_kernel_may_leave_all_of_hal_to_the_defaults_but_its_clock():
    prototypes = set(re.findall(r'^(?!static)[a-z][\w ]*[ *](hal_\w+)\(', re.sub(
        r'/\*.*?\*/', '', text_of('drivers/hal.h'), flags=re.S), re.M))
    defaults = set(re.findall(r'^HAL_WEAK [\w ]*[ *(](hal_\w+)\)?\(', ''.join(
        text_of(f'drivers/{name}.c') for name in ('hal_defaults', 'hal_arena', 'hal_services')),
        re.M))
    assert len(prototypes) > 25
    assert prototypes - defaults == {'hal_now_ns', 'hal_dma_map', 'hal_dma_unmap'}
    assert not defaults - prototypes
