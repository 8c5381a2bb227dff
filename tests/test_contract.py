# SPDX-License-Identifier: BSD-2-Clause
"""What drivers/hal.h promises to a port: which functions which drivers refer to, messages that are
left out at compile time, options that only the port names, and the version.
"""
import os
import re
import subprocess

import pytest

from conftest import TREE
from test_source import text_of, tracked

HAL = 'drivers/hal.h'


# ---- messages ----

def messages(name):
    """(level, the beginning of the text) of the messages of a file whose level is a constant."""
    for level, text in re.findall(r'hal_log\(\s*(HAL_[A-Z]+),[^"]*?"([^"\\%]{8,})', text_of(name)):
        yield level, text.encode()


LEVELS = ['HAL_ERROR', 'HAL_WARN', 'HAL_INFO', 'HAL_DEBUG']
TALKATIVE = ['drivers/virtio/recover.c', 'drivers/virtio/wakeup.c', 'drivers/block/vblk.c',
             'drivers/net/vnet.c']


@pytest.mark.parametrize('last', [-1, 1, 3])
def test_messages_of_higher_levels_are_not_compiled(tmp_path, last):
    seen = set()
    for name in TALKATIVE:
        out = tmp_path / 'object.o'
        subprocess.run(['gcc', '-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-ffreestanding',
                        '-Iplatform/host', '-Idrivers', '-c', name, '-o', out,
                        f'-DHAL_LOG_LEVEL={LEVELS[last] if last >= 0 else -1}'],
                       cwd=TREE, check=True)
        data = out.read_bytes()
        for level, text in messages(name):
            assert (text in data) == (LEVELS.index(level) <= last), (name, level, text)
            seen.add(level)
    assert seen >= {'HAL_ERROR', 'HAL_WARN', 'HAL_INFO'}


# ---- options ----

def test_drivers_name_no_boot_argument():
    """The port says how options are named: HAL_OPTION of its hal_arch.h."""
    found = [f'{name}: {match[0]}' for name in tracked() if name.startswith('drivers/')
             for match in re.finditer(r'\bvireo\.(?!h\b)[a-z<%]\S*', text_of(name))]
    assert not found, found
    assert all('HAL_OPTION "vireo.%s.%s"' in text_of(f'platform/{where}/hal_arch.h')
               for where in ('arch/aarch64', 'arch/arm', 'host'))


# ---- functions ----

def named_sets():
    """The table at the head of hal.h: [(the folders of a set, the functions that it adds)]"""
    table = re.search(r'by the folders that are linked:\n \*\n(.*?)\n \*\n', text_of(HAL), re.S)[1]
    sets = []
    for line in table.splitlines():
        if line.startswith(' *   ') and line.endswith(':'):
            sets.append((re.findall(r'[a-z]+/(?:[\w*]+\.c)?', line), set()))
        elif line.split() != ['*', 'nothing']:
            sets[-1][1].update(line.split()[1:])
    return sets


def referred_to(folder, objects):
    """The functions of the HAL that objects of the folder, or of its pattern of files, refer to."""
    if folder == 'virtio/':
        found = [o for o in objects if re.match(r'virtio/(ring/)?\w+\.c', o)]
        found += ['virtio/transport/buses.c', 'virtio/transport/start.c']
    elif folder.endswith('.c'):
        found = [o for o in objects
                 if re.fullmatch('virtio/' + folder.replace('*', r'\w*'), o)]
    else:
        found = [o for o in objects if o.startswith(folder)]
    assert found, folder
    out = subprocess.run(['nm', '-u', *(objects[o] for o in found)], text=True, check=True,
                         capture_output=True).stdout
    return set(re.findall(r'\bhal_\w+', out))


def test_the_table_of_functions(builder):
    """Each set adds exactly the functions that hal.h says: symbols of the objects for AArch64."""
    top = os.path.join(TREE, 'build', 'check', 'aarch64', 'drivers')
    builder('build/check/aarch64')
    objects = {os.path.relpath(os.path.join(where, name), top)[:-2]: os.path.join(where, name)
               for where, _, names in os.walk(top) for name in names if name.endswith('.c.o')
               and f'drivers/{os.path.relpath(os.path.join(where, name), top)[:-2]}' in tracked()}
    known, sets = set(), named_sets()
    assert len(sets) == 5
    for folders, adds in sets:
        refers = set().union(*(referred_to(folder, objects) for folder in folders))
        assert refers - known == adds, folders
        known |= adds
    declared = set(re.findall(r'^(?!static inline)[a-z][\w *]*?\b(hal_\w+)\(', text_of(HAL), re.M))
    assert declared - known == {'hal_dma_map', 'hal_dma_unmap'}


# ---- the version ----

def test_the_version_of_the_drivers():
    numbers = [int(n) for n in re.findall(r'#define VIREO_VERSION_(?:MAJOR|MINOR|PATCH) +(\d+)',
                                          text_of('drivers/vireo_version.h'))]
    version = [int(n) for n in text_of('VERSION').strip().split('.')]
    assert numbers == version + [0] * (3 - len(version))


def test_stable_headers_exist():
    names = re.findall(r'[\w/]+\.h', text_of('drivers/vireo_version.h').partition('*/')[2]
                       .partition('#ifndef')[0])
    assert len(names) > 10
    missing = [n for n in names if not os.path.exists(os.path.join(TREE, 'drivers', n))]
    assert not missing


@pytest.mark.parametrize('order, works', [('LITTLE', True), ('BIG', False)])
def test_byte_order(tmp_path, order, works):
    source = tmp_path / 'order.c'
    source.write_text('#include "hal.h"\n')
    said = subprocess.run(['gcc', '-U__BYTE_ORDER__', f'-D__BYTE_ORDER__=__ORDER_{order}_ENDIAN__',
                           '-fsyntax-only', '-Iplatform/host', '-Idrivers', str(source)], cwd=TREE,
                          capture_output=True, text=True)
    assert (said.returncode == 0) == works
    assert ('little-endian CPUs' in said.stderr) != works
