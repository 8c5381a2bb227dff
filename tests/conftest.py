# SPDX-License-Identifier: BSD-2-Clause
"""pytest set-up for all tests: the shared Python modules, hard timeouts, and the fixtures that
build and boot images. tests/README.md says how the tests are run and written.
"""
import dataclasses
import os
import re
import signal
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TREE, 'scripts'), os.path.join(TREE, 'tests'),
                os.path.join(TREE, 'tests', 'qemu')]

from matrix import Grid                                                  # noqa: E402
from requirement_marks import RowMarks                                  # noqa: E402
from tap_marks import TapMarks                                         # noqa: E402
from vireolib import images, plugins, soak_machine, tinyimage           # noqa: E402
from vireolib.guest import PATIENCE, Guest                             # noqa: E402
from vireolib.machine import Disk, Forward, Machine, find_qemu             # noqa: E402

# Seconds that a test may take on an idle machine, unless it has a mark timeout(seconds). On a busy
# one it is slower: PATIENCE times as many end it.
HARD_TIMEOUT = 90
DEFAULTS = {'mem': '64'}


# ---- which tests run, and for how long at most ----

def pytest_addoption(parser):
    parser.addoption('--full', action='store_true', help='also run the tests marked `full`')
    parser.addoption('--shows', metavar='FILE', help='write which test shows which rows')
    parser.addoption('--built', action='store_true',
                     help='what scripts/tests.mk builds is up to date')


def pytest_configure(config):
    config.addinivalue_line('markers', 'full: long, or repeats a matrix; make test-full runs it')
    config.addinivalue_line('markers', 'shows(*rows): the requirements that the test shows')
    config.addinivalue_line('markers', f'timeout(seconds): on an idle machine ({HARD_TIMEOUT})')
    os.environ.setdefault('PYTHONDONTWRITEBYTECODE', '1')
    config.pluginmanager.register(TapMarks(config))
    if hasattr(config, 'workerinput'):       # one of several processes: the first has the rest
        return
    config.pluginmanager.register(RowMarks(config.getoption('--shows')))
    config.pluginmanager.register(Grid(os.path.join(TREE, 'build', 'matrix.txt')))
    if config.pluginmanager.hasplugin('xdist'):
        from spread import Spread
        config.pluginmanager.register(Spread())


def pytest_collection_modifyitems(config, items):
    if config.getoption('--full'):
        return
    left_out = [item for item in items if item.get_closest_marker('full')]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker('full')]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """Ends a test that hangs, with a Python trace of where it did."""
    mark = item.get_closest_marker('timeout')
    limit = (mark.args[0] if mark else HARD_TIMEOUT) * PATIENCE

    def expired(*_):
        raise TimeoutError(f'the test took more than its {limit} s')

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# ---- building ----

def clean_environment(env=None):
    """The environment for a make of our own: without what a make above us has left there."""
    clean = {k: v for k, v in os.environ.items()
             if k not in ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'ARCH')}
    return {**clean, **(env or {})}


def run_make(*args, env=None, cwd=TREE, timeout=600):
    """Runs make in the tree; the completed process, with output as text."""
    left = signal.alarm(0)           # a build may wait for another, and is no part of the test
    try:
        return subprocess.run(['make', '--no-print-directory', *args], cwd=cwd, text=True,
                              capture_output=True, timeout=timeout, env=clean_environment(env))
    finally:
        signal.alarm(left)


# Of what scripts/tests.mk builds: with --built make is not asked again, for each of some hundred.
BUILT = re.compile(r'host-tests|build/(host/test_|host-tsan/|fuzz/|kernels/).*')


class Builder:
    """Builds what tests need, unless it is up to date, and shows make's lines on the terminal as
    they come: a build can take minutes."""

    def __init__(self, config):
        self._capture = config.pluginmanager.getplugin('capturemanager')
        self._built = config.getoption('--built')

    def __call__(self, *args):
        """Runs make; fails the test with what make said if make fails."""
        if self._built and all(map(BUILT.fullmatch, args)):
            return
        left = signal.alarm(0)
        try:
            with self._capture.global_and_fixture_disabled():
                status, said = self._run(args)
        finally:
            signal.alarm(left)
        if status:
            pytest.fail(f'make {" ".join(args)} failed\n{said}', pytrace=False)

    def _run(self, args):
        process = subprocess.Popen(['make', '--no-print-directory', '-s', *args], cwd=TREE,
                                   text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   errors='replace', env=clean_environment())
        said, shown = [], False
        for line in process.stdout:
            said.append(line)
            if '.img: ' in line:             # a size, which is told though nothing is made
                continue
            print('' if shown else '\n', line, sep='', end='', flush=True)
            shown = True
        return process.wait(), ''.join(said[-100:])


@pytest.fixture(scope='session')
def make():
    return run_make


@pytest.fixture(scope='session')
def builder(request):
    """builder('build/host/test_ring') makes that target of the Makefile, and fails the test if it
    cannot be made."""
    return Builder(request.config)


@pytest.fixture(scope='session')
def built(builder):
    """built('hello') -> path of its .img; tests/apps/NAME wins over examples/NAME. Builds once."""
    done = {}

    def path_of(app, kind='img', arch='aarch64'):
        if (app, arch) not in done:
            own = os.path.join('tests', 'apps', app)
            where = own if os.path.isdir(os.path.join(TREE, own)) else app
            other = ['CROSS=arm-none-eabi-', 'NEWLIB_DIR='] if arch == 'arm' else []
            builder('image', f'APP={where}', f'ARCH={arch}', *other)
            done[app, arch] = True
        return images.image(app, kind, arch)

    return path_of


