# SPDX-License-Identifier: BSD-2-Clause
"""The verdicts on mutants, kept in build/mutants/state.json, and how long each of them holds.

"Killed by a host program" holds until a file changes that the program is made of: the sources and
headers of the objects that it is linked from, or how they are compiled. "Killed by a test of
pytest" holds until any file changes but pages, other test modules and what only other tests read.
A comment, or the layout of C, is no change.
"""
import hashlib
import json
import os
import re

RECIPES = ('.ci/', 'scripts/mutants', 'scripts/coverage', 'scripts/vireolib/mutants.py',
           'scripts/vireolib/mutant_verdicts.py', 'scripts/vireolib/coverage', 'tests/mutants/')


# A comment of C, or a literal, in which nothing is one.
TOKEN = re.compile(rb'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)


def meaning(name, content):
    """The bytes of a file, of C without comments and with one space for each white space."""
    if not name.endswith(('.c', '.h')):
        return content
    bare = TOKEN.sub(lambda match: b' ' if match[0].startswith(b'/') else match[0], content)
    return b'\n'.join(b' '.join(line.split()) for line in bare.splitlines() if line.strip())


def host_path(program):
    """Where a host program is built: 'test_split', or 'tsan/test_ring_threads'."""
    name = program.removeprefix('tsan/')
    return f'build/host{"-tsan" if name != program else ""}/{name}'


def _read(root, name):
    try:
        with open(os.path.join(root, name), errors='replace') as f:
            return f.read()
    except OSError:
        return None


def sources_of(root, link):
    """The files that a program or an image is made of, as the linker's list of what it took
    (test_x.objects or APP.map) and the compiler's .d files name them. None: not built."""
    taken = _read(root, link)
    if taken is None:
        return None
    found = set()
    for made in re.findall(r'^(?:LOAD )?(build/\S+\.o)$', taken, re.M):
        rule = _read(root, made[:-1] + 'd')
        if rule is None:
            continue                         # made from no source, such as an image's symbol table
        needs = rule.replace('\\\n', ' ').partition('\n')[0].partition(':')[2]
        found.update(os.path.normpath(name) for name in needs.split() if not name.startswith('/'))
    return found


def program_sources(root, program):
    return sources_of(root, host_path(program) + '.objects')


def can_notice(root, link, file):
    """False if the program or image is built, since the file changed last, and the file is no part
    of it."""
    sources = sources_of(root, link)
    if sources is None or file in sources:
        return True
    return os.path.getmtime(os.path.join(root, file)) > os.path.getmtime(os.path.join(root, link))


def module_sources(root, test, listing):
    """The files of the tree (out of `listing`) on which the outcome of a test of pytest depends."""
    module = test.split()[0].partition('::')[0]
    modules = {module}
    queue = [module]
    while queue:                             # test_arm.py has things of test_crash.py
        text = _read(root, queue.pop()) or ''
        for name in re.findall(r'^from (test_\w+) import', text, re.M):
            path = os.path.join(os.path.dirname(module), name + '.py')
            if path not in modules:
                modules.add(path)
                queue.append(path)
    other = RECIPES + (() if not module.startswith('tests/qemu/') else
                       ('tests/host/', 'tests/fuzz/', 'tests/conformance/'))
    return {name for name in listing
            if not name.endswith('.md') and not name.startswith(other) and
            (name in modules or not re.match(r'tests/(?:\w+/)?test_\w+\.py$', name))}


class Verdicts:
    """What is known. `key` names a mutant with its texts; `listing` is what git knows."""

    def __init__(self, path, root, listing):
        self.path = path
        self.root = root
        self.listing = listing
        self._hashes = {}
        try:
            with open(path) as f:
                self._known = json.load(f)['verdicts']
        except (OSError, ValueError, KeyError):
            self._known = {}

    def digest(self, test, root=None):
        """Of all that the test's outcome depends on in `root`, a tree; None: that is not known."""
        root = root or self.root
        if '.py' in test:
            names = module_sources(root, test, self.listing)
        else:
            names = program_sources(root, test)
            if not names:
                return None
            names.add(os.path.dirname(host_path(test)) + '/obj/flags')
        digest = hashlib.sha256()
        for name in sorted(names):
            digest.update(f'{name}\0{self._hash(os.path.join(root, name))}'.encode())
        return digest.hexdigest()[:16]

    def _hash(self, path):
        """Of a file's content. Only what lies in our own tree stays the same for a run."""
        if path not in self._hashes:
            try:
                with open(path, 'rb') as f:
                    found = hashlib.sha256(meaning(path, f.read())).hexdigest()
            except OSError:
                found = '-'
            if not path.startswith(self.root + os.sep + 'build' + os.sep):
                self._hashes[path] = found
            return found
        return self._hashes[path]

    def killer(self, key):
        """What killed the mutant, if nothing has changed since that could make a difference."""
        known = self._known.get(key)
        if not known or known['digest'] != self.digest(known['test']):
            return None
        return known['killer']

    def add(self, key, test, killer, digest):
        """`test` is as the table names it, `killer` as people read it."""
        self._known[key] = {'test': test, 'killer': killer, 'digest': digest}
        with open(self.path + '.new', 'w') as f:
            json.dump({'verdicts': self._known}, f, indent=0)
        os.replace(self.path + '.new', self.path)
