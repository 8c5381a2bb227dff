# SPDX-License-Identifier: BSD-2-Clause
"""docs/threat-model.md names tests: each must exist."""
import ast
import fnmatch
import os
import re
import subprocess

import pytest

from conftest import TREE

PAGE = os.path.join(TREE, 'docs', 'threat-model.md')
NAMED = re.compile(r'`(test_\w+)(\.py)?: ([\w*]+)`')
ATTACK = re.compile(r'`hostile: ([\w*-]+)`')
FOLDERS = ('tests', 'tests/qemu', 'tests/hostile', 'tests/fuzz')


def named():
    """(file, '.py' or '', pattern) of each test that the page names."""
    with open(PAGE) as f:
        return sorted(set(NAMED.findall(f.read())))


def functions(name):
    """The tests of a Python file."""
    for folder in FOLDERS:
        path = os.path.join(TREE, folder, name + '.py')
        if os.path.exists(path):
            with open(path) as f:
                return [node.name for node in ast.walk(ast.parse(f.read()))
                        if isinstance(node, ast.FunctionDef) and node.name.startswith('test_')]
    return []


def cases(programs, name):
    """The cases of a host program, without the variant in brackets behind their names."""
    result = subprocess.run([os.path.join(programs, 'host', name), '--list'], text=True,
                            capture_output=True, check=True)
    return [re.split(r'[\[:]', line)[0] for line in result.stdout.splitlines()]


def test_the_page_names_tests():
    assert len(named()) > 50
    with open(PAGE) as f:
        lines = [line for line in f.read().splitlines() if line.startswith('| ')]
    tables = [line for line in lines if 'shown by' in line]
    assert len(tables) >= 5


def test_nothing_that_it_names_is_overlooked():
    """Everything that begins like the name of a test or an attack is written in the form that is
    checked here."""
    with open(PAGE) as f:
        spans = set(re.findall(r'`((?:test_|hostile: )[^`]+)`', f.read()))
    odd = {s for s in spans if not NAMED.fullmatch(f'`{s}`') and not ATTACK.fullmatch(f'`{s}`')}
    assert odd == {'test_...: case', 'test_....py: name', 'hostile: ...'}      # its explanation


def attacks():
    """Names of the attacks in tests/hostile."""
    folder = os.path.join(TREE, 'tests', 'hostile')
    text = ''
    for name in os.listdir(folder):
        if name.startswith('attack'):
            with open(os.path.join(folder, name)) as f:
                text += f.read()
    return re.findall(r"^    name = '([\w-]+)'", text, re.M)


def test_its_attacks_exist():
    with open(PAGE) as f:
        patterns = ATTACK.findall(f.read())
    assert len(patterns) > 10
    for pattern in patterns:
        assert fnmatch.filter(attacks(), pattern), f'tests/hostile has no attack {pattern}'


@pytest.mark.parametrize('name, python, pattern', named())
def test_it_exists(programs, name, python, pattern):
    found = functions(name) if python else cases(programs, name)
    assert fnmatch.filter(found, pattern), f'{name}: nothing there is called {pattern}'