@pytest.fixture(scope='session')
def programs(builder):
    """The directory above the built host programs (host/test_mmio), all of them."""
    builder('host-tests')
    return os.path.join(TREE, 'build')


@pytest.fixture(scope='session')
def make_disk(tmp_path_factory):
    """make_disk(DIR) -> path of a disk image with that folder's files, built by `make disk`."""
    def build(directory):
        out = str(tmp_path_factory.mktemp('disk') / 'site.img')
        result = run_make('-s', 'disk', f'DIR={directory}', f'OUT={out}')
        assert result.returncode == 0, result.stdout + result.stderr
        assert os.path.isfile(out), f'make disk left no {out}'
        return out

    return build


@pytest.fixture(scope='session')
def site_disk(make_disk):
    """The demo's disk, as a copy, since build/site.img may be in use."""
    return make_disk(os.path.join('examples', 'httpd', 'site'))


# ---- booting ----

@dataclasses.dataclass
class RawMachine(Machine):
    """A whole QEMU command line of a test; QMP and the log of guest errors are added."""
    raw: list = dataclasses.field(default_factory=list)

    def check(self):
        pass

    def command(self):
        return [find_qemu(), *self.raw, '-qmp', f'unix:{self.qmp},server=on,wait=off',
                '-d', 'guest_errors', '-D', self.guest_errors, *plugins.visited_args(self.image)]


class Boots:
    """Starts images for one test, and at its end fails the test if QEMU printed anything."""

    def __init__(self, built, tmp_path):
        self._built = built
        self._tmp_path = tmp_path
        self.guests = []
        self.expected = []         # patterns of lines that QEMU must print
        self.allowed = []          # patterns of lines that QEMU may print

    def __call__(self, app, forwards=(), disks=(), kind='img', arch='aarch64', **machine):
        """A Guest that runs `app` (a name, or the path of an image). Machine options as keywords;
        forwards are guest ports or Forward objects; disks are paths or Disk objects."""
        image = app if os.path.sep in app else self._built(app, kind, arch)
        described = Machine(
            image, forwards=[f if isinstance(f, Forward) else Forward(0, f) for f in forwards],
            disks=[d if isinstance(d, Disk) else Disk(str(d), read_only=True) for d in disks],
            **{**DEFAULTS, **machine})
        return self._start(described)

    def raw(self, args, image, forwards=()):
        """A Guest of a whole QEMU command line (without the program's name)."""
        return self._start(RawMachine(image, raw=args,
                                      forwards=[Forward(0, port) for port in forwards]))

    def machine(self, described):
        """A Guest of a Machine that is described already."""
        return self._start(described)

    def _start(self, described):
        directory = self._tmp_path / f'qemu{len(self.guests)}'
        directory.mkdir()
        guest = Guest(described, str(directory), patience=PATIENCE)
        self.guests.append(guest)
        return guest

    def expect_qemu_says(self, *patterns):
        """For a test that injects a fault: QEMU must print lines with these patterns, and no
        others."""
        self.expected += patterns

    def qemu_may_say(self, *patterns):
        """Likewise, for lines that QEMU prints or not, depending on timing."""
        self.allowed += patterns

    def finish(self):
        for guest in self.guests:
            guest.stop()

    def judge(self):
        for guest in self.guests:
            said = guest.stderr() + guest.guest_errors()
            fine = self.expected + self.allowed
            rest = [line for line in said if not any(re.search(p, line) for p in fine)]
            missing = [p for p in self.expected if not any(re.search(p, line) for line in said)]
            assert not rest, 'QEMU found fault:\n' + '\n'.join(rest[:20]) + '\n' + guest.report()
            assert not missing, f'QEMU did not say {missing}\n' + guest.report()


@pytest.fixture
def boot(built, tmp_path, request):
    """boot(app, **options) -> a running Guest, ended with the test."""
    boots = Boots(built, tmp_path)
    yield boots
    boots.finish()
    # The report of a failed test has QEMU's lines already.
    if not getattr(request.node, 'failed', False):
        boots.judge()


@pytest.fixture(scope='session')
def fault_site(tmp_path_factory):
    """A disk with random files, and their contents."""
    return soak_machine.make_site(str(tmp_path_factory.mktemp('site')))


@pytest.fixture
def rig(boot, built, fault_site, tmp_path):
    """rig(**machine) -> a Rig (vireolib/soak_machine.py) whose disks have been scanned once."""
    def start(**machine):
        disk, pages = fault_site
        described = soak_machine.machine(built('soak'), str(tmp_path), disk, **machine)
        started = soak_machine.Rig(boot.machine(described), str(tmp_path), pages)
        started.ready()
        return started

    return start


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == 'call' and report.failed:
        item.failed = True
        boots = item.funcargs.get('boot')
        for guest in boots.guests if boots else ():
            report.sections.append((f'serial log of {os.path.basename(guest.machine.image)}',
                                    guest.report()))


@pytest.fixture
def tiny(tmp_path):
    """tiny(text, status) -> path of a hand-made image that prints, and ends so (None: never)."""
    def write(text='', status=0):
        path = tmp_path / f'tiny{len(os.listdir(tmp_path))}.img'
        path.write_bytes(tinyimage.image(text, status))
        return str(path)

    return write
