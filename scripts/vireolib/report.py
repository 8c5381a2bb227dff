# SPDX-License-Identifier: BSD-2-Clause
"""Figures of a bench: a table for people, a JSON list for programs, and the limits they keep."""
import dataclasses
import json
import os
import statistics

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclasses.dataclass
class Row:
    metric: str
    unit: str
    vireo: float
    linux: float = None        # the same on a Linux guest; None: not measured
    n: int = 1                 # runs behind the figure
    config: str = ''
    limit: float = None        # the most that is allowed; None: no limit
    samples: tuple = ()

    @property
    def ratio(self):
        """How many times less than Linux."""
        return round(self.linux / self.vireo, 2) if self.linux and self.vireo else None

    @property
    def exceeded(self):
        return self.limit is not None and self.vireo > self.limit

    def as_json(self):
        return {'metric': self.metric, 'unit': self.unit, 'vireo': self.vireo, 'linux': self.linux,
                'ratio': self.ratio, 'n': self.n, 'config': self.config}


def median_row(metric, unit, samples, **more):
    """The row of the samples' median."""
    return Row(metric, unit, statistics.median(samples), n=len(samples), samples=tuple(samples),
               **more)


def number(value):
    if value is None:
        return '-'
    if isinstance(value, float) and value != int(value):
        return f'{value:.3f}' if value < 100 else f'{value:,.1f}'
    return f'{int(value):,}'


def print_table(rows):
    head = ('metric', 'Vireo', 'limit', 'Linux', 'ratio', 'n', 'configuration')
    body = [(f'{r.metric} [{r.unit}]', number(r.vireo) + (' !' if r.exceeded else ''),
             number(r.limit), number(r.linux), f'{r.ratio:,.1f}' if r.ratio else '-', str(r.n),
             r.config) for r in rows]
    widths = [max(len(line[i]) for line in [head] + body) for i in range(len(head))]
    for line in [head] + body:
        cells = [text.ljust(w) if i in (0, 6) else text.rjust(w)
                 for i, (text, w) in enumerate(zip(line, widths))]
        print('  '.join(cells).rstrip())


def cell(value):
    """A figure for a reader: three digits where there is a fraction."""
    return f'{value:,.3g}' if value is not None and 0 < value < 100 else number(value)


def markdown(rows):
    yield '| | Vireo | limit | Linux guest | ratio | configuration |'
    yield '|---|---:|---:|---:|---:|---|'
    for r in rows:
        yield (f'| `{r.metric}` ({r.unit}) | {cell(r.vireo)} | {cell(r.limit)} | {cell(r.linux)} | '
               f'{cell(r.ratio)} | {r.config} |')


def page_of(name):
    """The document with the table of a bench: the README, or the page of all other figures."""
    return os.path.join(TREE, 'README.md' if name == 'boot' else 'docs/figures.md')


def write_page(path, name, rows):
    """Replaces the table between the two marks of the bench `name` in the document at `path`."""
    name = f'bench-{name}'
    begin, end = f'<!-- {name}:begin -->\n', f'<!-- {name}:end -->'
    with open(path) as f:
        text = f.read()
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f'{path} has no {begin.strip()} ... {end}')
    with open(path, 'w') as f:
        f.write(before + begin + '\n'.join(markdown(rows)) + '\n' + end + after)


def write_json(path, rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        json.dump([r.as_json() for r in rows], f, indent=1)
        f.write('\n')


def finish(name, path, rows, document=False):
    """Prints and stores the rows, in their document too if asked; status 1: a limit is exceeded."""
    print_table(rows)
    write_json(path, rows)
    if document:
        write_page(page_of(name), name, rows)
    bad = [r for r in rows if r.exceeded]
    for r in bad:
        print(f'bench: {r.metric} is {number(r.vireo)} {r.unit}, more than the {number(r.limit)} '
              'allowed')
    print(f'bench: {name} metrics={len(rows)} exceeded={len(bad)} ({os.path.relpath(path)})')
    return 1 if bad else 0
