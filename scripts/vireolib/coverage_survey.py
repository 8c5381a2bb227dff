# SPDX-License-Identifier: BSD-2-Clause
"""What the tests execute of each file: the runs, the folders with their least shares, and the
exceptions of tests/coverage.toml.

drivers/ counts what the host programs execute, by clang's counters alone. Of the other folders the
lines are those to which the image's compiler has given code; a line is executed if a boot of
tests/qemu/, a host program or a seed of a fuzz target executes it.
"""
import concurrent.futures
import dataclasses
import glob
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

from vireolib import coverage, coverage_images, fuzz, listing, mutant_verdicts, mutants, plugins

TREE = coverage.TREE
BUILD = coverage.BUILD
EXCEPTIONS = os.path.join('tests', 'coverage.toml')
# Modules of tests/qemu/ that exercise the folders below, the longest first; others add nothing.
MODULES = ('http', 'hotplug', 'machine', 'frames', 'console', 'boot', 'net', 'block', 'its',
           'vsock', 'sockets', 'entropy', 'balloon', 'bridges', 'libc', 'crash')
HOST_ALONE = ('drivers/',)                 # the host programs have to cover these by themselves
BOTH = ('net/', 'files/', 'platform/runtime/', 'platform/virt/')
LEAST = {**dict.fromkeys(HOST_ALONE, 90), **dict.fromkeys(BOTH, 85)}    # percent of a file's lines
# What the results of host programs and fuzz targets depend on.
HOST_SOURCES = ('drivers/', 'files/', 'net/', 'platform/', 'tests/host/', 'tests/fuzz/',
                'scripts/host.mk', 'scripts/fuzz.mk', 'scripts/sources.mk', 'scripts/fuzz.ld')


class Wrong(Exception):
    """Something is missing, or tests/coverage.toml does not fit the tree; the text says what."""


@dataclasses.dataclass
class File:
    """A file's lines, as sets."""
    name: str
    least: int                 # percent that has to be executed
    lines: set
    executed: set
    excused: set = dataclasses.field(default_factory=set)

    @property
    def count(self):
        return len(self.lines - self.excused)

    @property
    def covered(self):
        return len((self.lines & self.executed) - self.excused)

    @property
    def low(self):
        return self.covered * 100 < self.least * self.count

    @property
    def missing(self):
        return sorted(self.lines - self.executed - self.excused)

    @property
    def room(self):
        return os.path.dirname(self.name)


def of_both(name):
    return name.startswith(BOTH) and name.endswith('.c')


# ---- runs of this machine: host programs, seeds of the fuzz targets ----

def _digest(names):
    digest = hashlib.sha256()
    for name in sorted(names):
        with open(os.path.join(TREE, name), 'rb') as f:
            digest.update(name.encode() + b'\0' + hashlib.sha256(f.read()).digest())
    return digest.hexdigest()[:16]


def _stored(path, stamp):
    """What an earlier run left in a JSON file, if it has this stamp."""
    try:
        with open(path) as f:
            kept = json.load(f)
    except (OSError, ValueError):
        return None
    return kept['value'] if kept.get('stamp') == stamp else None


def _store(path, stamp, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + '.new', 'w') as f:
        json.dump({'stamp': stamp, 'value': value}, f)
    os.replace(path + '.new', path)


def _line_sets(profile, programs, wanted):
    found = coverage.line_sets(profile, programs, wanted)
    return {name: [sorted(part) for part in parts] for name, parts in found.items()}


def _objects(folder, *below):
    """Objects, so that a file that no program is linked with is known, too."""
    return sorted(path for room in below for path in
                  glob.glob(os.path.join(folder, 'obj', room, '**', '*.o'), recursive=True))


def host_programs():
    programs = sorted(path[:-2].replace('tests/host', f'{BUILD}/host')
                      for path in glob.glob('tests/host/test_*.c'))
    profile = os.path.join(BUILD, 'host.profdata')
    failed = coverage.collect([[path] for path in programs], profile)
    every = programs + _objects(os.path.join(BUILD, 'host'), 'drivers')
    return _line_sets(profile, every, lambda name: name.endswith('.c')), failed


def fuzz_seeds():
    """All kept inputs of each target that is about a file outside drivers/."""
    programs = {os.path.join(BUILD, 'fuzz', name): [*fuzz.kept_inputs(name)]
                for name, about in fuzz.ABOUT.items() if any(map(of_both, about))}
    profile = os.path.join(BUILD, 'fuzz.profdata')
    failed = coverage.collect([[path, *inputs] for path, inputs in programs.items()], profile)
    return _line_sets(profile, sorted(programs), of_both), failed


def on_this_machine(names):
    """([{file: [executed, lines]}] of host programs and of seeds, [programs that failed])."""
    stamp = _digest(name for name in names if name.startswith(HOST_SOURCES))
    path = os.path.join(BUILD, 'host.json')
    kept = _stored(path, stamp)
    if kept:
        return kept, []
    parts = [host_programs(), fuzz_seeds()]
    value, failed = [part[0] for part in parts], sum((part[1] for part in parts), [])
    if not failed:
        _store(path, stamp, value)
    return value, failed


# ---- boots ----

def module_folder(module):
    return os.path.join(BUILD, 'qemu', module)


