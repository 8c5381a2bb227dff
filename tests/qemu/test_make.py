# SPDX-License-Identifier: BSD-2-Clause
"""make: its help, its mistakes, its set-up, the disk; and what is in the images."""
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import time

import pytest

from conftest import TREE, run_make
from vireolib import http, images


def test_help_lists_targets_and_variables():
    text = run_make('help').stdout
    for word in ('run', 'image', 'test', 'bench', 'load', 'disk', 'debug', 'pictures', 'APP=',
                 'ARCH=', 'BOARD=', 'CROSS=', 'NEWLIB_DIR=', 'LWIP_DIR=', 'QEMU=', 'TRANSPORT=',
                 'hello', 'httpd', 'blkcheck', 'mmio-legacy', 'aarch64'):
        assert word in text, word


@pytest.mark.parametrize('args, words', [
    (['APP=nosuch'], ('APP=nosuch', 'hello', 'httpd', 'blkcheck')),
    (['ARCH=vax'], ('ARCH=vax', 'aarch64')),
    (['BOARD=nosuch'], ('BOARD=nosuch', 'virt', './nosuch')),
    (['BOARD=/no/such/folder'], ('/no/such/folder', 'linker script', 'aarch64-folder.ld')),
    (['BOARD=tests/boards/fixed', 'ARCH=arm'], ('ARCH=arm', 'aarch64')),
    (['TRANSPORT=isa'], ('TRANSPORT=isa', 'mmio', 'mmio-legacy', 'pci')),
    (['APP=/no/such/folder'], ('/no/such/folder', 'no such folder', 'main.c')),
    (['APP=./Makefile'], ('APP=./Makefile: it is a file', 'main.c')),
    (['APP=.'], ('APP=.: there is no main.c',)),
    (['DEBGU=1'], ('no variable DEBGU; DEBUG is meant', 'TRANSPORT')),
    (['debug=1'], ('no variable debug; DEBUG is meant',)),
    (['Tests=x', 'test'], ('no variable Tests; TESTS is meant',)),
    (['PORT=http'], ('PORT=http: it is a port',)),
    (['PORT=65536'], ('PORT=65536: it is a port',)),
    (['APP=hello', 'MEM=1T'], ('vireo: MEM=1T: write MiB',)),
    (['APP=hello', 'GIC=7'], ('vireo: GIC=7: it is one of 2, 3, max',)),
    (['APP=hello', 'SMP=x', 'CPU=z80'], ('vireo: SMP=x: write',)),
    (['nosuchtarget'], ('no target nosuchtarget',)),
    (['imgae'], ('no target imgae (image is meant?)', 'compile-check')),
    (['rnu'], ('no target rnu (run is meant?)',)),
])
def test_mistakes_say_what_exists(args, words):
    result = run_make('-s', *args)
    assert result.returncode != 0
    for word in words:
        assert word in result.stderr, result.stderr


@pytest.mark.parametrize('value, debug', [('1', True), ('0', False), ('', False)])
def test_a_switch_is_off_with_0(value, debug):
    said = run_make('-n', 'image', 'APP=hello', f'DEBUG={value}', '-W', 'examples/hello/main.c')
    assert said.returncode == 0, said.stderr
    assert ('DVIREO_DEBUG' in said.stdout) == debug
    assert 'DEBUG=yes: it is 1, or 0' in run_make('check', 'DEBUG=yes').stderr


def test_variables_that_no_makefile_reads():
    """One that has nearly no name of ours may be meant for anything: a note."""
    result = run_make('-s', 'check', 'QWXZ=1')
    assert result.returncode == 0 and 'note: QWXZ: no makefile reads that' in result.stdout


@pytest.mark.parametrize('variable, value', [('NEWLIB_DIR', '/no/such/newlib'),
                                             ('LWIP_DIR', '/no/such/lwip'),
                                             ('CROSS', '/no/such/cross-'),
                                             ('QEMU', '/no/such/qemu')])
def test_overrides_that_lead_nowhere(variable, value):
    target = 'run' if variable == 'QEMU' else 'image'
    result = run_make('-s', target, 'APP=hello', f'{variable}={value}')
    assert result.returncode != 0
    assert value in result.stdout + result.stderr


