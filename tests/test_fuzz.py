# SPDX-License-Identifier: BSD-2-Clause
"""The fuzz targets: every seed, every input that was a finding once, and one second of new inputs.
`make fuzz` runs them for longer."""
import os
import subprocess
import sys

import pytest

from conftest import TREE

sys.path.insert(0, os.path.join(TREE, 'scripts'))

from vireolib import fuzz                  # noqa: E402


def test_each_target_has_seeds():
    """And an entry in ABOUT, the files whose lines `make fuzz` counts."""
    assert set(fuzz.targets()) == set(fuzz.ABOUT)
    for name in fuzz.targets():
        folder = os.path.join(TREE, fuzz.SOURCES, 'corpus', name)
        assert os.listdir(folder), name
    for kind in ('corpus', 'regressions'):
        assert set(os.listdir(os.path.join(TREE, fuzz.SOURCES, kind))) <= set(fuzz.targets())


@pytest.mark.parametrize('name', fuzz.targets())
def test_target(builder, name, tmp_path):
    builder(os.path.join(fuzz.BUILD, name))
    result = fuzz.run(name, 1, str(tmp_path / 'grown'), str(tmp_path / 'findings'))
    assert not result.findings, result.says
    assert result.executions > 0, result.says


@pytest.mark.parametrize('args, words', [
    (('--time', 'x'), 'write seconds'), (('--time', '0'), 'write seconds'),
    (('--jobs', '-1'), 'at a time'), (('(',), 'no regular expression'), (('nosuch',), 'split')])
def test_mistakes(args, words):
    result = subprocess.run([sys.executable, os.path.join(TREE, 'scripts', 'fuzz'), *args],
                            capture_output=True, text=True)
    assert result.returncode == 2 and words in result.stderr
