# SPDX-License-Identifier: BSD-2-Clause
"""The table of folders in docs/architecture.md is the rule: each C, header and assembly file of the
tree includes only its own folder's headers and what the folder's row grants.

A row holds for the files that its first cell names: a file, or a pattern of files, before a folder,
and a folder before the folder that it lies in. Its last cell grants headers and folders (without
the folders below them that have a row of their own), and by name what is not of the tree: libc,
lwIP, libfdt, littlefs. The compiler's own headers are granted to all.
"""
import fnmatch
import os
import re

import pytest

from conftest import TREE
from test_source import code_of, text_of, tracked

PAGE = 'docs/architecture.md'
COMPILER = {'stdint.h', 'stddef.h', 'stdbool.h', 'stdarg.h'}
OUTSIDE = {'libc', 'lwIP', 'libfdt', 'littlefs'}
LWIP = ('lwip/', 'netif/')
KERNELS_SEE = ['drivers', 'kernels/common']              # scripts/kernels.mk


class Row:
    def __init__(self, names, grants):
        self.names = names        # files, patterns of files, folders (with a slash at the end)
        self.grants = grants      # headers, folders, and words of OUTSIDE

    def __repr__(self):
        return self.names[0]

    def fits(self, path):
        """How closely the row names the file; 0: not at all."""
        return max((0, *(len(n) for n in self.names if n.endswith('/') and path.startswith(n)),
                    *(1000 for n in self.names if fnmatch.fnmatch(path, n))))


def read_table(page):
    """The rows of the table below "The folders", and what is wrong with how they are written."""
    rows, wrong = [], []
    text = page.partition('\n## The folders\n')[2].partition('\n## ')[0]
    for line in re.findall(r'^\| `.*$', text, re.M):
        names, _, grants = (cell.strip() for cell in line.strip('|').split(' | '))
        granted = [g.strip() for g in re.sub(r'\([^)]*\)', '', grants).split(',')]
        for grant in granted:
            if not re.fullmatch('`[^`]+`|nothing|anything|' + '|'.join(OUTSIDE), grant):
                wrong.append(f'{names}: "{grant}" is neither a header, a folder nor a known word')
        rows.append(Row(re.findall('`([^`]+)`', names), [g.strip('`') for g in granted]))
    return rows, wrong


def include_folders(toolchain):
    """The folders of the tree in which a header is looked for, on one target or another."""
    found = ['platform/host']                                # scripts/host.mk
    for where in re.findall(r'\s-I(\S+)', toolchain):
        if where == 'platform/arch/$(ARCH)':
            found += [f'platform/arch/{cpu}' for cpu in ('aarch64', 'arm')]
        elif '$' not in where:
            found.append(where)
    return found


