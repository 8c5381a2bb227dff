# SPDX-License-Identifier: BSD-2-Clause
"""Libraries whose copy below build/ is mended (scripts/fix-NAME): each mend has a test that fails
without it. The library is built for the host with one mend left out, and the program that shows the
mend has to notice. For test_lwip_mends.py and test_littlefs_mends.py.
"""
import os
import re
import shutil
import subprocess

from vireolib.conformance import TREE

WORK = os.path.join(TREE, 'build', 'mends')
HOST = 'build/mends/host'


class Mended:
    """A library, and by the words that name a mend: the program and the case that show it."""

    def __init__(self, name, shown_by):
        self.name = name
        self.shown_by = shown_by
        self.script = os.path.join(TREE, 'scripts', f'fix-{name}')
        self.copy = os.path.join(WORK, name)

    def names(self):
        return subprocess.run([self.script, '--list'], text=True, stdout=subprocess.PIPE,
                              check=True).stdout.splitlines()

    def all_are_shown(self):
        """Each mend has one test, and each test a mend."""
        found = [[key for key in self.shown_by if name.startswith(key)] for name in self.names()]
        return all(len(keys) == 1 for keys in found) and len(found) == len(self.shown_by)

    def begin(self):
        """A copy of the mended library, to work on."""
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(os.path.join(TREE, 'build', self.name), self.copy)

    def run_without(self, number, test):
        """What the program says with a library that lacks this mend; None: with all mends."""
        left_out = [] if number is None else ['--without', str(number)]
        subprocess.run([self.script, self.copy, *left_out], check=True)
        program, _, case = test.partition(' ')
        subprocess.run(['make', '-s', '-j2', '-f', 'scripts/host.mk', f'HOST={HOST}',
                        f'{self.name.upper()}={self.copy}', f'{HOST}/{program}'], cwd=TREE,
                       check=True, stdout=subprocess.DEVNULL)
        said = subprocess.run([os.path.join(TREE, HOST, program), *([case] if case else [])],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              errors='replace')
        assert re.search(r'^\d+ passed, \d+ failed', said.stdout, re.M), said.stdout
        return said

    def is_needed(self, number, name):
        """The test of that mend fails without it, and passes with all."""
        test = next(self.shown_by[key] for key in self.shown_by if name.startswith(key))
        assert self.run_without(number, test).returncode != 0, f'no test notices without: {name}'
        assert self.run_without(None, test).returncode == 0
