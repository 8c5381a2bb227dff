# SPDX-License-Identifier: BSD-2-Clause
"""The table of mutants fits the tree; `make mutants` chooses the right tests and keeps verdicts."""
import os
import subprocess
import sys

import pytest

from conftest import TREE
from vireolib import mutants as m
from vireolib import mutant_verdicts as verdicts


def test_every_mutant_fits_the_tree():
    m.check_table(m.read_table())


def test_every_mutant_names_a_test():
    assert not [mutant.name for mutant in m.read_table() if not mutant.tests]


@pytest.mark.parametrize('test', ['test_nosuch', 'tests/qemu/test_nosuch.py', 'tests', '-k boot',
                                  'tests/qemu', 'tsan/test_nosuch'])
def test_one_program_or_one_module_is_named(test):
    """A copy never runs all tests."""
    with pytest.raises(m.Wrong, match='names'):
        m.check_tests(m.Mutant('area: name', 'file', 'a', 'b', (test,)))


def test_names_of_tests():
    m.check_tests(m.Mutant('area: name', 'file', 'a', 'b', (
        'test_ring', 'tsan/test_ring_threads', 'tests/test_barriers.py',
        'tests/qemu/test_libc.py::test_checks_inside -k clock')))


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
    """A test that goes on is ended, not waited for."""
    assert program(tmp_path, 'echo "ok a"; echo "FAIL b: why"; exec sleep 1000') == 'test_it: b'
    assert program(tmp_path, 'echo "ok a"; exit 3') == 'test_it (status 3)'
    assert program(tmp_path, 'echo "ok a"') is None


# ---- which tests are tried, and how long a verdict holds ----

FILES = {
    'build/host/test_a.objects': '/usr/lib/crt1.o\nbuild/host/obj/a.c.o\nbuild/host/library.a\n',
    'build/host/test_b.objects': 'build/host/obj/b.c.o\n',
    'build/host/obj/a.c.d': 'build/host/obj/a.c.o: drivers/a.c \\\n'
                            ' drivers/x/../a.h\n\ndrivers/a.h:\n',
    'build/host/obj/b.c.d': 'build/host/obj/b.c.o: drivers/b.c\n',
    'build/host/obj/flags': 'gcc -O1\n',
    'build/aarch64/app.map': 'LOAD build/aarch64/obj/n.c.o\nLOAD build/aarch64/obj/x.names.o\n'
                             'build/aarch64/obj/m.c.o\n     build/aarch64/obj/m.c.o (main)\n',
    'build/aarch64/obj/n.c.d': 'build/aarch64/obj/n.c.o: net/n.c net/n.h\n',
    'build/aarch64/obj/m.c.d': 'build/aarch64/obj/m.c.o: main.c\n',
    'drivers/a.c': 'a', 'drivers/a.h': 'h', 'drivers/b.c': 'b', 'net/n.c': 'n', 'net/n.h': '',
    'docs/page.md': 'words', 'tests/mutants/x.toml': '', 'tests/host/test_a.c': '',
    'tests/qemu/test_x.py': 'from test_y import z\n', 'tests/qemu/test_y.py': '',
    'tests/qemu/test_z.py': '', 'tests/conftest.py': '', 'tests/test_u.py': '',
}


@pytest.fixture
def tree(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (1000, 1000 + name.startswith('build/')))
    return tmp_path


def test_what_a_program_is_made_of(tree):
    assert verdicts.program_sources(tree, 'test_a') == {'drivers/a.c', 'drivers/a.h'}
    assert verdicts.program_sources(tree, 'test_nosuch') is None
    assert verdicts.sources_of(tree, 'build/aarch64/app.map') == {'net/n.c', 'net/n.h', 'main.c'}


def test_programs_and_boots_that_the_file_is_part_of(tree, monkeypatch):
    """What is built and made without the file is not tried; the tests of the entry always are."""
    monkeypatch.setattr(m, 'TREE', str(tree))
    monkeypatch.setattr(m, 'host_programs', lambda: ['test_a', 'test_b', 'test_unbuilt'])
    boots = {'boot app': 'app', 'boot unbuilt': 'unbuilt'}

    def tried(file, *tests):
        return m.tests_for(m.Mutant('area: name', file, 'a', 'b', tests), boots)

    assert tried('drivers/a.h', 'test_b') == ['test_b', 'test_a', 'test_unbuilt', 'boot unbuilt']
    assert tried('net/n.h', 'tests/x.py') == ['tests/x.py', 'test_unbuilt', 'boot app',
                                              'boot unbuilt']
    late = os.path.getmtime(tree / 'build/host/test_a.objects') + 1
    os.utime(tree / 'drivers/b.c', (late, late))     # changed since: test_a might have it by now
    assert tried('drivers/b.c')[:2] == ['test_a', 'test_b']


