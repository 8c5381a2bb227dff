# SPDX-License-Identifier: BSD-2-Clause
"""`make test-os` but for the systems themselves: what it refuses, how it goes on, its last line,
and that no mount and no process outlives a command.
"""
import argparse
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import threading
import time

import pytest

from conftest import TREE
from vireolib import os_trees
from vireolib.machine import Unusable

SCRIPT = os.path.join(TREE, 'scripts', 'test-os')
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')


def script(*args, **more):
    return subprocess.run([sys.executable, SCRIPT, *args], text=True, capture_output=True, **more)


def test_other_systems_are_refused():
    result = script('14')
    assert result.returncode == 2 and 'no system 14; there is: 12, 13' in result.stderr


def test_root_is_asked_for(monkeypatch):
    monkeypatch.setattr(os, 'geteuid', lambda: 1000)
    with pytest.raises(Unusable, match='run it as root'):
        os_trees.check_here()


def test_one_run_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(os_trees, 'FOLDER', str(tmp_path))
    monkeypatch.setattr(os_trees, 'check_here', lambda: None)
    with open(tmp_path / 'lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Unusable, match='another run is at work'):
            os_trees.main(argparse.Namespace(systems=['13'], tests='', mirror='', fresh=False))


@AS_ROOT
def test_debootstrap_is_asked_for(tmp_path):
    result = script(env={'PATH': str(tmp_path)})
    assert result.returncode == 2
    assert 'debootstrap is not installed: install the package' in result.stderr


@pytest.fixture
def trees(tmp_path, monkeypatch):
    """check() of one system, in which the steps only write down that they were done."""
    monkeypatch.setattr(os_trees, 'FOLDER', str(tmp_path))
    done, outcomes = [], {}

    class Fake(os_trees.System):
        def make_base(self):
            pass

        def make_root(self, names):
            done.append('root')
            os.makedirs(self.root, exist_ok=True)

        def make_run(self, log_path):
            done.append('run')
            return outcomes.get('run')

        def make_test(self, log_path):
            done.append('test')
            return outcomes.get('test'), '' if 'test' in outcomes else '12 passed, 1 skipped'

    def check(names=('README.md',), **options):
        options = argparse.Namespace(**{'tests': '', 'mirror': '', 'fresh': False, **options})
        ok = Fake('13', options).check(list(names))
        said = done.copy()
        done.clear()
        return ok, said

    return argparse.Namespace(check=check, outcomes=outcomes)


def test_it_goes_on_where_it_was(trees, capsys):
    trees.outcomes['test'] = '1 failed, 11 passed'
    assert trees.check() == (False, ['root', 'run', 'test'])
    assert 'os: debian 13 FAILED: make test: 1 failed, 11 passed after' in capsys.readouterr().out
    del trees.outcomes['test']
    assert trees.check() == (True, ['test'])
    assert trees.check() == (True, [])
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r'os: debian 13 passed: make run in \d+ s \(\d+ s of CPU\), '
                        r'make test in \d+ s \(\d+ s of CPU\): 12 passed, 1 skipped', last), last


def test_another_tree_begins_anew(trees):
    assert trees.check() == (True, ['root', 'run', 'test'])
    assert trees.check(['README.md', 'VERSION']) == (True, ['root', 'run', 'test'])
    assert trees.check(['README.md', 'VERSION'], fresh=True) == (True, ['root', 'run', 'test'])


def test_chosen_tests_are_not_all(trees, capsys):
    assert trees.check(tests='-k boot')[0]
    assert capsys.readouterr().out.endswith('(TESTS=-k boot)\n')
    assert trees.check()[1] == ['root', 'run', 'test']


def test_a_failing_demo_is_told(trees, capsys):
    trees.outcomes['run'] = 'Ctrl-C does not end it'
    assert trees.check() == (False, ['root', 'run'])
    assert 'FAILED: make run: Ctrl-C does not end it' in capsys.readouterr().out


SKIP = 'SKIPPED [1] tests/x.py:1: '


@pytest.mark.parametrize('release, line, wrong', [
    ('13', SKIP + 'needs clang-format-14, which Debian 12 has', None),
    ('12', SKIP + 'needs clang-format-14, which Debian 12 has', 'a skipped test needs'),
    ('12', SKIP + 'needs root and /dev/net/tun', None),
    ('13', SKIP + 'ab is not installed', 'a skipped test needs'),
    ('13', 'net/x.c:5:2: warning: unused', 'the compiler warns 1 times'),
    ('13', 'qemu-system-aarch64: warning: slow', None)])
def test_all_tests_run_and_no_compiler_warns(tmp_path, monkeypatch, release, line, wrong):
    """A test may be skipped only for what the release, or this machine, cannot have."""
    system = os_trees.System(release, argparse.Namespace(tests='', mirror='', fresh=False))
    monkeypatch.setattr(system, 'command', lambda command: [
        'printf', line + r'\n== 3 passed, 1 skipped in 1.00s ==\n'])
    said = system.make_test(tmp_path / 'log')
    if wrong:
        assert said[0].startswith(f'3 passed, 1 skipped; {wrong}') and not said[1]
    else:
        assert said == (None, '3 passed, 1 skipped')


