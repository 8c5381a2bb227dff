# SPDX-License-Identifier: BSD-2-Clause
"""tap_marks.py: tests of taps, where the right to make one is missing, in a run of their own."""
import os
import subprocess
import sys

import pytest

from conftest import TREE

CONFTEST = f'''
import sys
sys.path[:0] = [{os.path.join(TREE, "scripts")!r}, {os.path.join(TREE, "tests")!r}]
from tap_marks import TapMarks
from vireolib import relay
relay.possible = lambda: 'MAY' in __import__('os').environ

def pytest_addoption(parser):
    parser.addoption('--full', action='store_true')
    parser.addoption('--shows')

def pytest_configure(config):
    config.pluginmanager.register(TapMarks(config))
'''
TESTS = '''
import pytest

@pytest.mark.tap
def test_of_a_tap():
    pass

def test_of_another_kind():
    pass
'''


@pytest.mark.parametrize('words, may, status, says', [
    (['.'], False, 0, ['1 passed, 1 deselected', '1 tests did not run, since a tap',
                       'run as root']),
    (['.', '-n', '2'], False, 0, ['1 passed', '1 tests did not run, since a tap']),
    (['.', '--full'], False, 1, ['1 failed, 1 passed', 'run as root']),
    (['test_it.py'], False, 1, ['1 failed, 1 passed', 'run as root']),
    (['test_it.py::test_of_a_tap'], False, 1, ['1 failed', 'run as root']),
    (['.'], True, 0, ['2 passed']),
    (['.', '--full'], True, 0, ['2 passed'])])
def test_who_may_not_make_a_tap(tmp_path, words, may, status, says):
    (tmp_path / 'conftest.py').write_text(CONFTEST)
    (tmp_path / 'test_it.py').write_text(TESTS)
    env = {k: v for k, v in os.environ.items() if not k.startswith('PYTEST')}
    done = subprocess.run([sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', *words],
                          cwd=tmp_path, env={**env, **({'MAY': '1'} if may else {})},
                          capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    assert all(text in done.stdout for text in says), done.stdout
    assert 'skipped' not in done.stdout