@pytest.mark.parametrize('test, changed, holds', [
    ('test_a', 'drivers/a.h', False), ('test_a', 'build/host/obj/flags', False),
    ('test_a', 'drivers/b.c', True), ('test_a', 'net/n.c', True),
    ('test_a', 'tests/conftest.py', True),
    ('tests/qemu/test_x.py -k z', 'net/n.c', False), ('tests/qemu/test_x.py', 'drivers/a.c', False),
    ('tests/qemu/test_x.py', 'tests/conftest.py', False),
    ('tests/qemu/test_x.py::test_q', 'tests/qemu/test_x.py', False),
    ('tests/qemu/test_x.py', 'tests/qemu/test_y.py', False),
    ('tests/qemu/test_x.py', 'tests/qemu/test_z.py', True),
    ('tests/qemu/test_x.py', 'tests/test_u.py', True),
    ('tests/qemu/test_x.py', 'tests/host/test_a.c', True),
    ('tests/qemu/test_x.py', 'tests/mutants/x.toml', True),
    ('tests/qemu/test_x.py', 'docs/page.md', True),
    ('tests/test_u.py', 'tests/host/test_a.c', False)])
def test_how_long_a_verdict_holds(tree, test, changed, holds):
    listing = [name for name in FILES if not name.startswith('build/')]
    state = str(tree / 'state.json')
    known = verdicts.Verdicts(state, str(tree), listing)
    assert known.killer('key') is None
    known.add('key', test, 'the case', known.digest(test))
    assert verdicts.Verdicts(state, str(tree), listing).killer('key') == 'the case'
    (tree / changed).write_text(FILES[changed] + 'int x;')
    assert (verdicts.Verdicts(state, str(tree), listing).killer('key') == 'the case') == holds


@pytest.mark.parametrize('old, new, same', [
    ('a  b; /* one\n line */\n', 'a b;   // other\n', True),
    ('f("/* no */");', 'f("/* yes */");', False),
    ("'\"' /* x */ '\"'", "'\"' '\"'", True), ('a b', 'ab', False), ('#if A\nb', '#if A b', False)])
def test_comments_are_no_change(old, new, same):
    of = [verdicts.meaning('x.c', text.encode()) for text in (old, new)]
    assert (of[0] == of[1]) == same
    assert verdicts.meaning('x.py', old.encode()) == old.encode()


def test_a_new_file_ends_verdicts_of_boots(tree):
    """Such a file may be compiled into an image."""
    listing = [name for name in FILES if not name.startswith('build/')]
    before = verdicts.Verdicts('state', str(tree), listing).digest('tests/qemu/test_x.py')
    (tree / 'net/new.c').write_text('')
    after = verdicts.Verdicts('state', str(tree), [*listing, 'net/new.c'])
    assert after.digest('tests/qemu/test_x.py') != before


def test_what_fails_anyway_kills_nothing(monkeypatch):
    """A test that fails without the mutant, too, is an error of the table."""
    copy = object.__new__(m.Copy)
    copy._sound = {}
    mutant = m.Mutant('area: name', 'file', 'a', 'b', ('test_a',))
    monkeypatch.setattr(copy, 'judge', lambda *_: ('test_a: case', 'test_a'), raising=False)
    with pytest.raises(m.Wrong, match='without any mutant'):
        copy.check_sound(mutant, 'test_a: case', 'test_a')
    monkeypatch.setattr(copy, 'judge', lambda *_: None, raising=False)
    copy.check_sound(mutant, 'test_b: case', 'test_b')


def pytest_says(monkeypatch, status, text):
    copy = object.__new__(m.Copy)
    monkeypatch.setattr(copy, 'run', lambda _: subprocess.CompletedProcess([], status, text),
                        raising=False)
    return copy.judge_python(m.Mutant('area: name', 'file', 'a', 'b'), ['tests/x.py'])


def test_what_pytest_says_of_a_mutant(monkeypatch):
    assert pytest_says(monkeypatch, 0, '3 passed') is None
    assert pytest_says(monkeypatch, 1, 'FAILED tests/qemu/test_x.py::test_y[a b] - Lost: no\n') == \
        ('test_x.py: test_y', 'tests/qemu/test_x.py::test_y[a b]')
    with pytest.raises(m.Wrong, match='does not compile'):
        pytest_says(monkeypatch, 1, 'make image APP=x ARCH=aarch64 failed\n'
                                    'FAILED tests/test_x.py::test_y\n')
    with pytest.raises(m.Wrong, match='cannot be run'):
        pytest_says(monkeypatch, 5, 'no tests ran')


def test_mutants_of_each_room_are_counted():
    some = [m.Mutant('a: 1', 'net/lwip/x.c', '', ''), m.Mutant('a: 2', 'net/lwip/y.c', '', ''),
            m.Mutant('a: 3', 'files/z.c', '', ''), m.Mutant('a: 4', 'files/z.c', '', '')]
    assert m.rooms(some, {'a: 1': 'test', 'a: 2': None, 'a: 3': 'test'}) == \
        [('files', 1, 1), ('net/lwip', 2, 1)]