def holds(condition, seconds=60):
    """Waits for the condition; false if it does not come."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not condition() and time.monotonic() < end:
        pause.wait(0.05)
    return condition()


def running(word):
    """Is there a process with this word in its command line?"""
    for path in glob.glob('/proc/[0-9]*/cmdline'):
        try:
            with open(path, 'rb') as f:
                if word.encode() in f.read().split(b'\0'):
                    return True
        except OSError:        # it has just ended
            pass
    return False


@pytest.mark.skipif(not os.path.exists('/usr/share/keyrings/debian-archive-keyring.gpg'),
                    reason='no keyring of Debian')
@pytest.mark.skipif(not shutil.which('apt-get'), reason='no apt-get')
def test_an_installed_package_does_not_choose_the_source(tmp_path):
    """apt looks for the source of the version that is installed, which may be another release's:
    no package counts as installed for fetch-source.
    """
    apt = tmp_path / 'apt-get'
    apt.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\ncase "$*" in *update*) ;; '
                   f'*) exit 1 ;; esac\n')
    apt.chmod(0o755)
    fetch = subprocess.run(['sh', 'scripts/fetch-source', 'libfdt', str(tmp_path / 'libfdt')],
                           cwd=TREE, text=True, capture_output=True,
                           env={**os.environ, 'PATH': f"{tmp_path}:{os.environ['PATH']}"})
    if 'package sources name no Debian release' in fetch.stderr:
        pytest.skip('not a Debian system')
    calls = (tmp_path / 'calls').read_text().splitlines()
    assert len(calls) == 2 and calls[1].endswith('source device-tree-compiler')
    assert all('-oDir::State::status=/dev/null' in call for call in calls)


FAKE_APT = r"""#!/bin/sh
case "$*" in
*--print-uris*) echo "'mirror' linux-image-6.1.0-9-cloud-arm64_6.1.9-1_arm64.deb 1 none" ;;
*download*)
    for package; do
        case $package in
        linux-image-6*) version=6.1.9-1 ;;
        lighttpd) version=1.4.0-1 ;;
        *) continue ;;
        esac
        mkdir -p made/DEBIAN made/boot
        printf 'Package: %s\nVersion: %s\nArchitecture: arm64\nMaintainer: x\nDescription: x\n' \
            "$package" "$version" >made/DEBIAN/control
        echo "$package" >"made/boot/$package"
        dpkg-deb -b made "${package}_${version}_arm64.deb"
    done ;;
esac
"""


@pytest.mark.skipif(not os.path.exists('/usr/share/keyrings/debian-archive-keyring.gpg'),
                    reason='no keyring of Debian')
@pytest.mark.skipif(not shutil.which('dpkg-deb'), reason='no dpkg-deb')
@pytest.mark.parametrize('name, version, holds', [
    ('linux', '6.1.9-1', 'linux-image-6.1.0-9-cloud-arm64'), ('lighttpd', '1.4.0-1', 'lighttpd')])
def test_packages_that_benches_need(tmp_path, name, version, holds):
    """The package of a kernel has another name than the one that is asked for."""
    apt = tmp_path / 'apt-get'
    apt.write_text(FAKE_APT)
    apt.chmod(0o755)
    fetch = subprocess.run(['sh', 'scripts/fetch-source', name, str(tmp_path / name)],
                           cwd=TREE, text=True, capture_output=True,
                           env={**os.environ, 'PATH': f"{tmp_path}:{os.environ['PATH']}"})
    if 'package sources name no Debian release' in fetch.stderr:
        pytest.skip('not a Debian system')
    assert fetch.returncode == 0, fetch.stderr
    assert (tmp_path / name / '.version').read_text() == version + '\n'
    assert (tmp_path / name / 'boot' / holds).exists()


@AS_ROOT
def test_nothing_outlives_a_command(tmp_path, monkeypatch):
    """A tree with a shell: its command has mounts and processes, and then both are gone."""
    if not os_trees.own_mounts():
        pytest.skip('no mounts of its own here, as in a chroot')
    monkeypatch.setattr(os_trees, 'FOLDER', str(tmp_path))
    system = os_trees.System('13', argparse.Namespace(tests='', mirror='', fresh=False))
    for folder in ('proc', 'sys', 'dev', 'tmp', os_trees.INSIDE):
        os.makedirs(os.path.join(system.root, folder))
    for program in ('sh', 'env', 'sleep', 'cat'):
        path = shutil.which(program)
        needs = re.findall(r'(/\S+)', subprocess.run(['ldd', path], text=True, check=True,
                                                     capture_output=True).stdout)
        for file, name in [(path, f'/usr/bin/{program}'), *((n, n) for n in needs)]:
            target = system.root + name
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(os.path.realpath(file), target)
    log = tmp_path / 'log'
    with open(log, 'w') as f:
        system.start(system.command('cat /proc/mounts; sleep 98765'), f)
    assert holds(lambda: re.search(r'^\S+ /dev ', log.read_text(), re.M)), log.read_text()
    assert system.root not in open('/proc/mounts').read()
    system.stop()
    assert holds(lambda: not running('98765'))
    assert os.listdir(os.path.join(system.root, 'dev')) == []
