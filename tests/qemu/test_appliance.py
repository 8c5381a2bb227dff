# SPDX-License-Identifier: BSD-2-Clause
"""An appliance of one's own: a folder anywhere, with nothing but a main.c; then with site/, initrd/
and app.mk. Each is built and booted by `make`, as docs/appliance.md says.
"""
import os
import re
import subprocess

import pytest

from conftest import TREE, run_make
from vireolib import images

MAIN = r'''
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    printf("this is mine\n");
    return 7;
}
'''
SHOW_FILES = r'''
#include <stdio.h>

static int show(const char *path)
{
    char line[100];
    FILE *f = fopen(path, "r");

    if (!f || !fgets(line, sizeof line, f))
        return 1;
    fclose(f);
    printf("%s: %s", path, line);
    return 0;
}

int main(void)
{
    return show("/hello.txt") + show("/folder/deep.txt");
}
'''


@pytest.fixture
def appliance(tmp_path):
    """appliance({file: content}) -> the path of a fresh folder outside the tree."""
    def make(files):
        folder = tmp_path / f'my-app-{os.getpid()}'
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        made.append(folder.name)
        return folder

    made = []
    yield make
    for name in made:
        left = [os.path.join(images.BUILD, images.ARCH, f'{name}.{suffix}')
                for suffix in ('img', 'elf', 'map', 'app', 'vars')]
        left += [os.path.join(images.BUILD, f'{name}-{kind}.img') for kind in ('site', 'initrd')]
        for path in filter(os.path.exists, left):
            os.unlink(path)


def test_only_a_main(appliance):
    folder = appliance({'main.c': MAIN})
    result = run_make(f'APP={folder}')
    assert 'this is mine' in result.stdout, result.stdout + result.stderr
    assert 'vireo: exit 7' in result.stdout
    assert result.returncode != 0                # the image's status is not lost
    assert 'the appliance ended with status 7; make itself ends with 2' in result.stderr
    assert os.path.isfile(images.image(folder.name))


def test_relative_path(appliance):
    folder = appliance({'main.c': MAIN})
    where = os.path.relpath(folder, TREE)
    result = run_make('image', f'APP={where}')
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize('place', ['site', 'initrd'])
def test_with_files(appliance, place):
    """A disk of site/, or an initrd of initrd/, is made and attached without a word."""
    folder = appliance({'main.c': SHOW_FILES, f'{place}/hello.txt': 'one\n',
                        f'{place}/folder/deep.txt': 'two\n'})
    result = run_make(f'APP={folder}')
    assert result.returncode == 0, result.stdout + result.stderr
    assert '/hello.txt: one' in result.stdout and '/folder/deep.txt: two' in result.stdout


def test_more_sources(appliance):
    folder = appliance({
        'main.c': '#include <stdio.h>\n#include "sub/part.h"\n'
                  'int main(void) { printf("part says %d %s\\n", part(), WORD); return 0; }\n',
        'sub/part.h': 'int part(void);\n', 'sub/part.c': 'int part(void) { return 42; }\n',
        'app.mk': "SRCS += sub/part.c\nCFLAGS += -DWORD='\"given\"'\n"})
    result = run_make(f'APP={folder}')
    assert result.returncode == 0 and 'part says 42 given' in result.stdout, \
        result.stdout + result.stderr


def test_relative_paths_of_app_mk_start_at_its_folder(appliance):
    """Globs, includes, folders of headers and archives."""
    folder = appliance({
        'main.c': '#include <stdio.h>\n#include <part.h>\n'
                  'int main(void) { printf("part says %d\\n", part()); return 0; }\n',
        'sub/part.c': 'int part(void) { return 42; }\n', 'inc/part.h': 'int part(void);\n',
        'more.mk': 'SRCS := $(wildcard sub/*.c)\n', 'app.mk': 'include more.mk\nCFLAGS := -Iinc\n'})
    result = run_make(f'APP={folder}')
    assert result.returncode == 0 and 'part says 42' in result.stdout, result.stdout + result.stderr


OURS = ['task', 'check', 'sock', 'fault', 'net', 'hal', 'board', 'cpu', 'arch', 'tar', 'disk']


