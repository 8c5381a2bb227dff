# SPDX-License-Identifier: BSD-2-Clause
"""kernels/README.md: each kernel has its row, with the lines and the bytes that it really has; each
folder has its page.
"""
import os
import re
import subprocess

import pytest

import boards
from conftest import TREE
from test_source import text_of, tracked

SOURCE = ('.c', '.h', '.S', '.ld', '.mk')
PAGE = text_of('kernels/README.md')
# name -> (folder of its page, lines, bytes)
ROWS = {name: (folder, int(lines), int(size)) for name, folder, lines, size in re.findall(
    r'^\| \[([\w-]+)\]\(([\w-]+)/README.md\) \|.*\| (\d+) \| (\d+) \|$', PAGE, re.M)}
# The page has the bytes of gcc 12; another compiler makes up to a fifth more or less of the same.
COMPILER, TOLERANCE, ELSEWHERE = '12', 0.01, 0.20


def own_lines(folder):
    """Lines of the source files in kernels/FOLDER."""
    return sum(text_of(name).count('\n') for name in tracked()
               if name.startswith(f'kernels/{folder}/') and name.endswith(SOURCE))


def driver_bytes(name):
    """Code, constants and initialised data that the linker took of drivers/, by the map file."""
    with open(os.path.join(TREE, 'build', 'kernels', f'{name}.map')) as f:
        text = f.read().partition('Linker script and memory map')[2]
    part = re.compile(rf'^ \.(?:text|s?rodata|s?data)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+) '
                      rf'build/kernels/{name}/drivers/', re.M)
    return sum(int(size, 16) for size in part.findall(text))


def release_of(program):
    """The number of the compiler's release."""
    said = subprocess.run([program, '-dumpversion'], capture_output=True, text=True)
    return said.stdout.strip().split('.')[0]


def test_each_kernel_has_a_row():
    named = [word for path in tracked() if re.fullmatch(r'kernels/[^/]+/kernel.mk', path)
             for word in re.search(r'^KERNELS \+= (.*)$', text_of(path), re.M)[1].split()]
    assert sorted(named) == sorted(ROWS)


def test_each_folder_has_a_page():
    folders = {path.split('/')[1] for path in tracked() if path.count('/') > 1
               and path.startswith('kernels/')} - {'common'}
    assert folders == {folder for folder, _, _ in ROWS.values()}
    for folder in folders:
        page = text_of(f'kernels/{folder}/README.md')
        missing = [name for name in re.findall(r'^\| `([\w.]+)`', page, re.M)
                   if not os.path.exists(os.path.join(TREE, 'kernels', folder, name))]
        assert page.startswith('# ') and not missing, missing


@pytest.mark.parametrize('name', ROWS)
def test_lines(name):
    folder, lines, _ = ROWS[name]
    assert lines == own_lines(folder)


def test_lines_of_what_is_shared():
    assert int(re.search(r'the shared part has (\d+) more', PAGE)[1]) == own_lines('common')


@pytest.mark.parametrize('name', ROWS)
def test_bytes(builder, name):
    boards.build(builder, name)
    there = driver_bytes(name)
    tolerance = TOLERANCE if release_of(boards.compiler(name)) == COMPILER else ELSEWHERE
    assert there == pytest.approx(ROWS[name][2], rel=tolerance), f'{there} bytes of drivers/'