def run_module(module, known, tell):
    """Runs one module of tests/qemu/ unless it has passed on this tree; False if it failed."""
    test = f'tests/qemu/test_{module}.py'
    folder = module_folder(module)
    stamp, done = known.digest(test), os.path.join(folder, 'passed.json')
    if _stored(done, stamp) is not None:
        tell(module, 'known from an earlier run')
        return True
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    said = subprocess.run([sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', test],
                          cwd=TREE, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, plugins.VARIABLE: os.path.join(TREE, folder)})
    with open(os.path.join(folder, 'log'), 'w') as f:
        f.write(said.stdout)
    last = said.stdout.strip().splitlines()[-1:] or ['pytest said nothing']
    tell(module, last[0] if said.returncode == 0 else f'{last[0]}: see {folder}/log')
    if said.returncode == 0:
        _store(done, stamp, last[0])
    return said.returncode == 0


def boots(names, jobs, tell):
    """Runs the modules; those that failed."""
    known = mutant_verdicts.Verdicts(os.path.join(BUILD, 'none'), TREE, names)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        passed = pool.map(lambda module: run_module(module, known, tell), MODULES)
        return [f'tests/qemu/test_{module}.py' for module, good in zip(MODULES, passed) if not good]


# ---- exceptions ----

def _block(text, part):
    """The lines, from 1, of a text that occurs exactly once in a file."""
    part = part.strip('\n')
    times = text.count(part)
    if times != 1:
        raise Wrong(f'its text occurs {times} times')
    first = text[:text.index(part)].count('\n') + 1
    return set(range(first, first + part.count('\n') + 1))


def _function(text, name):
    """The lines, from 1, of a function's definition."""
    found = list(re.finditer(rf'^[a-z][^\n]*\b{name}\([^;]*?\n\{{\n.*?^\}}', text, re.M | re.S))
    if len(found) != 1:
        raise Wrong(f'{len(found)} functions are called {name}')
    first = text[:found[0].start()].count('\n') + 1
    return set(range(first, first + found[0][0].count('\n') + 1))


def excuse(entry, text, file):
    """Takes an exception's lines out of the file's count. Wrong: it names nothing, or no line
    that is left unexecuted, or one that is executed."""
    where = f'{EXCEPTIONS}: {entry.get("file")}: '
    if set(entry) not in ({'file', 'text', 'why'}, {'file', 'function', 'why'}):
        raise Wrong(where + 'an exception has file, why, and either text or function')
    if not entry['why'].strip():
        raise Wrong(where + 'why is empty')
    try:
        block = _block(text, entry['text']) if 'text' in entry else \
            _function(text, entry['function'])
    except Wrong as wrong:
        raise Wrong(where + str(wrong)) from None
    lines = block & file.lines
    what = f'"{(entry.get("text") or entry["function"]).strip()}"'
    if not lines:
        raise Wrong(f'{where}{what} has no code: take the entry out')
    if lines & file.executed:
        raise Wrong(f'{where}{what} is executed (line {min(lines & file.executed)}): take the '
                    'entry out')
    if lines & file.excused:
        raise Wrong(f'{where}{what} is in two entries')
    file.excused |= lines


def read_exceptions():
    with open(os.path.join(TREE, EXCEPTIONS), 'rb') as f:
        return tomllib.load(f).get('exception', [])


def excuse_all(files, entries):
    """Applies all exceptions; what is wrong with them, as lines."""
    wrong = []
    for entry in entries:
        try:
            if entry.get('file') not in files:
                raise Wrong(f'{EXCEPTIONS}: {entry.get("file")} is no file that is counted')
            with open(os.path.join(TREE, entry['file'])) as f:
                excuse(entry, f.read(), files[entry['file']])
        except Wrong as error:
            wrong.append(str(error))
    return wrong


# ---- all together ----

def image_objects():
    """The objects of the folders' sources, as every image is linked from them. Wrong: some lack."""
    made = {path.split('/', 4)[4][:-2]: path for path in
            glob.glob('build/aarch64/obj/*/*/**/*.c.o', recursive=True)}
    missing = [name for name in sources() if of_both(name) and name not in made]
    if missing:
        raise Wrong(f'{missing[0]} is not compiled: make image')
    return [path for name, path in made.items() if of_both(name) and os.path.exists(name)]


def sources():
    """The folders' files, also those without any code."""
    return [path for path in glob.glob('*/**/*.c', recursive=True) if path.startswith(tuple(LEAST))]


def least_of(name):
    return next(least for room, least in LEAST.items() if name.startswith(room))


def combine(host, seeds, code, booted):
    """{name: File}. host, seeds: {file: [executed, lines]} by clang; code: {file: lines} of the
    image's objects; booted: {file: executed}."""
    files = {}
    for name in {*host, *code}:
        if not name.startswith(tuple(LEAST)):
            continue
        executed, lines = map(set, host.get(name, ((), ())))
        if not name.startswith(HOST_ALONE):
            lines = code.get(name, set())
            executed |= booted.get(name, set()) | set(seeds.get(name, ((), ()))[0])
        if lines:
            files[name] = File(name, least_of(name), lines, executed & lines)
    return files


def take(jobs, tell):
    """({name: File}, [what went wrong, as lines])."""
    if not importlib.util.find_spec('pytest'):
        raise Wrong(f'{sys.executable} has no pytest; `make coverage` takes a Python that has it')
    names = listing.files()
    (host, seeds), failed = on_this_machine(names)
    tell('host programs', 'failed: ' + ' '.join(failed) if failed else 'done')
    failed += boots(names, jobs, tell)
    booted = coverage_images.lines_executed([module_folder(module) for module in MODULES], of_both)
    files = combine(host, seeds, coverage_images.lines_with_code(image_objects(), of_both), booted)
    wrong = [f'{path} failed: what it executes may be missing' for path in failed]
    return files, wrong + excuse_all(files, read_exceptions())