def test_headers_of_the_application_win(appliance):
    """Whatever names the headers of this tree have, and with those that <vireo.h> includes."""
    files = {f'lib/{name}.h': f'#define MINE_{name} 1\n' for name in OURS}
    files.update({f'sub/{name}.c': f'#include "{name}.h"\nint x_{name} = MINE_{name};\n'
                  for name in OURS})
    files['main.c'] = '#include "hal.h"\n#include <vireo.h>\n#include <stdio.h>\n' \
                      'int main(void) { hal_log(HAL_INFO, "me", "mine %d", MINE_hal); return 0; }\n'
    files['app.mk'] = 'SRCS := $(wildcard sub/*.c)\nCFLAGS := -Ilib -Werror\n'
    result = run_make('image', f'APP={appliance(files)}')
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_header_of_the_tree_that_changed_is_seen(appliance):
    """The objects of an application depend on the headers of this tree as well."""
    folder = appliance({'main.c': '#include <vireo.h>\nint main(void) { return 0; }\n'})
    assert run_make('image', f'APP={folder}').returncode == 0
    found = [os.path.join(at, name) for at, _, names in os.walk(
                 os.path.join(images.BUILD, images.ARCH, 'obj', 'app')) for name in names
             if os.path.basename(at).startswith(folder.name) and name.endswith('.d')]
    assert any('platform/vireo/task.h' in open(path).read() for path in found)


def archive(folder, value):
    """folder/l.a, whose f() returns the value."""
    cross = os.environ.get('CROSS', 'aarch64-linux-gnu-')
    (folder / 'f.c').write_text(f'int f(void) {{ return {value}; }}\n')
    subprocess.run(f'{cross}gcc -O2 -c f.c -o f.o && rm -f l.a && {cross}ar qc l.a f.o', shell=True,
                   check=True, cwd=folder)


def test_an_archive_that_changed_is_linked_again(appliance):
    folder = appliance({'main.c': 'int f(void);\nint main(void) { return f(); }\n',
                        'app.mk': 'LIBS := l.a\n'})
    for value in (4, 5):
        archive(folder, value)
        result = run_make(f'APP={folder}')
        assert f'vireo: exit {value}' in result.stdout, result.stdout + result.stderr
    result = run_make('image', f'APP={folder}')
    assert result.returncode == 0 and 'LD' not in result.stdout


def test_a_warning_stops_a_build_of_ci_alone(appliance):
    """An application within the tree: its warnings are errors with WERROR=1 only."""
    folder = os.path.join(TREE, 'build', f'warned-{os.getpid()}')
    os.mkdir(folder)
    try:
        with open(os.path.join(folder, 'main.c'), 'w') as f:
            f.write('int main(void) { int unused; return 0; }\n')
        strict = run_make('image', f'APP={folder}', 'WERROR=1')
        loose = run_make('image', f'APP={folder}', 'WERROR=')
    finally:
        subprocess.run(f'rm -rf {folder} {images.BUILD}/{images.ARCH}/warned-*', shell=True)
    assert strict.returncode != 0 and 'Werror=unused' in strict.stderr
    assert loose.returncode == 0 and 'warning: unused variable' in loose.stderr


def test_tilde(appliance):
    """The shell leaves it behind the equals sign."""
    folder = appliance({'main.c': MAIN})
    result = run_make('-s', 'check', f'APP=~/{folder.name}', env={'HOME': str(folder.parent)})
    assert result.returncode == 0, result.stderr
    result = run_make('-s', 'check', 'APP=~/nosuch', env={'HOME': str(folder.parent)})
    assert f'{folder.parent}/nosuch: there is no such folder' in result.stderr


def test_a_named_driver_is_linked(appliance):
    """DRIVERS += brings in what nothing in the source asks for."""
    folder = appliance({'main.c': MAIN, 'app.mk': 'DRIVERS += block\n'})
    assert run_make('image', f'APP={folder}').returncode == 0
    assert 'vblk' in open(images.image(folder.name, 'map')).read()


@pytest.mark.parametrize('files, words', [
    ({'other.c': MAIN}, 'no main.c'),
    ({'main.c': 'int main(void) { return undeclared; }\n'}, 'undeclared'),
    ({'main.c': MAIN, 'app.mk': 'SRCS += nosuch.c\n'}, 'nosuch.c'),
    ({'main.c': MAIN, 'app.mk': 'DRIVERS += nosuch\n'}, 'nosuch'),
    ({'main.c': MAIN, 'app.mk': 'LIBS := nosuch.a\n'}, 'LIBS names what does not exist'),
    ({'main.c': MAIN, 'app.mk': 'SMALL := nosuch.c\n'}, 'nosuch.c, not among SRCS'),
    ({'main.c': MAIN, 'app.mk': 'FOWARD := 8080:80\n'}, 'FOWARD means nothing; FORWARD is meant'),
    ({'main.c': MAIN, 'app.mk': 'src = a.c\n'}, 'src means nothing; SRCS is meant'),
    ({'main.c': MAIN, 'app.mk': 'FORMATS := all\n'}, 'FORMATS := all: it is full, or not there'),
    ({'main.c': MAIN, 'app.mk': 'SCRATCH := lots\n'}, 'SCRATCH := lots is no size'),
    ({'main.c': MAIN, 'app.mk': 'SCRATCH := 16 M\n'}, 'SCRATCH := 16 M is no size'),
    ({'main.c': MAIN, 'app.mk': 'a makefile?\n'}, 'app.mk cannot be read, for the reason above'),
])
def test_mistakes_are_told(appliance, files, words):
    result = run_make('image', f'APP={appliance(files)}')
    assert result.returncode != 0
    assert words in result.stdout + result.stderr


