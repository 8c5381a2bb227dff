# SPDX-License-Identifier: BSD-2-Clause
"""The matrix of machines and ways to drive them: its axes, which cells cannot exist and why, the
representative set, and the grid that is printed at the end of a run and kept in build/matrix.txt.
"""
import itertools
import os

from cells import Cell, one_cpu
from vireolib.machine import qemu_version

AXES = {
    'transport': ('mmio-legacy', 'mmio', 'pci', 'pci-transitional', 'pci-legacy'),
    'ring': ('split', 'packed'),
    'wakeup': ('polled', 'interrupt', 'hybrid'),
    'size': (2, 3, 7, 16, 256, 0),
    'gic': ('v2', 'v3+its', 'v3'),
    'event_idx': (True, False),
    'indirect': (True, False),
}
ROWS, COLUMNS = ('transport', 'ring', 'wakeup'), ('size', 'gic', 'event_idx', 'indirect')

# A letter of the grid, why there is no such cell, and which cells that concerns. The first counts.
IMPOSSIBLE = (
    ('l', 'a legacy device has no packed ring, which needs VERSION_1',
     lambda c: c.ring == 'packed' and c.transport.endswith('-legacy')),
    ('d', 'over legacy PCI the device alone decides on the size',
     lambda c: c.transport == 'pci-legacy' and c.size),
    ('o', "the device's own size is a cell of legacy PCI only: elsewhere it is a limit",
     lambda c: c.transport != 'pci-legacy' and not c.size),
    ('p', "a split ring's size is a power of two",
     lambda c: c.ring == 'split' and c.size & (c.size - 1)),
)

# Rings whose 16-bit index, or wrap counter, goes round: by requests of the disk, and by datagrams.
WRAPS = [Cell(ring=ring, size=size, **{what: 70000})
         for ring, size in (('split', 16), ('packed', 7)) for what in ('requests', 'frames')]


def every():
    """The whole product, possible or not."""
    return [Cell(**dict(zip(AXES, values))) for values in itertools.product(*AXES.values())]


def why_not(cell):
    """(letter, reason), or None for a cell that exists."""
    return next(((letter, why) for letter, why, holds in IMPOSSIBLE if holds(cell)), None)


def possible():
    return [cell for cell in every() if not why_not(cell)]


def pairs(cell):
    values = [(axis, getattr(cell, axis)) for axis in AXES]
    return set(itertools.combinations(values, 2))


def representative(cells):
    """A small set in which each pair of values of two axes occurs that occurs in `cells`: always
    the first cell that brings the most pairs which are missing yet."""
    missing = set().union(*map(pairs, cells))
    chosen = []
    while missing:
        best = max(cells, key=lambda cell: len(pairs(cell) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


# ---- the grid ------------------------------------------------------------------------------------

PASSED, FAILED, NOT_RUN = '.', 'F', '-'


def mark(cell, outcomes):
    impossible = why_not(cell)
    if impossible:
        return impossible[0]
    outcome = outcomes.get(cell.id)
    return NOT_RUN if outcome is None else PASSED if outcome == 'passed' else FAILED


def counts(outcomes):
    """The last line, which scripts read."""
    exist = possible()
    ran = [cell for cell in exist if cell.id in outcomes]
    failed = [cell for cell in ran if outcomes[cell.id] != 'passed']
    return (f'matrix: cells={len(ran)} failed={len(failed)} possible={len(exist)} '
            f'impossible={len(every()) - len(exist)}')


def heading(width):
    """Two lines above the columns: the size of each block, and the controller below it."""
    blocks = [(s or 'own') for s in AXES['size']]
    inner = len(AXES['gic']) * 4
    gics = ''.join(f'{gic:<4.4}' for gic in ('v2', 'its', 'v3'))
    return [' ' * width + ' '.join(f'{block:<{inner}}' for block in blocks),
            ' ' * width + ' '.join([gics] * len(blocks))]


def grid(outcomes):
    """The table, its explanation and the counts, as lines."""
    width = 36
    lines = heading(width)
    by_place = {tuple(getattr(c, a) for a in AXES): c for c in every()}
    for row in itertools.product(*(AXES[a] for a in ROWS)):
        blocks = []
        for size in AXES['size']:
            rest = itertools.product(*(AXES[a] for a in COLUMNS[1:]))
            blocks.append(''.join(mark(by_place[row + (size,) + r], outcomes) for r in rest))
        lines.append(f'{row[0]:<17}{row[1]:<7}{row[2]:<{width - 24}}' + ' '.join(blocks))
    lines += ['', 'Columns: size of the queues (own: of the device), interrupt controller (GICv2, '
              'GICv3 with ITS,', 'GICv3 without); in each, four cells: event index and indirect '
              'descriptors, event index, indirect,', 'neither.  .: passed  F: failed  -: not run']
    return lines + [f'{letter}: {why}' for letter, why, _ in IMPOSSIBLE] + [counts(outcomes)]


class Grid:
    """A pytest plugin, registered by conftest.py: keeps each cell's outcome, shows them all."""

    def __init__(self, path):
        self._path = path
        self._outcomes = {}

    def pytest_runtest_logreport(self, report):
        for name, value in report.user_properties:
            if name == 'cell' and report.when == 'call':
                self._outcomes[value] = report.outcome

    def pytest_terminal_summary(self, terminalreporter, config):
        if not self._outcomes:
            return
        version = '.'.join(map(str, qemu_version())) or 'of an unknown version'
        lines = [f'QEMU {version}, -smp {one_cpu()}', *grid(self._outcomes)]
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        with open(self._path, 'w') as f:
            f.write('\n'.join(lines) + '\n')
        for line in lines if config.getoption('--full') else lines[-1:]:
            terminalreporter.write_line(line)
