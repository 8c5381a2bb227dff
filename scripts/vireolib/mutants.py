# SPDX-License-Identifier: BSD-2-Clause
"""Mutants: the tree with one thing in it made wrong, and the test that notices.

tests/mutants/*.toml is the table. Each entry has

    name    what is wrong, as `area: words`
    file    of the tree
    old     text that occurs exactly once in it
    new     what it becomes
    tests   that are tried first: host programs ("test_split", "tsan/test_threads") or what pytest
            takes ("tests/test_barriers.py"). After them come all other host programs, then AT_LAST

A mutant is built in a copy of the tree below build/mutants/, one for each worker. It must compile.
"""
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

from vireolib import conformance

TREE = conformance.TREE
TABLES = os.path.join(TREE, 'tests', 'mutants')
WORK = os.path.join(TREE, 'build', 'mutants')
STATE = os.path.join(WORK, 'state.json')
SLOW = 200                 # seconds that a test may take before the mutant counts as hanging it
# Real devices, for what no host test notices.
AT_LAST = ['tests/qemu/test_boot.py::test_httpd_on', 'tests/qemu/test_block.py::test_blkcheck']
SHARED = ('newlib', 'lwip', 'libfdt')      # of build/: the same for every copy
COPIED = ('host', 'host-tsan')             # of build/: objects, which save compiling


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
        try:
            with open(os.path.join(TREE, mutant.file)) as f:
                mutate(mutant, f.read())
        except FileNotFoundError:
            raise Wrong(f'"{mutant.name}": there is no {mutant.file}') from None


def host_programs():
    return sorted(os.path.basename(path)[:-2]
                  for path in glob.glob(os.path.join(TREE, 'tests', 'host', 'test_*.c')))


def check_baseline():
    """Wrong when a host program fails anyway: it would seem to notice every mutant."""
    for program in host_programs():
        failure = first_failure(os.path.join(TREE, 'build', 'host', program), program)
        if failure:
            raise Wrong(f'"{failure}" fails without any mutant')


class Copy:
    """A copy of the tree in which one mutant after another is built and tested."""

    def __init__(self, number):
        self.root = os.path.join(WORK, f'tree{number}')
        shutil.rmtree(self.root, ignore_errors=True)
        listed = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=TREE,
                                capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split('\0')):
            if os.path.isfile(os.path.join(TREE, name)):
                os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
                shutil.copy2(os.path.join(TREE, name), self.path(name))
        os.makedirs(self.path('build'), exist_ok=True)
        for name in SHARED:
            if os.path.exists(os.path.join(TREE, 'build', name)):
                os.symlink(os.path.join(TREE, 'build', name), self.path(f'build/{name}'))
        for name in COPIED:
            if os.path.exists(os.path.join(TREE, 'build', name)):
                shutil.copytree(os.path.join(TREE, 'build', name), self.path(f'build/{name}'))

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        """Also moves the file's time on, so that what was made of it is made again."""
        with open(self.path(name), 'w') as f:
            f.write(text)

    def run(self, command, **more):
        return subprocess.run(command, cwd=self.root, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **more)

    def build(self, mutant, program):
        """Builds a host program: 'test_split', or 'tsan/test_threads'."""
        tsan = program.startswith('tsan/')
        what = 'build/host-tsan/' + program[5:] if tsan else 'build/host/' + program
        made = self.run(['make', '-s', '-f', 'scripts/host.mk', what] + (
            ['HOST=build/host-tsan', 'SANITIZE=thread'] if tsan else []))
        if made.returncode:
            raise Wrong(f'"{mutant.name}" does not compile:\n{made.stdout[-2000:]}')
        return self.path(what)

    def judge(self, mutant, test):
        """The name of the case that fails, or None."""
        if '.py' in test:
            return self.judge_python(test)
        return first_failure(self.build(mutant, test), test)

    def judge_python(self, test):
        said = self.run([sys.executable, '-m', 'pytest', '-q', '-x', '-p', 'no:cacheprovider',
                         *test.split()])
        if said.returncode == 0:
            return None
        failed = re.search(r'^(?:FAILED|ERROR) (\S+)', said.stdout, re.M)
        if not failed:
            raise Wrong(f'{test} cannot be run:\n{said.stdout[-2000:]}')
        return conformance.python_name(failed[1])

    def try_mutant(self, mutant, at_last):
        """The test that kills it, or None."""
        with open(self.path(mutant.file)) as f:
            original = f.read()
        order = list(dict.fromkeys([*mutant.tests, *host_programs(), *at_last]))
        try:
            self.write(mutant.file, mutate(mutant, original))
            return next(filter(None, (self.judge(mutant, test) for test in order)), None)
        finally:
            self.write(mutant.file, original)


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

def load_state(tree):
    """Mutant's key -> the test that killed it, of runs on exactly this tree."""
    try:
        with open(STATE) as f:
            state = json.load(f)
    except (OSError, ValueError):
        return {}
    return state['killed'] if state.get('tree') == tree else {}


def run(mutants, workers, tell, at_last=AT_LAST):
    """Tries each mutant: ({name: killer or None}, [what went wrong], how many of them were
    known). tell(mutant, killer) is called as they end. What was killed on this tree before is not
    tried again."""
    tree = conformance.fingerprint()
    killed = load_state(tree)
    copies = queue.SimpleQueue()
    lock = threading.Lock()
    results, wrong = {}, []
    os.makedirs(WORK, exist_ok=True)
    alone = open(os.path.join(WORK, 'lock'), 'w')      # held until the process ends
    try:
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Wrong('another run is at work in build/mutants/') from None
    left = [m for m in mutants if m.key not in killed]
    known = len(mutants) - len(left)
    if left:
        check_baseline()
    for n in range(min(workers, len(left))):
        copies.put(Copy(n))

    def one(mutant):
        if mutant.key in killed:
            killer = killed[mutant.key]
        else:
            copy = copies.get()
            try:
                killer = copy.try_mutant(mutant, at_last)
            except Wrong as error:
                wrong.append(str(error))
                return
            finally:
                copies.put(copy)
        with lock:
            results[mutant.name] = killer
            if killer:
                killed[mutant.key] = killer
                with open(STATE, 'w') as f:
                    json.dump({'tree': tree, 'killed': killed}, f, indent=0)
            tell(mutant, killer)

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(one, m) for m in mutants]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results, wrong, known
