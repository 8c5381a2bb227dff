# SPDX-License-Identifier: BSD-2-Clause
"""Figures of a bench: a table for people, a JSON list for programs, and the limits they keep."""
import dataclasses
import json
import os
import re
import statistics

from vireolib.machine import Unusable

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MOST_WORSE = 2.0           # percent by which a figure may be worse than an earlier one
# Units of what depends on how busy this host is: a difference to an earlier figure never fails.
VARYING = ('s', 'ms', 'MB/s', 'a second', '%', 'exits', 'kicks', 'interrupts')
BETTER_MORE = ('MB/s', 'a second')    # units of gains; all others are of costs


@dataclasses.dataclass
class Row:
    metric: str
    unit: str
    vireo: float
    linux: float = None        # the same on a Linux guest; None: not measured
    n: int = 1                 # runs behind the figure
    config: str = ''
    limit: float = None        # the most that is allowed; None: no limit
    least: float = None        # the least that is allowed; None: no limit
    samples: tuple = ()

    @property
    def ratio(self):
        """How many times better than Linux: less of a cost, more of a gain."""
        if not self.linux or not self.vireo:
            return None
        gain = self.unit in BETTER_MORE
        return round(self.vireo / self.linux if gain else self.linux / self.vireo, 2)

    @property
    def exceeded(self):
        """Also when a figure that has bounds could not be measured."""
        if self.vireo is None:
            return self.limit is not None or self.least is not None
        return (self.limit is not None and self.vireo > self.limit) or \
            (self.least is not None and self.vireo < self.least)

    def bounds(self, write):
        """What is allowed, in words; write() turns a number into text."""
        if self.least is None:
            return write(self.limit)
        return f'{write(self.least)} or more' if self.limit is None else \
            f'{write(self.least)} to {write(self.limit)}'

    def as_json(self):
        return {'metric': self.metric, 'unit': self.unit, 'vireo': self.vireo, 'linux': self.linux,
                'ratio': self.ratio, 'n': self.n, 'config': self.config}


def chosen(figures, pattern):
    """The figures whose metric matches; at least one."""
    found = [f for f in figures if re.search(pattern, f.metric)]
    if not found:
        raise Unusable(f'--rows {pattern}: no row matches; there is ' +
                       ', '.join(f.metric for f in figures))
    return found


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
             r.bounds(number), number(r.linux), f'{r.ratio:,.2f}' if r.ratio else '-', str(r.n),
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
        yield (f'| `{r.metric}` ({r.unit}) | {cell(r.vireo)} | {r.bounds(cell)} | '
               f'{cell(r.linux)} | {cell(r.ratio)} | {r.config} |')


def page_of(name):
    """The document with the table of a bench: the README, or the page of all other figures."""
    return os.path.join(TREE, 'docs/figures.md' if name in ('ring', 'tcp') else 'README.md')


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
        print(f'bench: {r.metric} is {number(r.vireo)} {r.unit}, allowed is {r.bounds(number)}')
    print(f'bench: {name} metrics={len(rows)} exceeded={len(bad)} ({os.path.relpath(path)})')
    return 1 if bad else 0


# ---- against earlier figures ----

def read_json(folder, name):
    """{metric: object} of a bench's JSON file."""
    path = os.path.join(folder, name + '.json')
    try:
        with open(path) as f:
            return {figure['metric']: figure for figure in json.load(f)}
    except FileNotFoundError:
        raise Unusable(f'there is no {path}: --against takes the folder that an earlier bench '
                       'left, such as a copy of build/bench') from None
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise Unusable(f'{path} cannot be read as figures of a bench: {e}') from None


def difference(before, now):
    """Percent by which a figure has grown; None: there is nothing to compare."""
    if not before or not now or not before['vireo'] or now['vireo'] is None:
        return None
    return 100 * (now['vireo'] - before['vireo']) / before['vireo']


def judge_difference(percent, unit):
    """The remark on a figure whose unit is that of a cost: less is better."""
    if percent is None:
        return ''
    return f'over {MOST_WORSE:g} %' if percent > MOST_WORSE and unit not in VARYING else ''


def compare(name, before, now):
    """Prints both side by side; status 1: something is over MOST_WORSE percent worse, or gone."""
    lines, bad = [('metric', 'before', 'now', 'change', '')], 0
    for metric in dict.fromkeys([*before, *now]):
        was, is_ = before.get(metric), now.get(metric)
        percent, unit = difference(was, is_), (is_ or was)['unit']
        said = judge_difference(percent, unit) if is_ else 'not measured any more'
        bad += bool(said)
        lines.append((f'{metric} [{unit}]', number(was and was['vireo']),
                      number(is_ and is_['vireo']),
                      '-' if percent is None else f'{percent:+.2f} %', said))
    widths = [max(len(line[i]) for line in lines) for i in range(4)]
    for line in lines:
        print('  '.join([line[0].ljust(widths[0]), *(line[i].rjust(widths[i]) for i in (1, 2, 3)),
                         line[4]]).rstrip())
    print(f'bench: {name} compared={len(lines) - 1} worse={bad}')
    return 1 if bad else 0