def test_nothing_to_do_is_quiet_and_quick():
    assert run_make('image', 'APP=hello').returncode == 0
    before = time.monotonic()
    result = run_make('-s', 'image', 'APP=hello')
    assert result.returncode == 0 and result.stderr == '' and time.monotonic() - before < 60
    assert 'CC' not in result.stdout and 'LD' not in result.stdout


def test_options_for_pytest_do_no_harm_elsewhere():
    """TESTS= is for pytest alone; the makefiles below must not take it for theirs."""
    result = run_make('-n', 'host-tests', 'TESTS=-k boot')
    assert result.returncode == 0, result.stderr


def steps(*args):
    """What make would run: the makefiles that it would call."""
    said = run_make('-n', *args)
    assert said.returncode == 0, said.stderr
    assert 'pytest' in said.stdout
    return re.findall(r'-f (scripts/\w+\.mk)', said.stdout)


@pytest.mark.parametrize('target', ['test', 'test-full'])
def test_chosen_tests_build_what_they_need(target):
    """Nothing but the libraries is built in front of tests that TESTS= names: no fuzz target, no
    host program, no example."""
    every = {f'scripts/{name}.mk'
             for name in ('deps', 'tests', 'examples', 'host', 'fuzz', 'kernels')}
    assert every <= set(steps(target))
    assert steps(target, 'TESTS=tests/test_source.py') == ['scripts/deps.mk']


@pytest.mark.parametrize('tests', ['', 'tests/test_source.py'])
def test_the_format_is_checked_by_every_run(tests):
    """test_source.py would skip its check of the format where clang-format is missing."""
    said = run_make('-n', 'test', f'TESTS={tests}').stdout
    assert re.search(r'scripts/setup .*\bformat\b', said)


def test_one_program_can_be_made():
    """By its path, as the fixtures do it."""
    assert run_make('build/host/test_rng').returncode == 0
    assert 'HOST' not in run_make('build/host/test_rng').stdout
    result = run_make('build/host/test_nosuch')
    assert result.returncode != 0 and 'test_nosuch' in result.stderr


# ---- set-up ----

SETUP = os.path.join(TREE, 'scripts', 'setup')


def setup(*args, **env):
    return subprocess.run([SETUP, *args], capture_output=True, text=True, timeout=240,
                          env={**os.environ, **env})


def test_setup_is_quiet_and_quick_when_nothing_is_missing():
    before = time.monotonic()
    result = setup('build', 'run', 'test')
    assert (result.returncode, result.stdout, result.stderr) == (0, '', '')
    assert time.monotonic() - before < 30     # an installation takes longer


def few_programs(folder):
    """A PATH with the shell's own tools, but no QEMU and no cross compiler."""
    for name in ('sh', 'cut', 'grep', 'uniq', 'id', 'cat', 'dirname', 'env', 'sed', 'printf',
                 'tail', 'mkdir', 'make', 'python3', 'xz', 'gcc', 'curl'):
        for place in ('/usr/bin', '/bin'):
            if os.path.exists(f'{place}/{name}') and not os.path.lexists(folder / name):
                os.symlink(f'{place}/{name}', folder / name)
    return str(folder)


SYSTEMS = {     # os-release -> what the message says, and what it does not
    'ID=fedora\nVERSION_ID=41\n': (
        'this is fedora 41,', 'on Fedora: dnf install ', 'qemu-system-aarch64 (Fedora package',
        'compiler-rt', 'httpd-tools', '!qemu-system-arm', '!apache2-utils'),
    'ID="rocky"\nVERSION_ID="9.4"\nID_LIKE="rhel centos fedora"\n': (
        'this is rocky 9.4,', 'dnf install', 'arm-none-eabi-gcc-cs'),
    'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n': (
        'this is ubuntu 24.04,', 'on Ubuntu: apt-get install ', 'qemu-system-arm',
        'libclang-rt-18-dev', 'clang-format-14', '!dnf'),
    'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID=22\n': (
        'this is linuxmint 22,', 'on Ubuntu: apt-get', 'libclang-rt-18-dev'),
    'ID=debian\nVERSION_ID=11\n': ('this is debian 11,', 'libclang-rt-dev', 'clang-format-14'),
    'ID=debian\n': ('this is debian,', 'on Debian: apt-get', '!clang-format', '!dnf'),
    'ID=arch\n': ('this is arch,', 'on Debian: apt-get', 'Debian package qemu-system-arm'),
}


