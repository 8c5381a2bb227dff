# SPDX-License-Identifier: BSD-2-Clause
"""The mutants' table fits the tree, and the machinery of `make mutants` notices what it must."""
import os
import subprocess
import sys

import pytest

from conftest import TREE
from vireolib import mutants as m


def test_every_mutant_fits_the_tree():
    m.check_table(m.read_table())


def test_mutants_name_tests_that_exist():
    programs = m.host_programs()
    for mutant in m.read_table():
        assert mutant.tests, mutant.name
        for test in mutant.tests:
            path = test.partition('::')[0]
            assert test.removeprefix('tsan/') in programs or \
                os.path.isfile(os.path.join(TREE, path)), f'{mutant.name}: {test}'


@pytest.mark.parametrize('regex, words', [('(', 'no regular expression'), ('nosuch', 'areas are')])
def test_mistakes(regex, words):
    result = subprocess.run([sys.executable, os.path.join(TREE, 'scripts', 'mutants'), regex],
                            capture_output=True, text=True)
    assert result.returncode == 2 and words in result.stderr


def test_names_begin_with_the_area():
    for mutant in m.read_table():
        area = mutant.name.partition(': ')[0]
        assert os.path.isfile(os.path.join(m.TABLES, area + '.toml')), mutant.name


@pytest.mark.parametrize('old, new, words', [('b', 'x', '2 times'), ('q', 'x', '0 times'),
                                             ('a', 'a', 'changes nothing')])
def test_a_text_that_does_not_fit(old, new, words):
    with pytest.raises(m.Wrong, match=words):
        m.mutate(m.Mutant('area: name', 'file', old, new), 'abb')
    assert m.mutate(m.Mutant('area: name', 'file', 'a', 'c'), 'abb') == 'cbb'


def program(tmp_path, text):
    path = tmp_path / 'test_it'
    path.write_text('#!/bin/sh\n' + text)
    path.chmod(0o755)
    return m.first_failure(str(path), 'test_it')


def test_the_first_failure_ends_a_program(tmp_path):
    """It is not waited for, however long it would go on."""
    assert program(tmp_path, 'echo "ok a"; echo "FAIL b: why"; exec sleep 1000') == 'test_it: b'
    assert program(tmp_path, 'echo "ok a"; exit 3') == 'test_it (status 3)'
    assert program(tmp_path, 'echo "ok a"') is None


def test_only_this_trees_results_count(tmp_path, monkeypatch):
    monkeypatch.setattr(m, 'STATE', str(tmp_path / 'state.json'))
    (tmp_path / 'state.json').write_text('{"tree": "now", "killed": {"k": "test"}}')
    assert m.load_state('now') == {'k': 'test'}
    assert m.load_state('later') == {}
