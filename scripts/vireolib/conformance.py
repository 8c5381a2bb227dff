# SPDX-License-Identifier: BSD-2-Clause
"""The requirements of the virtio standard, the tests that show them, and docs/conformance.md.

The data lie in tests/conformance/: requirements.csv (a row per requirement of the driver),
features.csv (bits and names) and not_applicable.csv (features that are never accepted, with the one
test that shows it). A test declares the rows that it shows: a case of tests/host/ in its third
member, a test in Python with @pytest.mark.shows. A row is

    shown            one of its tests passed, on exactly this tree
    not applicable   it is about a feature that is never accepted, and the test of that passed
    open             neither
"""
import csv
import dataclasses
import json
import os
import re
import subprocess

from vireolib import listing

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(TREE, 'tests', 'conformance')
REPORT = os.path.join(TREE, 'docs', 'conformance.md')
README = os.path.join(TREE, 'README.md')
RESULTS = os.path.join(TREE, 'build', 'tests', 'results.json')
HOST = os.path.join(TREE, 'build', 'host')

# The areas that are reported: their rows of MUST and MUST NOT may not stay open.
REQUIRED_AREAS = ('init', 'feature-bits', 'reset', 'config', 'suspend', 'virtqueue', 'split',
                  'packed', 'notifications', 'shm', 'mmio', 'pci', 'admin', 'rng', 'console',
                  'vsock', 'net', 'blk')
MUSTS, SHOULDS = ('MUST', 'MUST NOT'), ('SHOULD', 'SHOULD NOT')
LEAST_SHOULD = 0.95        # of these rows are not open
MOST_TESTS = 4             # named for a row; more are only counted


class Wrong(Exception):
    """The data or the declarations contradict each other; the text says where."""


@dataclasses.dataclass
class Row:
    id: str
    area: str
    level: str
    kind: str
    summary: str


@dataclasses.dataclass
class Never:
    """A feature that is never accepted. `rows`: rows about the feature whose kind does not name it;
    `test`: the test that offers the feature and sees it refused."""
    feature: str
    rows: list
    test: str
    why: str


@dataclasses.dataclass
class State:
    row: Row
    state: str                 # 'shown', 'not applicable', 'open'
    by: list                   # names of tests
    note: str = ''


# ---- data ----

def _table(name):
    with open(os.path.join(DATA, name), newline='') as f:
        return list(csv.DictReader(f))


def read_rows():
    """The requirements of the reported areas, by id."""
    rows = [Row(*(r[k] for k in ('id', 'area', 'level', 'kind', 'summary')))
            for r in _table('requirements.csv') if r['area'] in REQUIRED_AREAS]
    return {row.id: row for row in rows}


def read_bits():
    """Name of a feature -> (bit, area)."""
    return {r['name']: (int(r['bit']), r['area']) for r in _table('features.csv')}


def read_never():
    return [Never(r['feature'], r['rows'].split(), r['test'], r['why'])
            for r in _table('not_applicable.csv')]


def needs_one_of(kind):
    """The features of which a row's kind requires one, for each that it requires:
    'if A & !B' -> [{A}], 'if A or B' -> [{A, B}]."""
    needs = []
    for part in kind.removeprefix('if ').split(' & ') if kind.startswith('if ') else []:
        if part.startswith(('!', 'no ', 'any ')):
            continue
        names = part.split(' or ')
        prefix = re.match(r'VIRTIO_\w+?_F_|VIRTIO_F_|', names[0])[0]
        needs.append({n if n.startswith(prefix) else prefix + n for n in names})
    return needs


# ---- declarations ----

def host_declarations():
    """'test_split: full_ring' -> rows, of every case of the built host programs."""
    found = {}
    for name in sorted(os.listdir(os.path.join(TREE, 'tests', 'host'))):
        program = name.removesuffix('.c')
        if not re.fullmatch(r'test_\w+\.c', name):
            continue
        path = os.path.join(HOST, program)
        if not os.path.exists(path):
            raise Wrong(f'{os.path.relpath(path, TREE)} is not built: make host-tests')
        said = subprocess.run([path, '--list'], capture_output=True, text=True, check=True)
        for line in said.stdout.splitlines():
            case, _, rows = line.partition(':')
            found[f'{program}: {case}'] = rows.split()
    return found