@pytest.mark.parametrize('system', SYSTEMS, ids=lambda text: re.search(r'ID="?(\w+)', text)[1])
def test_setup_elsewhere_names_what_to_install(tmp_path, system):
    """On another system: the programs, its packages, the overrides, and nothing is touched."""
    (tmp_path / 'bin').mkdir()
    release = tmp_path / 'os-release'
    release.write_text(system)
    result = setup('build', 'run', 'test', 'format', PATH=few_programs(tmp_path / 'bin'),
                   SETUP_OS_RELEASE=str(release))
    assert result.returncode != 0
    for word in ('gcc-aarch64-linux-gnu', 'CROSS=', 'QEMU=', *SYSTEMS[system]):
        assert (word.lstrip('!') in result.stderr) != word.startswith('!'), result.stderr


def test_dependency_document_agrees_with_the_list():
    table = setup('--table').stdout.strip()
    document = open(os.path.join(TREE, 'docs', 'dependencies.md')).read()
    assert table and table in document, '`scripts/setup --table` prints another table'


# ---- the disk ----

def test_make_disk_is_repeatable(make_disk, tmp_path):
    root = tmp_path / 'site'
    (root / 'sub').mkdir(parents=True)
    (root / 'index.html').write_text('x')
    (root / 'sub' / 'y').write_text('y')
    first, second = make_disk(root), make_disk(root)
    assert open(first, 'rb').read() == open(second, 'rb').read()


@pytest.mark.parametrize('args, words', [
    (['DIR=FOLDER/nosuch', 'OUT=FOLDER/x.img'], 'nosuch does not exist'),
    (['DIR=FOLDER/file', 'OUT=FOLDER/x.img'], 'file is no folder'),
    (['DIR=FOLDER/site', 'OUT=FOLDER'], 'is a folder: give the name of a file'),
    (['DIR=FOLDER/site', 'OUT=FOLDER/site/x.img'], 'would be a part of itself'),
    (['DIR=FOLDER/site', 'OUT=FOLDER/file'], 'file holds something else, which would be lost'),
    (['DIR=FOLDER/site', 'OUT=FOLDER/x.img', 'SIZE=much'], 'mkdisk: SIZE=much is no size'),
    (['DIR=FOLDER/site', 'OUT=FOLDER/x.img', 'SIZE=1'], 'more than the 1 of SIZE='),
    (['DIR=FOLDER/site', 'OUT=FOLDER/file/x.img'], 'file'),
    (['DIR=FOLDER/linked', 'OUT=FOLDER/x.img'], 'No such file'),
])
def test_mistakes_of_make_disk(tmp_path, args, words):
    (tmp_path / 'site').mkdir()
    (tmp_path / 'linked').mkdir()
    (tmp_path / 'linked' / 'l').symlink_to('nowhere')
    (tmp_path / 'file').write_text('the only copy')
    result = run_make('-s', 'disk', *(arg.replace('FOLDER', str(tmp_path)) for arg in args))
    assert result.returncode != 0 and words in result.stderr, result.stderr
    assert 'Traceback' not in result.stderr
    assert (tmp_path / 'file').read_text() == 'the only copy'
    assert not (tmp_path / 'x.img').exists()


def test_an_empty_folder_makes_a_disk_again_and_again(tmp_path):
    """Its archive is nothing but zeros, which may be replaced."""
    (tmp_path / 'site').mkdir()
    for _ in range(2):
        result = run_make('-s', 'disk', f'DIR={tmp_path}/site', f'OUT={tmp_path}/x.img')
        assert result.returncode == 0, result.stderr


def test_the_demo_goes_on_with_the_disk_that_was_made(tmp_path):
    """`make disk DIR=` lasts: building again does not put the demo's own pages back."""
    def names():
        with tarfile.open(os.path.join(TREE, 'build', 'site.img')) as tar:
            return tar.getnames()

    (tmp_path / 'mine.html').write_text('mine')
    try:
        assert run_make('-s', 'disk', f'DIR={tmp_path}').returncode == 0
        assert run_make('-s', 'image', 'APP=httpd').returncode == 0
        assert names() == ['mine.html']
    finally:
        assert run_make('-s', 'disk').returncode == 0
    assert run_make('-s', 'image', 'APP=httpd').returncode == 0
    assert 'index.html' in names()


