# SPDX-License-Identifier: BSD-2-Clause
"""All attacks on all machines: runs the cells without a result, and prints the table and the
counts. `make hostile`.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess

from hostile import attacks_blk, attacks_end, attacks_net, attacks_queue, attacks_used
from hostile.attack import RINGS, Attack
from hostile.cell import GOOD, TRANSPORTS, Cell, Result, run
from vireolib import images
from vireolib.machine import Unusable, find_qemu

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEPT = os.path.join(TREE, 'build', 'hostile')
RESULTS = os.path.join(KEPT, 'results.json')
SOURCES = ('tests/hostile', 'tests/vhost', 'tests/qemu/wire.py', 'scripts/vireolib/guest.py',
           'scripts/vireolib/machine.py')
AT_A_TIME = 2


MODULES = (attacks_used, attacks_queue, attacks_end, attacks_blk, attacks_net)


def every():
    """(class, target) of each attack, in the order of the table: the classes with a name of their
    own."""
    return [(kind, target) for module in MODULES for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Attack)
            and kind.__module__ == module.__name__ and vars(kind).get('name')
            for target in kind.targets]


def cells(pairs):
    return [Cell(kind, target, transport, ring) for kind, target in pairs
            for transport in TRANSPORTS for ring in RINGS if kind.fits(target, ring)]


# ---- results of earlier runs ---------------------------------------------------------------------

def fingerprint(image):
    """A digest of all that a verdict depends on: the image, the attacks, QEMU."""
    digest = hashlib.sha256()
    names = [image]
    for source in SOURCES:
        path = os.path.join(TREE, source)
        names += [path] if os.path.isfile(path) else \
            [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith('.py')]
    for name in names:
        with open(name, 'rb') as f:
            digest.update(hashlib.sha256(f.read()).digest())
    said = subprocess.run([find_qemu(), '--version'], capture_output=True, text=True).stdout
    digest.update(said.encode())
    return digest.hexdigest()[:16]


def load(tree):
    try:
        with open(RESULTS) as f:
            stored = json.load(f)
    except (OSError, ValueError):
        return {}
    if stored.get('tree') != tree:
        return {}
    return {name: Result(**result) for name, result in stored['cells'].items()}


def store(tree, results):
    os.makedirs(KEPT, exist_ok=True)
    with open(RESULTS + '.new', 'w') as f:
        json.dump({'tree': tree, 'cells': {n: vars(r) for n, r in results.items()}}, f, indent=1)
    os.replace(RESULTS + '.new', RESULTS)


# ---- running -------------------------------------------------------------------------------------

def log_of(cell):
    return os.path.join(KEPT, cell.name.replace(' ', '-') + '.log')


def run_one(name, image):
    """Runs in a process of its own, which gets the cell's name, since classes cannot be sent."""
    cell = next(c for c in cells(every()) if c.name == name)
    return name, run(cell, image, log_of(cell))


def run_all(chosen, image, jobs, tell):
    """Runs the cells without a result; all results by name."""
    tree = fingerprint(image)
    known = load(tree)
    missing = [c.name for c in chosen if c.name not in known]
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        running = [pool.submit(run_one, name, image) for name in missing]
        for future in concurrent.futures.as_completed(running):
            name, result = future.result()
            known[name] = result
            store(tree, known)
            tell(name, result)
    return {c.name: known[c.name] for c in chosen}


# ---- the table -----------------------------------------------------------------------------------

def entry(result):
    if result is None:
        return '-'
    again = '' if result.verdict != 'FAILED-CLEAN' or result.works else ' (gone)'
    return f'{result.verdict} {result.ms} ms{again}' if result.ms >= 0 else result.verdict + again


def rows(results):
    """The lines of the table: a row for each attack, a column for each machine."""
    columns = [(t, r) for t in TRANSPORTS for r in RINGS]
    names = list(dict.fromkeys(name.split(' ')[0] for name in results))
    texts = {name: ' '.join(kind.__doc__.split()) for kind, target in every()
             for name in [f'{target}-{kind.name}']}
    lines = [f'{"attack":<26}' + ''.join(f'{t + " " + r:<30}' for t, r in columns) + 'what it does']
    for name in names:
        words = [entry(results.get(f'{name} {t} {r}')) for t, r in columns]
        lines.append(f'{name:<26}' + ''.join(f'{w:<30}' for w in words) + texts[name])
    return lines


def counts(results):
    verdicts = [r.verdict for r in results.values()]
    recovered, clean = (verdicts.count(v) for v in GOOD)
    return (f'hostile: attacks={len(verdicts)} recovered={recovered} failed-clean={clean} '
            f'bad={len(verdicts) - recovered - clean}')


def main(doc, argv=None):
    parser = argparse.ArgumentParser(prog='hostile', description=doc,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('regex', nargs='?', default='',
                        help="run only the cells whose name it matches: 'blk-.* mmio split'; an "
                             "attack's name chooses its row")
    parser.add_argument('--jobs', type=int, metavar='N', default=AT_A_TIME,
                        help='machines at a time (%(default)s)')
    parser.add_argument('--list', action='store_true', help='name the attacks, and run nothing')
    options = parser.parse_args(argv)
    try:
        chosen = [c for c in cells(every()) if re.search(options.regex, c.name)]
    except re.error as e:
        raise Unusable(f'{options.regex} is no regular expression: {e}') from None
    if not chosen:
        raise Unusable(f'no attack matches {options.regex}; --list names them')
    if options.list:
        print('\n'.join(f'{name:<26} {" ".join(kind.__doc__.split())}' for name, kind in
                        {c.attack_name: c.attack for c in chosen}.items()))
        return 0
    image = images.image('hostage')
    results = run_all(chosen, image, max(options.jobs, 1),
                      lambda name, r: print(f'{name:<40} {entry(r)}', flush=True))
    text = '\n'.join(rows(results))
    if not options.regex:
        with open(os.path.join(KEPT, 'table.txt'), 'w') as f:
            f.write(f'{text}\n{counts(results)}\n')
    print(text)
    bad = [name for name, r in results.items() if r.verdict not in GOOD]
    for name in bad:
        print(f'hostile: {name}: {results[name].verdict}: {results[name].detail}; see '
              f'build/hostile/{name.replace(" ", "-")}.log')
    print(counts(results))
    return 1 if bad else 0
