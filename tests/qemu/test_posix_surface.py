# SPDX-License-Identifier: BSD-2-Clause
"""Which functions and headers of POSIX an application finds (tests/posix/functions.txt): each
compiles and links, or docs/posix.md has it in its table of what is missing, and then it is not
declared.
"""
import os
import re

import pytest

from conftest import TREE, run_make

PAGE = os.path.join(TREE, 'docs', 'posix.md')
LIST = os.path.join(TREE, 'tests', 'posix', 'functions.txt')


def wanted():
    """{header: [names]} of the list."""
    with open(LIST) as file:
        text = re.sub(r'^#.*\n', '', file.read(), flags=re.M).replace('\n    ', ' ')
    return {header: names.split() for header, _, names in
            (line.partition(':') for line in text.splitlines())}


def missing():
    """The headers and the names in the table of the page, each with its reason."""
    with open(PAGE) as file:
        table = file.read().partition('\n## What is missing\n')[2]
    rows = re.findall(r'^\| (`.*`) \| (\S.*) \|$', table, re.M)
    assert rows
    return {name: reason for names, reason in rows for name in re.findall('`([^`]+)`', names)}


def source(header, names):
    """A C file that refers to each name; line N of "names" is about the N-th of them."""
    lines = [f'#include <{header}>']
    for n, name in enumerate(names, 1):
        lines += [f'#ifdef {name}', f'int has_{name};', '#else', f'#line {n} "names"',
                  f'void *at_{name}(void) {{ return (void *)&{name}; }}', '#endif']
    return '\n'.join(lines) + '\n'


def appliance(folder, sources, calls=''):
    """An appliance with these C files; it keeps all functions that they define."""
    folder.mkdir()
    (folder / 'app.mk').write_text('SRCS := main.c $(notdir $(wildcard $(APP_DIR)/s_*.c))\n'
                                   'CFLAGS := -D_GNU_SOURCE -w -Wl,--no-gc-sections\n')
    (folder / 'main.c').write_text(f'{calls}\n')
    for header, text in sources.items():
        (folder / f's_{re.sub("[/.]", "_", header)}.c').write_text(text)
    return folder


def references(there):
    """main(), which refers to each function of the sources, so that the linker keeps them."""
    names = [f'at_{name}' for names in there.values() for name in names]
    return ('typedef void *ref(void);\n' +
            ''.join(f'ref {n} __attribute__((weak));\n' for n in names) +
            'static ref *const all[] = {' + ', '.join(names) + '};\n'
            'int main(int argc, char **argv)\n{\n    (void)argv;\n'
            '    return all[argc] != 0;\n}\n')


@pytest.fixture(scope='module')
def split():
    """({header: names that are to be there}, {header: names that are to be missing})."""
    absent = missing()
    there, gone = {}, {}
    for header, names in wanted().items():
        if header in absent:
            gone[header] = []
            continue
        there[header] = [n for n in names if n not in absent]
        gone[header] = [n for n in names if n in absent]
    return there, gone


def test_what_is_there_links(tmp_path, split):
    there, _ = split
    app = appliance(tmp_path / 'there', {h: source(h, names) for h, names in there.items()},
                    references(there))
    done = run_make('image', f'APP={app}')
    assert done.returncode == 0, done.stderr[-6000:]


def test_what_is_missing_is_not_declared(tmp_path, split):
    """A name that is in the table and can be used is there: the table is to lose it."""
    _, gone = split
    app = appliance(tmp_path / 'gone', {h: source(h, names) for h, names in gone.items()},
                    'int main(void)\n{\n    return 0;\n}')
    done = run_make('-k', 'image', f'APP={app}')
    for header, names in gone.items():
        if not names:
            continue
        stem = 's_' + re.sub('[/.]', '_', header)
        said = '\n'.join(re.findall(rf'^.*(?:names:|{stem}\.c:).*error.*$', done.stderr, re.M))
        for n, name in enumerate(names, 1):
            assert re.search(rf"^names:{n}:.*‘{re.escape(name)}’ undeclared", said, re.M), \
                f'{header}: {name} is declared'


def test_headers_that_are_missing(tmp_path, split):
    gone = [h for h in wanted() if h in missing()]
    app = appliance(tmp_path / 'headers', {h: f'#include <{h}>\n' for h in gone},
                    'int main(void)\n{\n    return 0;\n}')
    done = run_make('-k', 'image', f'APP={app}')
    for header in gone:
        assert re.search(rf'fatal error: {re.escape(header)}: No such file', done.stderr), header


def test_how_many_there_are(split):
    there, _ = split
    all_of = wanted()
    assert len(all_of) == 82 and sum(map(len, all_of.values())) == 948
    functions, headers = sum(map(len, there.values())), len(there)
    with open(PAGE) as file:
        page = file.read()
    assert f'{functions} of 948 functions of POSIX.1-2017 and {headers} of 82 headers' in page
