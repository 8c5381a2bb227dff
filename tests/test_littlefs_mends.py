# SPDX-License-Identifier: BSD-2-Clause
"""Each mend of littlefs (scripts/fix-littlefs) is needed: without it a test fails. The library is
built for the host with one mend left out, and a program that shows the mend has to notice.
"""
import os
import re
import shutil
import subprocess

import pytest

from vireolib.conformance import TREE

SCRIPT = os.path.join(TREE, 'scripts', 'fix-littlefs')
WORK = os.path.join(TREE, 'build', 'mends')
COPY, HOST = os.path.join(WORK, 'littlefs'), 'build/mends/host'

# By the words that name a mend: the program and the case that fails without it.
SHOWN_BY = {
    'data of a file': 'test_littlefs_model',
    'a seek from the end': 'test_littlefs seeking_from_the_end_of_a_block',
    'a directory is read on': 'test_littlefs deleting_what_comes_next',
    'a file that was deleted': 'test_littlefs deleting_the_last_of_a_block',
    'a file system without a superblock': 'test_littlefs_disk a_superblock_of_no_blocks',
}


def mends():
    return subprocess.run([SCRIPT, '--list'], text=True, stdout=subprocess.PIPE,
                          check=True).stdout.splitlines()


def test_every_mend_has_its_test():
    found = [[key for key in SHOWN_BY if name.startswith(key)] for name in mends()]
    assert all(len(keys) == 1 for keys in found) and len(found) == len(SHOWN_BY)


def run_without(number, test):
    """What the program says with a library that lacks this mend; None: with all mends."""
    left_out = [] if number is None else ['--without', str(number)]
    subprocess.run([SCRIPT, COPY, *left_out], check=True)
    program, _, case = test.partition(' ')
    subprocess.run(['make', '-s', '-j2', '-f', 'scripts/host.mk', f'HOST={HOST}',
                    f'LITTLEFS={COPY}', f'{HOST}/{program}'], cwd=TREE, check=True,
                   stdout=subprocess.DEVNULL)
    said = subprocess.run([os.path.join(TREE, HOST, program), *([case] if case else [])],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          errors='replace')
    assert re.search(r'^\d+ passed, \d+ failed', said.stdout, re.M), said.stdout
    return said


@pytest.fixture(scope='module')
def library(builder):
    builder('build/host/test_littlefs')           # which has the source be fetched
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(os.path.join(TREE, 'build', 'littlefs'), COPY)
    return COPY


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize('number, name', list(enumerate(mends())), ids=str)
def test_a_test_fails_without(library, number, name):
    test = next(SHOWN_BY[key] for key in SHOWN_BY if name.startswith(key))
    assert run_without(number, test).returncode != 0, f'no test notices without: {name}'
    assert run_without(None, test).returncode == 0
