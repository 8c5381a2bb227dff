# SPDX-License-Identifier: BSD-2-Clause
"""Mutants: the tree with one thing in it made wrong, and the test that notices.

tests/mutants/*.toml is the table. Each entry has

    name    what is wrong, as `area: words`
    file    of the tree
    old     text that occurs exactly once in it
    new     what it becomes
    tests   that are tried first: host programs ("test_split", "tsan/test_ring_threads") or what
            pytest takes ("tests/qemu/test_libc.py -k clock"). After them come the other host
            programs that the file is part of, then the boots of AT_LAST whose image it is part of

A mutant is built in a copy of the tree below build/mutants/, one for each worker. It must compile.
A test counts only if it passes in the same copy without the mutant.
"""
import collections
import concurrent.futures
import dataclasses
import fcntl
import glob
import hashlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import tomllib

from vireolib import conformance, listing
from vireolib.mutant_verdicts import Verdicts, can_notice, host_path

TREE = conformance.TREE
TABLES = os.path.join(TREE, 'tests', 'mutants')
WORK = os.path.join(TREE, 'build', 'mutants')
STATE = os.path.join(WORK, 'state.json')
SLOW = 200                 # seconds that a test may take before the mutant counts as hanging it
# Real devices, for what no host test notices: tests, and the image that they boot.
AT_LAST = {'tests/qemu/test_boot.py::test_httpd_on': 'httpd',
           'tests/qemu/test_block.py::test_blkcheck': 'blkcheck'}
# Of build/, the same for every copy.
SHARED = ('newlib-aarch64', 'newlib-arm', 'newlib-source', 'lwip', 'libfdt')
COPIED = ('host/obj', 'host/library.a', 'host-tsan/obj', 'host-tsan/library.a', 'aarch64/obj',
          'arm/obj')                       # of build/: objects, which save compiling
NOT_BUILT = re.compile(r'^(?:E +)?make \S+ .*failed$|^make: \*\*\*', re.M)


class Wrong(Exception):
    """The table does not fit the tree, or a mutant does not compile."""


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    old: str
    new: str
    tests: tuple = ()

    @property
    def key(self):
        return hashlib.sha256(repr(dataclasses.astuple(self)).encode()).hexdigest()[:16]


def read_table():
    """All mutants, in order of files and of their place in them."""
    found = []
    for path in sorted(glob.glob(os.path.join(TABLES, '*.toml'))):
        with open(path, 'rb') as f:
            entries = tomllib.load(f)['mutant']
        found += [Mutant(**{**e, 'tests': tuple(e.get('tests', ()))}) for e in entries]
    return found


def room(mutant):
    """The folder of its file."""
    return os.path.dirname(mutant.file)


def check_tests(mutant):
    """Wrong unless each of its tests is one program or one module of pytest's: a copy never runs
    all tests."""
    for test in mutant.tests:
        name = test.partition(' ')[0].partition('::')[0]
        if not (name.startswith('tests/') and name.endswith('.py') or
                re.fullmatch(r'(tsan/)?test_\w+', test)):
            raise Wrong(f'"{mutant.name}": tests names "{test}", which is neither a host program '
                        '("test_ring", "tsan/test_ring_threads") nor begins with a file of tests/')
        source = name if '/' in name.removeprefix('tsan/') else \
            f'tests/host/{name.removeprefix("tsan/")}.c'
        if not os.path.isfile(os.path.join(TREE, source)):
            raise Wrong(f'"{mutant.name}": tests names "{test}", and there is no {source}')


def mutate(mutant, text):
    """The changed text of its file. Wrong: the old text is not there, or not once."""
    times = text.count(mutant.old)
    if times != 1 or mutant.old == mutant.new:
        raise Wrong(f'"{mutant.name}": its old text occurs {times} times in {mutant.file}'
                    if times != 1 else f'"{mutant.name}" changes nothing')
    return text.replace(mutant.old, mutant.new)


def check_table(mutants):
    """Wrong when a mutant does not fit the tree, or two have one name."""
    names = [m.name for m in mutants]
    for mutant in mutants:
        if names.count(mutant.name) > 1:
            raise Wrong(f'two mutants are called "{mutant.name}"')
        check_tests(mutant)
        try:
            with open(os.path.join(TREE, mutant.file)) as f:
                mutate(mutant, f.read())
        except FileNotFoundError:
            raise Wrong(f'"{mutant.name}": there is no {mutant.file}') from None


def host_programs():
    return sorted(os.path.basename(path)[:-2]
                  for path in glob.glob(os.path.join(TREE, 'tests', 'host', 'test_*.c')))


def tests_for(mutant, at_last=AT_LAST):
    """What is tried, in this order. A program or image that is built and that the file is no part
    of cannot notice; one that is not built yet might."""
    others = [program for program in host_programs()
              if can_notice(TREE, host_path(program) + '.objects', mutant.file)]
    boots = [test for test, app in at_last.items()
             if can_notice(TREE, f'build/aarch64/{app}.map', mutant.file)]
    return list(dict.fromkeys([*mutant.tests, *others, *boots]))


