# SPDX-License-Identifier: BSD-2-Clause
"""The SDK (`make sdk PREFIX=`): programs with a build of their own, configure, CMake or a makefile,
in a folder outside the tree, are compiled by vireo-cc and boot."""
import os
import subprocess
import sys

import pytest

from conftest import TREE, clean_environment, run_make

HEADERS = {
    # Each has the name of one of Vireo's, or of its internals.
    'include/task.h': 'int task(int n);\n',
    'include/net.h': '#define NET_SAYS "mine"\n',
    'check.h': '#define CHECK_SAYS "mine too"\n',
}
SOURCES = {
    **HEADERS,
    'part.c': '#include <math.h>\n#include <task.h>\nint task(int n) { return (int)sqrt(n); }\n',
    'main.c': r'''
#include "check.h"
#include <net.h>
#include <stdio.h>
#include <task.h>
#include <unistd.h>
#if !defined __vireo__ || !defined __unix__ || defined __linux__
#error "another target"
#endif

int main(int argc, char **argv)
{
    printf("%s: %d, %s, %s; ", argv[0], task(49), NET_SAYS, CHECK_SAYS);
    printf("%2$s %1$s %3$.1Lf\n", "arguments", argc > 1 ? argv[1] : "no", 0.5L);
    return argc;
}
''',
}
SAID = 'parts: 7, mine, mine too; '
CONFIGURE = r'''
set -e
CC=$1
try() {
    printf '%s\n' "$1" >conftest.c
    shift
    $CC -g -O2 -I include -o conftest conftest.c "$@" >>config.log 2>&1
}
has() { if "$@"; then echo yes; else echo no; fi; }
$CC --version >/dev/null && $CC -v 2>/dev/null
echo "machine $($CC -dumpmachine)"
echo "links $(has try 'int main(void) { return 0; }')"
for f in getline sqrt socket no_such_function; do
    echo "$f $(has try "char $f(); int main(void) { return $f(); }" -fno-builtin -lm)"
done
for h in sys/socket.h sys/sendfile.h windows.h hal.h lwip/tcp.h block/block.h; do
    echo "$h $(has try "#include <$h>
int main(void) { return 0; }")"
done
echo "long $(has try 'int a[sizeof(long) == 8 ? 1 : -1]; int main(void) { return 0; }')"
echo "shared $(has try 'int f(void) { return 0; }' -shared)"
echo '#include <limits.h>' | $CC -E - | grep -c . >/dev/null
test -s conftest
'''
ANSWERS = '''machine aarch64-vireo
links yes
getline yes
sqrt yes
socket yes
no_such_function no
sys/socket.h yes
sys/sendfile.h yes
windows.h no
hal.h no
lwip/tcp.h no
block/block.h no
long yes
shared no
'''
MAKEFILE = '''
CFLAGS = -O2 -g -Wall -Werror -MMD -MP -Iinclude -fPIC -pthread
parts: main.o libpart.a
\t$(CC) $(CFLAGS) -rdynamic -o $@ main.o -L. -lpart -lm -lpthread -ldl
libpart.a: part.o
\t$(AR) rcs $@ $^
-include main.d part.d
'''
CMAKE = '''
cmake_minimum_required(VERSION 3.13)
project(parts C)
include(CheckFunctionExists)
check_function_exists(getline HAVE_GETLINE)
check_function_exists(no_such_function HAVE_NOTHING)
if(NOT HAVE_GETLINE OR HAVE_NOTHING)
    message(FATAL_ERROR "functions are not told apart")
endif()
add_library(part STATIC part.c)
target_include_directories(part PUBLIC include)
add_executable(parts main.c)
target_link_libraries(parts part m)
'''


@pytest.fixture(scope='module')
def sdk(tmp_path_factory):
    """Where the SDK lies."""
    prefix = tmp_path_factory.mktemp('sdk')
    made = run_make('sdk', f'PREFIX={prefix}')
    assert made.returncode == 0, made.stdout + made.stderr
    return str(prefix)


@pytest.fixture
def project(tmp_path):
    """project({name: text}) -> a folder with these files."""
    def make(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return str(tmp_path)

    return make


def run(*words, cwd, status=0):
    """A command's output; its end with another status fails."""
    done = subprocess.run(words, cwd=cwd, text=True, capture_output=True, timeout=120,
                          env=clean_environment())
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def boots(elf, *args, status):
    """What a program says that ends with that status."""
    words = ['run', elf, '--net', 'none', '--args', *args]
    return run(sys.executable, os.path.join(TREE, 'scripts/vireo'), *words, cwd=TREE, status=status)


def test_a_configure_script(sdk, project):
    folder = project({**SOURCES, 'configure': CONFIGURE})
    assert run('sh', 'configure', f'{sdk}/bin/aarch64-vireo-gcc', cwd=folder) == ANSWERS


def test_a_makefile(sdk, project):
    folder = project({**SOURCES, 'Makefile': MAKEFILE})
    tools = [f'CC={sdk}/bin/vireo-cc', f'AR={sdk}/bin/vireo-ar']
    run('make', *tools, cwd=folder)
    said = boots(f'{folder}/parts', 'some', status=2)
    assert SAID in said and 'some arguments 0.5' in said
    (subject, needs) = open(f'{folder}/main.d').read().split(':', 1)
    assert subject == 'main.o' and 'include/net.h' in needs
    assert 'up to date' in run('make', *tools, 'LANG=C', cwd=folder)


def test_a_fault_is_shown_by_names(sdk, project):
    folder = project({'main.c': '''
static __attribute__((noinline)) void fails(volatile int *p) { *p = 1; }
int main(void) { fails(0); return 0; }
'''})
    run(f'{sdk}/bin/vireo-cc', 'main.c', '-O1', '-ofaulty', cwd=folder)
    assert 'fails+0x' in boots(f'{folder}/faulty', status=134)


def test_a_cmake_project(sdk, project):
    folder = project({**SOURCES, 'CMakeLists.txt': CMAKE})
    run('cmake', '-B', 'build', f'-DCMAKE_TOOLCHAIN_FILE={sdk}/lib/vireo/vireo.cmake', cwd=folder)
    run('cmake', '--build', 'build', cwd=folder)
    assert SAID in boots(f'{folder}/build/parts', status=1)


def test_packages_of_this_machine_are_not_found(sdk, project):
    folder = project({})
    (os.makedirs(f'{folder}/pc'), open(f'{folder}/pc/part.pc', 'w').write(
        'Name: part\nDescription: part\nVersion: 1.0\nLibs: -lpart\n'))
    tool = f'{sdk}/bin/vireo-pkg-config'
    run(tool, '--exists', 'zlib', cwd=folder, status=1)
    found = run('env', f'VIREO_PKG_CONFIG_PATH={folder}/pc', tool, '--libs', 'part', cwd=folder)
    assert found.strip() == '-lpart'


def test_what_is_missing_is_said(sdk, project):
    folder = project({'main.cpp': 'int main() { return 0; }\n'})
    words = [os.path.join(TREE, 'scripts/vireo-cc'), 'main.cpp']
    done = subprocess.run(words, cwd=folder, text=True, capture_output=True)
    assert done.returncode == 1 and 'make sdk PREFIX=DIR' in done.stderr