class Tree:
    """Files with their text, and the rows that hold for them."""

    def __init__(self, page, files, folders):
        self.rows, self.wrong = read_table(page)
        self.files = files
        self.folders = folders
        self.row_of = {path: self.find_row(path) for path in files}

    def find_row(self, path):
        fits = [(row.fits(path), row) for row in self.rows]
        best = max(fits, key=lambda fit: fit[0], default=(0, None))
        return best[1] if best[0] else None

    def resolve(self, path, header, quoted):
        """The files of the tree that the header may be: several, where each target has its own."""
        own = os.path.normpath(os.path.join(os.path.dirname(path), header))
        if quoted and own in self.files:
            return [own]
        folders = KERNELS_SEE if path.startswith('kernels/') else self.folders
        if path.startswith('scripts/'):         # programs of this machine
            folders = []
        if path.startswith('platform/host/'):   # with this machine's C library
            folders = [folder for folder in folders if folder != 'platform/libc/include']
        found = (os.path.normpath(os.path.join(folder, header)) for folder in folders)
        return [at for at in found if at in self.files]

    def includes(self):
        """(file, header as it stands there, what it is: files of the tree, or a word of OUTSIDE)"""
        for path, text in self.files.items():
            for mark, header in re.findall(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', text, re.M):
                found = self.resolve(path, header, mark == '"')
                outside = 'lwIP' if header.startswith(LWIP) else \
                    {'libfdt.h': 'libfdt', 'lfs2.h': 'littlefs'}.get(header, 'libc')
                if found or header not in COMPILER:
                    yield path, header, found or [outside]

    def granted(self, grant):
        """The files of the tree that a grant names."""
        if grant.endswith('/'):
            return [path for path, row in self.row_of.items() if row and grant in row.names
                    and path.startswith(grant)]
        return [path for path in self.files if path == grant or path.endswith('/' + grant)]

    def complaints(self):
        """What is wrong with the table, or with the tree."""
        wrong = list(self.wrong)
        wrong += [f'{path} is in no row' for path, row in self.row_of.items() if not row]
        wrong += [f'{name}: no file is there' for row in self.rows for name in row.names
                  if not any(Row([name], []).fits(path) for path in self.files)]
        used = {(row, grant): False for row in self.rows for grant in row.grants}
        grants = {grant: self.granted(grant) for row in self.rows for grant in row.grants}
        for grant, paths in grants.items():
            if grant in OUTSIDE or grant in ('anything', 'nothing'):
                continue
            if not paths:
                wrong.append(f'{grant} is granted, and is no header and no row of a folder')
            if not grant.endswith('/') and len({self.row_of[path] for path in paths}) > 1:
                wrong.append(f'{grant} is granted, and may be any of {" ".join(paths)}')
        for path, header, found in self.includes():
            row = self.row_of[path]
            for what in found:
                if not row or self.row_of.get(what) is row:
                    continue
                fitting = [g for g in row.grants if g in (what, 'anything') or what in grants[g]]
                for grant in fitting:
                    used[row, grant] = True
                if not fitting:
                    wrong.append(f'{path} includes {header} ({what}): the row of {row} grants '
                                 f'only {", ".join(row.grants)}')
        wrong += [f'{row}: nobody uses the grant of {grant}' for (row, grant), is_used
                  in used.items() if not is_used and grant not in ('nothing', 'anything')]
        return wrong

    def circle(self):
        """Rows each of which grants the next, the last one the first; None: arrows point down."""
        below = {row: {self.row_of[path] for grant in row.grants for path in self.granted(grant)}
                 - {row} for row in self.rows}
        while below:
            lowest = [row for row in below if not below[row] & below.keys()]
            if not lowest:
                break
            for row in lowest:
                del below[row]
        if not below:
            return None
        way = [next(iter(below))]
        while way.count(way[-1]) < 2:
            way.append(next(row for row in below if row in below[way[-1]]))
        return way[way.index(way[-1]):]


@pytest.fixture(scope='module')
def tree():
    files = {name: text_of(name) for name in tracked() if name.endswith(('.c', '.h', '.S'))}
    return Tree(text_of(PAGE), files, include_folders(text_of('scripts/toolchain.mk')))


def test_there_is_a_table(tree):
    assert len(tree.rows) > 20


def test_each_file_includes_what_its_row_grants(tree):
    wrong = tree.complaints()
    assert not wrong, '\n' + '\n'.join(wrong)


def test_arrows_point_down(tree):
    assert not tree.circle(), ' -> '.join(map(str, tree.circle()))


# ---- of the drivers more is asked ----

def drivers():
    return [name for name in tracked()
            if name.startswith('drivers/') and name.endswith(('.c', '.h'))]


def test_drivers_are_freestanding(tree):
    """The folder is whole: of what is not in it only hal.h includes anything, which is what a port
    finds for it by include path: hal_arch.h, and <errno.h> where there is one."""
    for row in tree.rows:
        if row.names[0].startswith('drivers/'):
            outside = [g for g in row.grants if g in OUTSIDE
                       or any(not path.startswith('drivers/') for path in tree.granted(g))]
            assert outside == (['hal_arch.h', 'libc'] if 'drivers/hal.h' in row.names else []), row


def test_drivers_use_no_libc_but_memory_functions():
    banned = re.compile(r'\b(malloc|calloc|free|printf|puts|strlen|strcmp|strcpy|strncpy|memmove|'
                        r'snprintf|abort|exit|assert)\s*\(')
    bad = [f'{name}: {match[1]}' for name in drivers() for match in banned.finditer(code_of(name))]
    assert not bad, bad


# ---- the check itself ----

TABLE = '''
## The folders

| folder | what is in it | may include |
|---|---|---|
| `base/hal.h` | the machine | nothing |
| `low/` | one layer | `hal.h` (and no more), libc |
| `low/inner/` | a part of it | `hal.h` |
| `high/`, `other/*.c` | another layer | `low/`, `hal.h` |

## Next
| `no/` | row | nothing |
'''
FILES = {
    'base/hal.h': '#include <stdint.h>\n',
    'low/low.h': '#include "hal.h"\n',
    'low/low.c': '#include <stdio.h>\n#include "low.h"\n',
    'low/inner/inner.c': '#include "hal.h"\n',
    'high/high.c': '#include "low/low.h"\n#include "hal.h"\n',
    'other/other.c': '# include <low/low.h>\n',
}


def planted(table=TABLE, **files):
    """A small tree; low__low_c stands for low/low.c."""
    names = {name.replace('__', '/').replace('_c', '.c'): text for name, text in files.items()}
    return Tree(table, {**FILES, **names}, ['base', '.'])


@pytest.mark.parametrize('table, files, said', [
    ((), {}, None),
    ((), {'low__low_c': '#include <stdio.h>\n#include "high/high.c"\n'}, 'low/low.c includes high'),
    ((), {'low__inner__inner_c': '#include "hal.h"\n#include "low/low.h"\n'}, 'row of low/inner/'),
    ((), {'low__inner__inner_c': '#include "hal.h"\n#include <stdio.h>\n'}, '(libc)'),
    ((), {'low__inner__inner_c': '#include "hal.h"\n#include "lwip/x.h"\n'}, '(lwIP)'),
    ((), {'high__high_c': '#include "low/low.h"\n'}, 'nobody uses the grant of hal.h'),
    ((), {'new__new_c': ''}, 'new/new.c is in no row'),
    (('| `low/inner/` |', '| `low/outer/` |'), {}, 'low/outer/: no file is there'),
    (('`low/`, `hal.h` |', '`low/`, `hal.h`, `far.h` |'), {}, 'far.h is granted'),
    (('`hal.h` (and no more)', 'the same'), {}, '"the same" is neither'),
])
def test_the_check_notices(table, files, said):
    complaints = planted(TABLE.replace(*table) if table else TABLE, **files).complaints()
    assert any(said in c for c in complaints) if said else not complaints, complaints


def test_a_circle_is_found():
    assert planted().circle() is None
    table = TABLE.replace('| `hal.h` (and no more), libc |', '| `hal.h`, libc, `high/` |')
    assert [str(row) for row in planted(table).circle()] in (['low/', 'high/', 'low/'],
                                                            ['high/', 'low/', 'high/'])