def test_make_run_prints_the_address_and_ctrl_c_ends_it():
    """`make` alone: the printed address answers, and an interrupt ends all of it quietly."""
    env = {k: v for k, v in os.environ.items() if k not in ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS')}
    process = subprocess.Popen(['make', '--no-print-directory'], cwd=TREE, env=env, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        port = None
        for line in process.stdout:
            address = re.search(r'http://127\.0\.0\.1:(\d+)/', line)
            port = int(address[1]) if address else port
            if line.startswith('vireo: ready'):
                break
        assert port, 'no address was printed'
        assert b'<html' in http.get(port).body.lower()
        os.killpg(process.pid, 2)                # as a terminal does it
        rest = process.stdout.read()
        process.wait(80)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
            process.wait()
        process.stdout.close()
    assert 'Traceback' not in rest and 'terminating' not in rest, rest
    with pytest.raises(OSError):
        http.get(port, timeout=2)


# ---- what is in an image ----

def map_of(built, app):
    built(app)
    return open(images.image(app, 'map')).read()


def test_hello_holds_no_network_and_no_block_code(built):
    text = map_of(built, 'hello')
    kept = text.split('Linker script and memory map')[1]
    # Sections at an address other than 0 with a size are in the image; the discarded ones are not.
    not_zero = '0x0*[1-9a-f][0-9a-f]*'
    linked = re.findall(rf'^ \S*\s*{not_zero}\s+{not_zero}\s+(\S+)$', kept, re.M)
    assert linked, 'the map file is not as expected'
    for name in linked:
        assert not re.search(r'lwip|/net/|drivers/(net|block|virtio|pci)', name), name


def test_symbols_of_hello_and_httpd(built):
    """The same by the ELF file's symbols: hello lacks what httpd has."""
    nm = os.environ.get('CROSS', 'aarch64-linux-gnu-') + 'nm'
    names = {app: set(subprocess.run([nm, built(app, 'elf')], capture_output=True, text=True,
                                     check=True).stdout.split()) for app in ('hello', 'httpd')}
    for symbol in ('tcp_input', 'lwip_init', 'block_submit'):
        assert symbol in names['httpd'] and symbol not in names['hello'], symbol


@pytest.mark.parametrize('app, arch', images.LIMITS)
def test_size(built, app, arch):
    assert os.path.getsize(built(app, arch=arch)) <= images.LIMITS[app, arch]


def test_images_are_repeatable(tmp_path):
    """Linking again gives the same bytes."""
    folder = tmp_path / f'again-{os.getpid()}'
    shutil.copytree(os.path.join(TREE, 'examples', 'hello'), folder)
    seen = set()
    for _ in range(2):
        assert run_make('-s', 'image', f'APP={folder}').returncode == 0
        with open(images.image(folder.name), 'rb') as f:
            seen.add(hashlib.sha256(f.read()).hexdigest())
        for suffix in ('img', 'elf', 'map', 'app'):
            os.unlink(images.image(folder.name, suffix))
    assert len(seen) == 1


def test_elf_has_no_writable_code(built):
    """No segment is both writable and executable."""
    readelf = os.environ.get('CROSS', 'aarch64-linux-gnu-') + 'readelf'
    for app in ('hello', 'httpd'):
        text = subprocess.run([readelf, '-lW', built(app, 'elf')], capture_output=True, text=True,
                              check=True).stdout
        flags = re.findall(r'^\s+LOAD\s+.*\s([R ][W ][E ])\s+0x[0-9a-f]+$', text, re.M)
        assert flags and not [f for f in flags if 'W' in f and 'E' in f], text


CELLS = '^(gcc-O2|lld-gc-sections|start-stop-gc|least-kernel|part-net|prefix|cxx)$'


def check_compile(*args):
    result = run_make('-s', 'compile-check', *args, timeout=900)
    assert result.returncode == 0, result.stdout + result.stderr
    match = re.search(r'compile-check: files=(\d+) freestanding=(\d+) machines=(\d+)',
                      result.stdout)
    assert match and int(match[1]) > 10 and int(match[3]) == 3
    match = re.search(r'compile-matrix: cells=(\d+) bad=(\d+)', result.stdout)
    assert match and int(match[1]) and not int(match[2]), result.stdout
    return int(match[1])


def test_drivers_compile_for_three_machines_and_other_kernels():
    assert check_compile(f'CELLS={CELLS}') == 7


@pytest.mark.full
def test_drivers_compile_in_every_way():
    assert check_compile() > 25
