# SPDX-License-Identifier: BSD-2-Clause
"""docs/tcp.md: its table of calls has each mend of TCP, its table of options each option, and the
tests and files that it names exist.
"""
import fnmatch
import glob
import os
import re

from conftest import TREE
from vireolib.lwip_mends import PARTS


def read(*path):
    with open(os.path.join(TREE, *path)) as f:
        return f.read()


PAGE = read('docs', 'tcp.md')


def rows(heading):
    """The first cells of the table below a heading."""
    text = PAGE.partition(f'\n## {heading}\n')[2].partition('\n## ')[0]
    return [line.split(' | ')[0].strip('| ') for line in text.splitlines()
            if line.startswith('| ')][1:]


def mends():
    """(name, always) of each mend of a part of TCP."""
    for part in PARTS:
        if '.tcp_' in part.__name__:
            for kind in ('ALWAYS', 'MENDS'):
                for _, name, *_ in getattr(part, kind, []):
                    if name != 'the same':
                        yield name + (' (always)' if kind == 'ALWAYS' else '')


def test_each_mend_of_tcp_has_a_row():
    missing = set(mends()) - set(rows('Where the calls are'))
    assert not missing, f'docs/tcp.md, "Where the calls are", lacks: {sorted(missing)}'


def test_each_row_is_a_mend():
    more = set(rows('Where the calls are')) - set(mends())
    assert not more, f'scripts/vireolib/lwip_mends has no such mend: {sorted(more)}'


def test_each_option_has_a_row():
    header = read('net', 'inet', 'include', 'netinet', 'tcp.h')
    options = set(re.findall(r'^#define (TCP_\w+) +\d+ +/\*', header, re.M))
    listed = set(re.findall(r'TCP_\w+', ' '.join(rows('Options of sockets'))))
    assert options == listed


def cases(name):
    """The cases of a host program, or the tests of a file of pytest, by their source."""
    paths = [path for pattern in (f'host/{name}.c', f'{name}.py', f'*/{name}.py')
             for path in glob.glob(os.path.join(TREE, 'tests', pattern))]
    text = ''.join(read(path) for path in paths)
    begins = r'\b(?:SHOWS|FAMILIES|CASE)\(|^ +\{(?:\.name = )?"|^def '
    return re.findall(rf'(?:{begins})(\w+)', text, re.M)


def test_its_tests_exist():
    named = re.findall(r'`(test_\w+)(?:\.py)?(?:: ([\w*]+))?`', PAGE)
    assert len(named) > 10
    for name, case in named:
        found = cases(name)
        assert found, f'nothing below tests/ is called {name}, or it has no cases'
        assert not case or fnmatch.filter(found, case), f'{name} has no case {case}'


def test_each_file_has_its_part():
    for path in glob.glob(os.path.join(TREE, 'net', 'lwip', 'tcp_*.c')):
        assert f'`{os.path.basename(path)}`' in PAGE, os.path.basename(path)


def test_each_boot_argument_of_tcp_is_named():
    for path in glob.glob(os.path.join(TREE, 'net', 'lwip', 'tcp_*.c')):
        for name in re.findall(r'\bhal_option\w*\(NULL, "(\w+)"', read(path)):
            assert f'`vireo.{name}=` |' in PAGE, name


def test_its_files_exist():
    for name in re.findall(r'`(\w+\.c)`', PAGE):
        folders = ('net/lwip', 'net/inet')
        assert any(os.path.exists(os.path.join(TREE, d, name)) for d in folders), name
