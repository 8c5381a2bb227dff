# SPDX-License-Identifier: BSD-2-Clause
"""`make coverage`: which lines have code, which of them a boot has executed, and whether the
exceptions fit the tree."""
import os
import subprocess
import sys

import pytest

from conftest import TREE
from vireolib import coverage_images, coverage_survey, plugins

SOURCE = '''
int there(int x);

static int twice(int x)
{
    there(x);
    return there(2 * x);
}

/* no code */
int used(int x)
{
    if (there(x))
        return twice(-x) + 1;
    return twice(x);
}

int unused(void)
{
    there(1);
    return 7;
}
'''


def lines_of(text, *parts):
    """The numbers of the lines that hold these words."""
    return {n for n, line in enumerate(text.splitlines(), 1) for part in parts if part in line}


@pytest.fixture
def compiled(tmp_path):
    (tmp_path / 'x.c').write_text(SOURCE)
    subprocess.run(['aarch64-linux-gnu-gcc', '-O2', '-g', '-ffunction-sections', '-c', 'x.c', '-o',
                    'x.o'], cwd=tmp_path, check=True)
    return str(tmp_path / 'x.o')


def test_lines_with_code(compiled):
    """Lines of inlined and of unused functions count; comments do not."""
    code = coverage_images.lines_with_code([compiled], lambda name: name == 'x.c')['x.c']
    assert code >= lines_of(SOURCE, 'there(x)', 'return there', 'return twice(x)', 'there(1)')
    assert not code & lines_of(SOURCE, 'no code', 'int there', '}')
    assert not coverage_images.lines_with_code([compiled], lambda name: False)


def test_the_end_of_a_function_is_no_line(compiled):
    """The row that ends a function's part of the table has the address at which the linker puts
    the next function."""
    said = subprocess.run(['llvm-dwarfdump', '--debug-line', compiled], capture_output=True,
                          text=True, check=True).stdout
    ends = [int(row.split()[0], 16) for row in said.splitlines() if 'end_sequence' in row]
    found = [address for address, _, _ in coverage_images.line_table(compiled, lambda name: True)]
    assert len(ends) == 2 and max(found) < max(ends)


def test_addresses_of_several_runs(tmp_path):
    for name, text in ('a', '1000 1010\n2000 2004\n'), ('b', '1008 1020\n'):
        (tmp_path / name).write_text(text)
    both = coverage_images.Addresses([tmp_path / 'a', tmp_path / 'b'])
    assert [address in both for address in (0xffc, 0x1000, 0x101c, 0x1020, 0x2000, 0x2004)] == \
        [False, True, True, False, True, False]


@pytest.mark.full
def test_what_a_boot_executes(boot, built, tmp_path, monkeypatch):
    """The image as it is, on QEMU with the plugin: main() ran, a panic did not."""
    built('hello')
    monkeypatch.setenv(plugins.VARIABLE, str(tmp_path / 'seen'))
    assert boot('hello', net='none').wait() == 0
    assert len(os.listdir(tmp_path / 'seen')) == 2
    found = coverage_images.lines_executed([tmp_path / 'seen'], lambda name: name.endswith('.c'))
    with open(os.path.join(TREE, 'platform', 'runtime', 'task.c')) as f:
        panics = lines_of(f.read(), 'hal_panic("')
    assert found['examples/hello/main.c'] and found['platform/runtime/task.c']
    assert panics and not found['platform/runtime/task.c'] & panics


def test_without_the_variable_no_plugin_is_loaded(built, monkeypatch):
    monkeypatch.delenv(plugins.VARIABLE, raising=False)
    assert plugins.visited_args(built('hello')) == []


def test_modules_that_are_run_exist():
    assert all(os.path.isfile(os.path.join(TREE, f'tests/qemu/test_{module}.py'))
               for module in coverage_survey.MODULES)


# ---- the count ----

def counted(**more):
    return coverage_survey.File('files/x.c', 85, {10, 11, 20, 21}, {10}, **more)


def test_each_room_has_its_measure():
    """drivers/ by the host alone, the others by whatever runs; the image's compiler says which
    lines there are; a file that nothing runs is there with 0."""
    host = {'drivers/a/a.c': [[1, 2], [1, 2, 3]], 'files/x.c': [[10, 12], [10, 11, 12]],
            'tests/host/test_x.c': [[1], [1]]}
    files = coverage_survey.combine(host, {'net/lwip/n.c': [[6], [6, 7]]},
                           {'files/x.c': {10, 11}, 'net/lwip/n.c': {5, 6, 7},
                            'platform/virt/p.c': {1}},
                           {'files/x.c': {11}, 'net/lwip/n.c': {5}, 'drivers/a/a.c': {3}})
    assert {name: (file.covered, file.count) for name, file in files.items()} == {
        'drivers/a/a.c': (2, 3), 'files/x.c': (2, 2), 'net/lwip/n.c': (2, 3),
        'platform/virt/p.c': (0, 1)}
    assert {name for name, file in files.items() if file.low} == {
        'drivers/a/a.c', 'net/lwip/n.c', 'platform/virt/p.c'}


TEXT = '''int f(void)
{
    twice();
    twice();
    if (never)
        hal_panic("no");
}

int g(int a,
      int b)
{
    return a;
}
'''


def excuse(lines, executed, **entry):
    file = coverage_survey.File('files/x.c', 85, lines, executed)
    coverage_survey.excuse({'file': 'files/x.c', 'why': 'a reason', **entry}, TEXT, file)
    return file


def test_exceptions_do_not_count():
    file = excuse({1, 3, 6, 9, 12}, {1, 3}, text='hal_panic("no");')
    assert (file.covered, file.count, file.missing) == (2, 4, [9, 12])
    file = excuse({1, 3, 6, 9, 12}, {1, 3}, function='g')
    assert file.missing == [6]
    assert excuse({5, 6}, set(), text='    if (never)\n        hal_panic("no");\n').count == 0


@pytest.mark.parametrize('entry, words', [
    ({'text': 'twice();'}, 'occurs 2 times'), ({'text': 'nothing'}, 'occurs 0 times'),
    ({'function': 'h'}, '0 functions'), ({'text': 'if (never)'}, 'is executed'),
    ({'function': 'f'}, 'is executed'), ({'text': '}\n\nint g(int a,'}, 'has no code'),
    ({'text': 'x', 'function': 'y'}, 'either text or function'), ({}, 'either text or function'),
    ({'text': 'return a;', 'why': ' '}, 'why is empty')])
def test_exceptions_that_do_not_fit(entry, words):
    with pytest.raises(coverage_survey.Wrong, match=words):
        excuse({3, 5, 6, 12}, {5}, **entry)


def test_exceptions_fit_the_tree():
    """Without a run: each entry names lines that exist, once, with a reason."""
    entries = coverage_survey.read_exceptions()
    files = {}
    for entry in entries:
        with open(os.path.join(TREE, entry['file'])) as f:
            every = set(range(1, f.read().count('\n') + 1))
        files.setdefault(entry['file'], coverage_survey.File(entry['file'], 85, every, set()))
    assert coverage_survey.excuse_all(files, entries) == []


def test_a_regular_expression_that_is_none():
    result = subprocess.run([sys.executable, os.path.join(TREE, 'scripts', 'coverage'), '--lines',
                             '('], capture_output=True, text=True)
    assert result.returncode == 2 and 'no regular expression' in result.stderr