def python_declarations(python):
    """pytest's node id -> rows, of every test, as pytest collects them."""
    path = os.path.join(TREE, 'build', 'tests', 'shows.json')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    said = subprocess.run([python, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--full',
                           '--collect-only', f'--shows={path}', 'tests'], cwd=TREE, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if said.returncode:
        raise Wrong('pytest cannot collect the tests:\n' + said.stdout[-3000:])
    with open(path) as f:
        return json.load(f)


def python_name(node):
    """'tests/qemu/test_boot.py::test_x[pci]' -> 'test_boot.py: test_x'."""
    path, _, test = node.partition('::')
    return f'{os.path.basename(path)}: {test.partition("[")[0]}'


def host_nodes(name, nodes):
    """The tests that run all cases of the program of 'program: case'."""
    program = name.partition(':')[0]
    return [n for n in nodes if re.search(rf'::test_program\[[\w-]+/{program}\]$', n)]


@dataclasses.dataclass
class Test:
    """A test by the name that the report uses; it passed if all of its nodes did."""
    name: str
    rows: set
    nodes: list


def read_tests(python):
    """All tests by name. What a function shows with only some parameters needs those only."""
    nodes = python_declarations(python)
    tests = {}
    for name, rows in host_declarations().items():
        tests[name] = Test(name, set(rows), host_nodes(name, nodes))
    for node, rows in nodes.items():
        test = tests.setdefault(python_name(node), Test(python_name(node), set(), []))
        test.rows.update(rows)
        if rows:
            test.nodes.append(node)
    for never in {n.test for n in read_never()} & set(tests):
        test = tests[never]
        test.nodes = test.nodes or [n for n in nodes if python_name(n) == never]
    return tests


def check(rows, never, tests):
    """Wrong: a declaration names a row, a test or a feature that does not exist."""
    wrong = [f'{t.name} declares {row}, which is no row of requirements.csv'
             for t in tests.values() for row in sorted(t.rows) if row not in rows]
    wrong += [f'not_applicable.csv names {row}, which is no row of requirements.csv'
              for n in never for row in n.rows if row not in rows]
    wrong += [f'not_applicable.csv names the test "{n.test}", which does not exist'
              for n in never if n.test not in tests]
    wrong += [f'not_applicable.csv names {n.feature}, which is not in features.csv'
              for n in never if n.feature.startswith('VIRTIO_') and n.feature not in read_bits()]
    if wrong:
        raise Wrong('\n'.join(wrong))


# ---- results of test runs ----

def fingerprint():
    """A digest of all files that tests can depend on: of the project, but no page."""
    return listing.digest(name for name in listing.files() if not name.endswith('.md'))


def load_results():
    """Node id -> 'passed', 'failed', 'skipped', of runs on exactly this tree."""
    try:
        with open(RESULTS) as f:
            stored = json.load(f)
    except (OSError, ValueError):
        return {}
    return stored['outcomes'] if stored.get('tree') == fingerprint() else {}


def store_results(tree, outcomes):
    """Adds the outcomes of a run that began on `tree`; dropped if the tree changed meanwhile."""
    if tree != fingerprint():
        return
    merged = {**load_results(), **outcomes}
    os.makedirs(os.path.dirname(RESULTS), exist_ok=True)
    part = f'{RESULTS}.{os.getpid()}'        # `make coverage` runs several pytests at a time
    with open(part, 'w') as f:
        json.dump({'tree': tree, 'outcomes': merged}, f, indent=0)
    os.replace(part, RESULTS)


# ---- the link ----

def judge(rows, never, tests, passed):
    """A State for each row. passed(test) -> bool."""
    good = {t.name: passed(t) for t in tests.values() if t.rows} | \
        {n.test: passed(tests[n.test]) for n in never}
    showing = {}
    for test in sorted(tests.values(), key=lambda t: t.name):
        for row in test.rows:
            showing.setdefault(row, []).append(test.name)
    by_feature = {n.feature: n for n in never if good[n.test]}
    by_row = {row: n for n in never if good[n.test] for row in n.rows}
    states = []
    for row in rows.values():
        by = [name for name in showing.get(row.id, []) if good[name]]
        absent = by_row.get(row.id) or next(
            (by_feature[sorted(need)[0]] for need in needs_one_of(row.kind)
             if need <= set(by_feature)), None)
        if by:
            states.append(State(row, 'shown', by))
        elif absent:
            states.append(State(row, 'not applicable', [absent.test], absent.feature))
        else:
            failed = showing.get(row.id, [])
            states.append(State(row, 'open', [], 'did not pass: ' + failed[0] if failed else ''))
    return states


def count(states, **want):
    """How many states are so: count(states, state=('open',), level=MUSTS)."""
    return sum(all(getattr(s, k, None) in v or getattr(s.row, k, None) in v
                   for k, v in want.items()) for s in states)


def summary(states):
    return (f'conformance: shown={count(states, state=("shown",))} '
            f'not-applicable={count(states, state=("not applicable",))} '
            f'open={count(states, state=("open",))} of={len(states)}')


def covered(states, levels, areas=REQUIRED_AREAS):
    """(rows that are shown or not applicable, rows) of these levels."""
    of = [s for s in states if s.row.level in levels and s.row.area in areas]
    return sum(s.state != 'open' for s in of), len(of)


def failing(states):
    """The reasons why the exit status is 1, as lines."""
    lines = [f'conformance: {s.row.id} ({s.row.level}) is open: {s.note or "no test"}'
             for s in states if s.state == 'open' and s.row.level in MUSTS
             and s.row.area in REQUIRED_AREAS]
    done, of = covered(states, SHOULDS)
    if done < LEAST_SHOULD * of:
        lines.append(f'conformance: only {done} of {of} SHOULD are covered')
    return lines


# ---- the report ----

def _cell(state):
    if state.state == 'open':
        return f'**open** {state.note}'.rstrip()
    if state.state == 'not applicable':
        return f'not applicable: {state.note}'
    more = len(state.by) - MOST_TESTS
    return ', '.join(f'`{name}`' for name in state.by[:MOST_TESTS]) + \
        (f' and {more} more' if more > 0 else '')


def _per_area(states):
    yield '| area | rows | shown | not applicable | open | of these MUST | SHOULD | MAY |'
    yield '|---|---:|---:|---:|---:|---:|---:|---:|'
    for area in REQUIRED_AREAS:
        of = [s for s in states if s.row.area == area]
        left = [s for s in of if s.state == 'open']
        yield (f'| [{area}](#{area}) | {len(of)} | {count(of, state=("shown",))} | '
               f'{count(of, state=("not applicable",))} | {len(left)} | '
               f'{count(left, level=MUSTS)} | {count(left, level=SHOULDS)} | '
               f'{count(left, level=("MAY",))} |')


def _never_table(never):
    yield '| feature | shown by | why |'
    yield '|---|---|---|'
    for n in never:
        yield f'| {n.feature} | `{n.test}` | {n.why} |'


def report(states, never):
    """The text of docs/conformance.md."""
    lines = ['# Conformance', '',
             'What the virtio standard (1.4) asks of a driver, row by row, with the tests that '
             'show it. Written by', '`make conformance`; do not edit. `shown` is followed by tests '
             'that fail when the rule is broken:', '`test_x: case` is a case of '
             '`tests/host/test_x.c`, `test_x.py: test` one of pytest. A row about a feature that '
             'is', 'never accepted is not applicable. [tests/README.md](../tests/README.md) says '
             'how a test declares its rows.', '', f'`{summary(states)}`', '']
    lines += list(_per_area(states))
    lines += ['', '## Never accepted', '',
              'Each with the test that offers it, alone and among others, and sees it refused.', '']
    lines += list(_never_table(never))
    for area in REQUIRED_AREAS:
        lines += ['', f'## {area}', '', '| row | level | what | shown by |', '|---|---|---|---|']
        lines += [f'| {s.row.id} | {s.row.level} | {s.row.summary.replace("|", "&#124;")} | '
                  f'{_cell(s)} |' for s in states if s.row.area == area]
    return '\n'.join(lines) + '\n'


def readme_lines(states):
    """What stands between the marks in README.md."""
    must, shoulds = covered(states, MUSTS), covered(states, SHOULDS)
    net, blk = (covered(states, MUSTS, (area,)) for area in ('net', 'blk'))
    return (f'- in all {must[0]} of {must[1]} MUST and MUST NOT, {shoulds[0]} of {shoulds[1]} '
            f'SHOULD\n'
            f'- of them of virtio-net {net[0]} of {net[1]} MUST and MUST NOT, of virtio-blk '
            f'{blk[0]} of {blk[1]}\n')


def with_readme_numbers(text, states):
    """The README with the numbers of `states` between its marks."""
    begin, end = '<!-- conformance:begin -->\n', '<!-- conformance:end -->'
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise Wrong(f'README.md has no {begin.strip()} ... {end}')
    return before + begin + readme_lines(states) + end + after


def reported_as_shown(text):
    """The rows that a report calls shown."""
    return {m[1] for m in re.finditer(r'^\| ([A-Z][A-Z0-9-]*-\d+) \| (?:[A-Z ]+) \|.*\| '
                                      r'(`.*)\|$', text, re.M)}