class Copy:
    """A copy of the tree in which one mutant after another is built and tested."""

    def __init__(self, number):
        self.root = os.path.join(WORK, f'tree{number}')
        self._sound = {}                   # test -> whether it passes without a mutant
        shutil.rmtree(self.root, ignore_errors=True)
        for name in listing.files():
            os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
            shutil.copy2(os.path.join(TREE, name), self.path(name))
        os.makedirs(self.path('build'), exist_ok=True)
        for name in SHARED:
            if os.path.exists(os.path.join(TREE, 'build', name)):
                os.symlink(os.path.join(TREE, 'build', name), self.path(f'build/{name}'))
        for name in COPIED:
            if os.path.exists(os.path.join(TREE, 'build', name)):
                os.makedirs(os.path.dirname(self.path(f'build/{name}')), exist_ok=True)
                subprocess.run(['cp', '-a', os.path.join(TREE, 'build', name),
                                self.path(f'build/{name}')], check=True)

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        """Also moves the file's time on, so that make builds again what depends on it."""
        with open(self.path(name), 'w') as f:
            f.write(text)

    def run(self, command, **more):
        return subprocess.run(command, cwd=self.root, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **more)

    def build(self, mutant, program):
        """Builds a host program: 'test_split', or 'tsan/test_ring_threads'."""
        what = host_path(program)
        made = self.run(['make', '-s', '-f', 'scripts/host.mk', what] + (
            ['HOST=build/host-tsan', 'SANITIZE=thread'] if program.startswith('tsan/') else []))
        if made.returncode:
            raise Wrong(f'"{mutant.name}" does not compile:\n{made.stdout[-2000:]}')
        return self.path(what)

    def judge(self, mutant, test):
        """(the name of the case that fails, how to run that alone), or None."""
        if '.py' in test:
            return self.judge_python(mutant, test.split())
        failure = first_failure(self.build(mutant, test), test)
        return failure and (failure, test)

    def judge_python(self, mutant, words):
        said = self.run([sys.executable, '-m', 'pytest', '-q', '-x', '-p', 'no:cacheprovider',
                         *words])
        if said.returncode == 0:
            return None
        if NOT_BUILT.search(said.stdout):
            raise Wrong(f'"{mutant.name}" does not compile:\n{said.stdout[:1500]}')
        failed = re.search(r'^(?:FAILED|ERROR) (tests/\S+?\.py(?:::.*?)?)(?: - .*)?$', said.stdout,
                           re.M)
        if not failed or said.returncode != 1:
            raise Wrong(f'"{mutant.name}": {" ".join(words)} cannot be run:\n'
                        f'{said.stdout[-2000:]}')
        return conformance.python_name(failed[1]), failed[1]

    def check_sound(self, mutant, failure, test):
        """Wrong when the test fails without any mutant: it would seem to notice every one."""
        if test not in self._sound:
            self._sound[test] = not (self.judge_python(mutant, [test]) if '.py' in test else
                                     self.judge(mutant, test))
        if not self._sound[test]:
            raise Wrong(f'"{failure}" fails without any mutant')

    def try_mutant(self, mutant, at_last=AT_LAST):
        """(the test of the table that kills it, what fails in it), or (None, None)."""
        with open(self.path(mutant.file)) as f:
            original = f.read()
        failure = None
        try:
            self.write(mutant.file, mutate(mutant, original))
            for test in tests_for(mutant, at_last):
                failure = self.judge(mutant, test)
                if failure:
                    break
        finally:
            self.write(mutant.file, original)
        if not failure:
            return None, None
        self.check_sound(mutant, *failure)
        return test, failure[0]


def first_failure(path, program):
    """Runs a host program until its first case fails; the name of that, or None."""
    env = {**os.environ, 'VIREO_CASE_SECONDS': '40'}
    process = subprocess.Popen([path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               env=env, start_new_session=True, errors='replace')
    late = threading.Timer(SLOW, os.killpg, (process.pid, signal.SIGKILL))
    late.start()
    try:
        for line in process.stdout:
            if line.startswith('FAIL '):
                return f'{program}: {line[5:].partition(":")[0].strip()}'
        status = process.wait()
        return f'{program} (status {status})' if status else None
    finally:
        late.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


# ---- all of them ----

def run(mutants, workers, tell, at_last=AT_LAST):
    """Tries each mutant: ({name: killer or None}, [what went wrong], how many of them were
    known). tell(mutant, killer) is called as they end. What a test has killed is not tried again
    before something changes on which that test's outcome depends."""
    os.makedirs(WORK, exist_ok=True)
    alone = open(os.path.join(WORK, 'lock'), 'w')      # held until the process ends
    try:
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Wrong('another run is at work in build/mutants/') from None
    verdicts = Verdicts(STATE, TREE, listing.files())
    known = {m.name: killer for m in mutants if (killer := verdicts.killer(m.key))}
    left = [m for m in mutants if m.name not in known]
    copies = queue.SimpleQueue()
    lock = threading.Lock()
    results, wrong = {}, []
    for n in range(min(workers, len(left))):
        copies.put(Copy(n))

    def one(mutant):
        killer = known.get(mutant.name)
        if not killer:
            copy = copies.get()
            try:
                test, killer = copy.try_mutant(mutant, at_last)
                digest = killer and verdicts.digest(test, copy.root)
            except Wrong as error:
                wrong.append(str(error))
                return
            finally:
                copies.put(copy)
        with lock:
            results[mutant.name] = killer
            if killer and mutant.name not in known and digest:
                verdicts.add(mutant.key, test, killer, digest)
            tell(mutant, killer)

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(one, m) for m in mutants]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results, wrong, len(known)


def rooms(mutants, results):
    """[(folder, mutants tried in it, killed)], by name."""
    tried = collections.Counter(room(m) for m in mutants if m.name in results)
    killed = collections.Counter(room(m) for m in mutants if results.get(m.name))
    return [(name, tried[name], killed[name]) for name in sorted(tried)]