@pytest.mark.parametrize('forward, words', [
    ('99999:80', 'FORWARD := 99999:80: a port is'), ('80', 'FORWARD := 80: write HOST:GUEST'),
    ('45080:80 45080:81', 'leads to port 80 of the image already')])
def test_mistakes_of_forward_name_it(appliance, forward, words):
    result = run_make(f'APP={appliance({"main.c": MAIN, "app.mk": f"FORWARD := {forward}"})}')
    assert result.returncode != 0 and words in result.stderr, result.stderr
    assert 'the appliance ended' not in result.stderr      # it never ran


def test_variables_of_its_own(appliance):
    """In app.mk, and on the command line for it."""
    folder = appliance({'main.c': 'int main(void) { return WORD; }\n',
                        'app.mk': 'MINE ?= 3\nCFLAG = -DWORD=$(MINE)\n'
                                  'CFLAGS := $(CFLAG)\n'})
    assert 'vireo: exit 3' in run_make(f'APP={folder}').stdout
    result = run_make(f'APP={folder}', 'MINE=4')
    assert 'vireo: exit 4' in result.stdout and 'note:' not in result.stdout


@pytest.mark.full
def test_debug_build(appliance, boot):
    """DEBUG=1 compiles the assertions in, and they hold."""
    source = os.path.join(TREE, 'tests', 'apps', 'tasks', 'main.c')
    folder = appliance({'main.c': open(source).read().replace('../checks.h', 'checks.h'),
                        'checks.h': open(os.path.join(TREE, 'tests', 'apps', 'checks.h')).read()})
    result = run_make('-s', 'image', f'APP={folder}', 'DEBUG=1')
    assert result.returncode == 0, result.stdout + result.stderr
    guest = boot(images.image(folder.name), net='none')
    assert guest.wait(60) == 0
    assert guest.seen('checks: passed=.* failed=0')


def test_documented_appliance(appliance):
    """The first main.c of docs/appliance.md builds and runs as printed there."""
    text = open(os.path.join(TREE, 'docs', 'appliance.md')).read()
    source = re.search(r'```c\n(.*?)```', text, re.S)
    assert source, 'docs/appliance.md shows no C source'
    folder = appliance({'main.c': source[1]})
    result = run_make('image', f'APP={folder}')
    assert result.returncode == 0, result.stdout + result.stderr


# ---- errata of a CPU ----

# The instructions of Cortex-A53's erratum 843419: ADRP at the end of a page, a load, and a load
# from ADRP's page.
ERRATUM = r"""
#include <stdio.h>

int far[1 << 20];
int get(const int *near);

__asm__(".section .text.get, \"ax\"\n"
        ".balign 4096\n"
        ".skip 0xff8\n"
        ".globl get\n"
        "get: adrp x1, far + OFFSET\n"
        "ldr w2, [x0]\n"
        "ldr w0, [x1, :lo12:far + OFFSET]\n"
        "add w0, w0, w2\n"
        "ret\n"
        ".previous\n");

int main(void)
{
    int near = 0;

    far[OFFSET / 4] = 42;
    return get(&near);
}
"""


@pytest.mark.parametrize('offset, adr', [(0x1000, True), (0x300000, False)])
def test_an_erratum_of_a_cpu(appliance, offset, adr):
    """The linker changes ADRP to ADR, which takes no room, or where that reaches not so far, puts a
    branch there; either way the image runs."""
    folder = appliance({'main.c': ERRATUM.replace('OFFSET', hex(offset))})
    result = run_make(f'APP={folder}', 'V=')
    assert 'vireo: exit 42' in result.stdout, result.stdout + result.stderr
    code = subprocess.run(['aarch64-linux-gnu-objdump', '-d', '--disassemble=get',
                           images.image(folder.name, 'elf')], capture_output=True, text=True,
                          check=True).stdout
    first, _, third = re.findall(r'^\s+[0-9a-f]+:\s+[0-9a-f]{8}\s+(\w+)', code, re.M)[:3]
    assert (first, third) == (('adr', 'ldr') if adr else ('adrp', 'b')), code
