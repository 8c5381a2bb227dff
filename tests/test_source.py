# SPDX-License-Identifier: BSD-2-Clause
"""Rules of the source: where barriers may stand, the length of files, what the build may not depend
on. What may include what is in test_folders.py.
"""
import os
import re
import shutil
import subprocess

import pytest

from conftest import TREE
from vireolib import listing

SOURCE = ('.c', '.h', '.S', '.py', '.ld', '.mk', '.sh')
LONGEST = 600              # lines of a file
WIDEST = 100               # columns of a line


COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)


def tracked():
    """Files of the project."""
    return listing.files()


def text_of(name):
    with open(os.path.join(TREE, name), errors='replace') as f:
        return f.read()


def is_source(name):
    if name.endswith(SOURCE) or os.path.basename(name) == 'Makefile':
        return True
    with open(os.path.join(TREE, name), 'rb') as f:
        return f.read(2) == b'#!'


def code_of(name):
    """C source without comments and string literals, lines kept."""
    def blank(match):
        return re.sub(r'[^\n]', ' ', match[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text_of(name), flags=re.S)


def test_files_are_short():
    long = {name: text_of(name).count('\n') for name in tracked() if is_source(name)}
    assert not {name: n for name, n in long.items() if n >= LONGEST}


def test_lines_are_short():
    wide = [f'{name}:{n}' for name in tracked() if is_source(name)
            for n, line in enumerate(text_of(name).splitlines(), 1) if len(line) > WIDEST]
    assert not wide, wide[:20]


def test_barriers_stand_in_platform_arch_only():
    """No other file names a barrier instruction or a fence, except those of platform/host."""
    fence = re.compile(r'\bd[ms]b\s+(ish|osh|sy|nsh|st|ld)|\b__sync_synchronize\b|'
                       r'\batomic_thread_fence\b|\b__atomic_thread_fence\b|\bisb\b')
    bad = [f'{name}: {match[0]}' for name in tracked()
           if name.endswith(('.c', '.h', '.S'))
           and not name.startswith(('platform/arch/', 'platform/host/', 'tests/', 'kernels/'))
           for match in fence.finditer(COMMENT.sub('', text_of(name)))]
    assert not bad, bad


def test_inline_assembly_stands_in_platform_only():
    bad = [name for name in tracked() if name.endswith(('.c', '.h'))
           and not name.startswith(('platform/', 'tests/', 'kernels/'))
           and re.search(r'\b(__asm__|asm)\b\s*(volatile|__volatile__)?\s*\(', code_of(name))]
    assert not bad, bad


def test_each_source_file_says_what_it_is_for():
    bad = [name for name in tracked() if name.endswith(('.c', '.h'))
           and not text_of(name).lstrip().startswith('/*')]
    assert not bad, bad


SPDX = 'SPDX-License-Identifier: BSD-2-Clause'
WITHOUT_SPDX = ('.md', '.csv', '.txt', '.html', '.svg')     # pages, tables, what httpd shows


def test_each_file_names_its_licence():
    """In its first line; in a script behind the line that names the interpreter."""
    inputs = ('tests/fuzz/corpus/', 'tests/fuzz/regressions/')
    bad = [name for name in tracked() if name not in ('LICENSE', 'VERSION')
           and not name.endswith(WITHOUT_SPDX)
           and not name.startswith(inputs)
           and not any(SPDX in line for line in text_of(name).split('\n', 2)[:2])]
    assert not bad, bad


def test_make_format_would_change_nothing():
    """With version 14, for which .clang-format was written: others format some things
    differently."""
    program = shutil.which('clang-format-14')
    if not program:
        pytest.skip('needs clang-format-14, which Debian 12 has')
    sources = [name for name in tracked() if name.endswith(('.c', '.h'))]
    result = subprocess.run([program, '--dry-run', '-Werror', '--ferror-limit=1', *sources],
                            cwd=TREE, text=True, capture_output=True)
    assert result.returncode == 0, 'make format would change:\n' + result.stderr


def test_sizeof_has_parentheses():
    bad = [f'{name}: {match[0]}' for name in tracked() if name.endswith(('.c', '.h'))
           for match in re.finditer(r'\bsizeof [\w*(]+', code_of(name))]
    assert not bad, bad


# Files of which an image or a program has only one, or that play the same part on another machine.
ALTERNATIVES = ('platform/arch/arm/', 'platform/host/', 'drivers/virtio/transport/legacy_none.c')


def test_no_two_static_functions_have_one_name():
    """So that a back trace and grep tell static functions apart."""
    found = {}
    for name in tracked():
        if not re.match(r'(drivers|net|files|platform)/.*\.c$', name) or \
                name.startswith(ALTERNATIVES):
            continue
        definitions = re.findall(r'^static [^;=()]*?\b(\w+)\([^;{]*\)\s*\{', code_of(name), re.M)
        for function in set(definitions):
            found.setdefault(function, []).append(name)
    twice = {function: names for function, names in found.items() if len(names) > 1}
    assert len(found) > 1000 and not twice, twice


def test_no_unfinished_business():
    words = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X|HA' r'CK)\b')
    bad = [f'{name}: {match[0]}' for name in tracked() if is_source(name) or name.endswith('.md')
           for match in words.finditer(text_of(name))]
    assert not bad, bad


def test_nothing_is_fetched_from_elsewhere():
    """Dependencies come from Debian's packages, through apt alone."""
    fetch = re.compile(r'\b(pip3? install|npm install|git clone|wget|curl\s+-[A-Za-z]*[oO]\b)')
    bad = [f'{name}: {match[0]}' for name in tracked()
           if is_source(name) and not name.startswith('tests/')
           for match in fetch.finditer(text_of(name))]
    assert not bad, bad


def test_tests_do_not_sleep():
    """No test sleeps: tests wait for lines and conditions, with deadlines."""
    bad = [name for name in tracked() if name.startswith(('tests/', 'scripts/'))
           and name.endswith('.py') and re.search(r'\btime\.sle' r'ep\(', text_of(name))]
    assert not bad, bad


def test_scripts_are_standard_python():
    import sys
    bad = []
    for name in tracked():
        if not name.startswith('scripts/') or not is_source(name):
            continue
        text = text_of(name)
        if not (name.endswith('.py') or re.match(r'#!.*python', text)):
            continue
        for module in re.findall(r'^\s*(?:import|from)\s+(\w+)', text, re.M):
            if module not in sys.stdlib_module_names and module != 'vireolib':
                bad.append(f'{name}: {module}')
    assert not bad, bad


def test_general_options_are_nobodys_own():
    """vireo.NAME= is what vireo.DEVICE.NAME= falls back to: an option of the whole image, such as
    vireo.log=, may not have the name of a device's or an application's."""
    uses = [match.groups() for name in tracked()
            if name.endswith('.c') and name.startswith(('platform/', 'drivers/', 'net/', 'files/',
                                                        'examples/'))
            for match in re.finditer(r'\bhal_option(?:_u64)?\(\s*([^,]+),\s*"(\w+)"',
                                     text_of(name))]
    general = {option for who, option in uses if who == 'NULL'}
    own = {option for who, option in uses if who != 'NULL'}
    assert general and own and not general & own, general & own
