# SPDX-License-Identifier: BSD-2-Clause
"""Appliances that look at the runtime and the C library from inside: time, tasks, memory."""
import collections
import glob
import os
import re
import subprocess
import time

import pytest

from conftest import run_make
from test_net import checks_end
from vireolib import images


@pytest.mark.parametrize('app', ['clock', 'tasks'])
@pytest.mark.parametrize('cpu', ['cortex-a72', 'max'])
def test_checks_inside(boot, app, cpu):
    guest = boot(app, net='none', cpu=cpu)
    checks_end(guest, 60)


CPUS = pytest.mark.parametrize('arch, cpu', [('aarch64', 'cortex-a72'), ('arm', 'cortex-a15')])


@CPUS
def test_values(boot, arch, cpu):
    checks_end(boot('values', net='none', arch=arch, cpu=cpu), 60)


@CPUS
def test_formats_fit_their_types(boot, arch, cpu):
    """The compiler holds the formats against the types (-Werror=format), the image its output."""
    checks_end(boot('formats', net='none', arch=arch, cpu=cpu), 60)


def test_arguments_of_main(boot):
    """A word with blanks, with quotes, without letters, and one that looks like Vireo's own."""
    words = ['-v', 'two words', '', 'q"u\\o\'te', 'vireo.poll=9', '--']
    guest = boot('args', net='none', args=words,
                 append='env.PORT=1 env.NAME="a b" env.PORT=2 vireo.log=info env.EMPTY=')
    assert guest.wait(20) == 0, guest.report()
    lines = [line for line in guest.text.splitlines() if re.match('argv|env|PORT|cwd', line)]
    assert lines == [f'argv[{n}]=<{word}>' for n, word in enumerate(['args', *words])] + [
        'env <PORT=2>', 'env <NAME=a b>', 'env <EMPTY=>', 'PORT 2', 'cwd /, changed']
    assert 'warning' not in guest.text, guest.text


# Symbols that two files of an image's archives may define, and why.
TWICE = {
}


@pytest.mark.parametrize('arch, cross', [('aarch64', 'aarch64-linux-gnu-'),
                                         ('arm', 'arm-none-eabi-')])
@pytest.mark.parametrize('index', ['everything', 'everything-full'])
def test_no_symbol_is_defined_twice(built, arch, cross, index):
    """Rooms, newlib, lwIP and libfdt are one archive to the linker, which takes the first that has
    a symbol: which one that is must not depend on an order of files."""
    folder = os.path.dirname(built('hello', arch=arch))
    cross = os.environ.get('CROSS', cross) if arch == 'aarch64' else cross
    lines = subprocess.run([cross + 'nm', '-A', '-g', '--defined-only',
                            os.path.join(folder, 'obj', index + '.a')],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    places = collections.defaultdict(set)
    for line in lines:
        where, _, symbol = line.rpartition(' ')
        places[symbol].add(where.split(':')[1])
    assert {'printf', 'malloc', 'sin', 'memcpy', 'open', 'tcp_input', 'task_spawn'} <= set(places)
    wrong = {s: sorted(p) for s, p in places.items() if len(p) > 1 and s not in TWICE}
    assert not wrong, wrong
    assert all(len(places[s]) == 2 for s in TWICE), 'an entry of TWICE is defined once'


# Formats that no literal of the image tells; a long double of 32-bit Arm is a double.
LATE = ['positions', 'wide-text', 'wide-letter', 'scan-positions', 'in-wide-format']
LATE_LONG_DOUBLES = ['long-double', 'scan-long-double']


@pytest.mark.parametrize('arch, which', [*(('aarch64', w) for w in LATE + LATE_LONG_DOUBLES),
                                         *(('arm', w) for w in LATE)])
def test_a_format_that_is_not_linked_is_told(boot, arch, which):
    guest = boot('latefmt', net='none', arch=arch, append=f'format={which}')
    assert guest.wait() == 134
    assert guest.seen(r'panic in task main: printf or scanf cannot do "(%|\(wide\)).*'
                      'set FORMATS := full in app.mk'), guest.report()
    assert guest.seen(r'0x[0-9a-f]+ main\+0x'), guest.report()


@pytest.mark.parametrize('source, status', [
    ('return printf("%ls", L"wide") != 4;', 0), ('return wprintf(L"%2$d %1$d", 1, 2) != 3;', 0),
    ('return printf("100% ok, %5ld $1", 1L) != 16;', None)])
def test_formats_by_literals(tmp_path, boot, source, status):
    """One format is enough, narrow or wide; others link the light functions, which are smaller."""
    folder = tmp_path / f'literal-{os.getpid()}'
    folder.mkdir()
    (folder / 'main.c').write_text(f'#include <stdio.h>\n#include <wchar.h>\n'
                                   f'int main(void) {{ {source} }}\n')
    result = run_make('-s', 'image', f'APP={folder}')
    assert result.returncode == 0, result.stderr
    try:
        if status is None:
            assert os.path.getsize(images.image(folder.name)) < 96 * 1024
        else:
            assert boot(images.image(folder.name), net='none').wait() == status
    finally:
        for path in glob.glob(images.image(folder.name)[:-4] + '.*'):
            os.remove(path)


@CPUS
def test_all_formats_by_app_mk(boot, arch, cpu):
    checks_end(boot('latefmtfull', net='none', arch=arch, cpu=cpu), 60)


@pytest.mark.parametrize('which', LATE_LONG_DOUBLES)
def test_a_long_double_that_is_a_double_needs_nothing(boot, which):
    checks_end(boot('latefmt', net='none', arch='arm', append=f'format={which}'), 60)


@CPUS
def test_copies_and_sums(boot, arch, cpu):
    checks_end(boot('copies', net='none', arch=arch, cpu=cpu), 60)


@CPUS
def test_floating_point_environment(boot, arch, cpu):
    checks_end(boot('floats', net='none', arch=arch, cpu=cpu), 60)


@CPUS
def test_thread_local_variables(boot, arch, cpu):
    checks_end(boot('threadlocal', net='none', arch=arch, cpu=cpu), 60)


def test_the_clock_is_the_hosts(boot):
    """The image reads its clock after QEMU's start, and before its line is here."""
    before = time.time()
    guest = boot('clock', net='none')
    told = int(guest.expect(r'^clock: unix=(\d+)')[1])
    assert before - 2 <= told <= time.time() + 2


@pytest.mark.parametrize('mem', ['8', '64', '1G'])
def test_all_memory_can_be_used(boot, mem):
    guest = boot('hog', net='none', mem=mem)
    checks_end(guest, 60)
    got = int(re.search(r'hog: KiB=(\d+)', guest.text)[1])
    asked = 1 << 20 if mem == '1G' else int(mem) << 10
    assert got > asked * 0.75 - 2048, f'{got} KiB of {asked}'
