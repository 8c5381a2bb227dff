# SPDX-License-Identifier: BSD-2-Clause
"""spread.py: tests of several files in two processes, in a run of its own."""
import os
import re
import subprocess
import sys

from conftest import TREE

CONFTEST = f'''
import os, sys
sys.path[:0] = [{os.path.join(TREE, "tests")!r}]

def pytest_configure(config):
    if not hasattr(config, 'workerinput'):
        from spread import Spread
        config.pluginmanager.register(Spread())

def pytest_runtest_setup(item):
    with open('ran', 'a') as f:
        f.write(os.environ['PYTEST_XDIST_WORKER'] + ' ' + item.nodeid + chr(10))
'''
# Each of the first two waits until the other has begun, and so is in another process.
MEET = '''
import os, time

def test_begin():
    open({own!r}, 'w').close()
    end = time.monotonic() + 200
    while not os.path.exists({other!r}):
        assert time.monotonic() < end
        os.sched_yield()

def test_more():
    pass

def test_last():
    pass
'''
MANY = '''
import pytest

@pytest.mark.parametrize('n', range(20))
def test_one(n):
    assert n != 13
'''


def test_files_stay_together_and_the_rest_is_shared(tmp_path):
    for name, content in (('conftest.py', CONFTEST), ('test_host.py', MANY),
                          ('deep/test_a.py', MEET.format(own='a', other='b')),
                          ('deep/test_b.py', MEET.format(own='b', other='a')),
                          ('test_c.py', 'def test_c():\n    pass\n')):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    env = {k: v for k, v in os.environ.items() if not k.startswith('PYTEST')}
    done = subprocess.run([sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider',
                           '-n', '2', '.'], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.search(r'^1 failed, 26 passed in ', done.stdout, re.M), done.stdout + done.stderr
    ran = [line.split() for line in (tmp_path / 'ran').read_text().splitlines()]
    assert len({test for _, test in ran}) == len(ran) == 27
    by_process = {process: [test for p, test in ran if p == process] for process, _ in ran}
    assert len(by_process) == 2
    for tests in by_process.values():
        files = [test.partition('::')[0] for test in tests]
        assert files == sorted(files, key=lambda f: (f == 'test_host.py', '/' not in f))
        assert re.search('test_(begin.*test_more.*test_last)', ' '.join(tests[:3]))
        assert len({f for f in files if f.startswith('deep/')}) == 1
