# SPDX-License-Identifier: BSD-2-Clause
"""The files of drivers/pci call one another in one direction, as the linker sees it: each refers to
symbols of those alone that the list in bridge.h has above it.
"""
import os
import re
import subprocess

import pytest

from conftest import TREE, run_make
from test_source import text_of

FOLDER = 'drivers/pci/'
LISTED = re.findall(r'^ \*   (\w+\.c)  ', text_of(FOLDER + 'bridge.h'), re.M)


@pytest.fixture(scope='module')
def symbols():
    """file -> (the symbols that it defines for others, those that it wants), of the host's build"""
    objects = [f'build/host/obj/{FOLDER}{name}.o' for name in LISTED]
    made = run_make('-s', '-f', 'scripts/host.mk', *objects)
    assert made.returncode == 0, made.stderr
    table = {}
    for name, path in zip(LISTED, objects):
        lines = subprocess.run(['nm', '-P', os.path.join(TREE, path)], text=True, check=True,
                               capture_output=True).stdout.splitlines()
        kinds = [line.split()[:2] for line in lines]
        table[name] = ({symbol for symbol, kind in kinds if kind in 'TDBR'},
                       {symbol for symbol, kind in kinds if kind == 'U'})
    return table


def test_the_list_is_complete():
    assert sorted(LISTED) == sorted(n for n in os.listdir(os.path.join(TREE, FOLDER))
                                    if n.endswith('.c'))


@pytest.mark.parametrize('name', LISTED)
def test_calls_go_up_the_list_only(symbols, name):
    wanted = symbols[name][1]
    wrong = {later: sorted(wanted & symbols[later][0])
             for later in LISTED[LISTED.index(name) + 1:] if wanted & symbols[later][0]}
    assert not wrong


def test_the_files_do_call_one_another(symbols):
    assert symbols['hotplug.c'][1] & symbols['scan.c'][0]
