# SPDX-License-Identifier: BSD-2-Clause
"""Where a guest's instructions went: `vireo run IMAGE --profile OUT`. A TCG plugin
(scripts/profile_plugin.c) counts them by function and by chain of callers; of that this module
makes a table, OUT.txt, and a flame graph, OUT.svg.
"""
import bisect
import collections
import dataclasses
import html
import os
import re
import shutil
import subprocess
import tempfile

from vireolib import plugins, symbolize
from vireolib.machine import Unusable

VECTORS = 'arch_vectors'
C_LIBRARY = 'C library'
COLOURS = {'net': '#7aa6d8', 'lwip': '#a3c1e0', 'drivers': '#e8a33d', 'platform': '#8fbf7f',
           'files': '#c9a0c9', C_LIBRARY: '#b8b8b8'}
OTHER_COLOUR = '#e2c08d'                 # the application's own
WIDTH, ROW, CHARACTER = 1200, 17, 6.6    # pixels of the flame graph
LEAST = 0.4                              # pixels of a box that is drawn
TOP = 30                                 # functions that are printed


@dataclasses.dataclass(eq=False)
class Function:
    name: str
    file: str                            # relative to the tree, '': not known
    insns: int = 0
    calls: int = 0

    @property
    def layer(self):
        """The folder that it belongs to, lwip or the C library."""
        if not self.file:
            return C_LIBRARY
        if re.search(r'(^|/)lwip.*/src/(core|netif)/', self.file):
            return 'lwip'
        return os.path.dirname(self.file) or self.file


class Profile:
    """What a run was counted as. stacks: {(Function, ...): instructions}, outermost first."""

    def __init__(self, functions, stacks):
        self.functions = sorted((f for f in functions if f.insns), key=lambda f: -f.insns)
        self.stacks = stacks
        self.total = sum(f.insns for f in self.functions)

    def table(self, top=None, operations=1):
        """Lines. operations: what instructions and calls are divided by."""
        number = '{:,.0f}' if operations == 1 else '{:,.1f}'
        calls = '{:,.0f}' if operations == 1 else '{:,.2f}'

        def line(insns, count, words):
            count = calls.format(count / operations) if count is not None else ''
            part = 100 * insns / (self.total or 1)
            return f'{number.format(insns / operations):>15} {part:5.1f} % {count:>12}  {words}'

        yield f'{"instructions":>15} {"":7} {"calls":>12}  function'
        for f in self.functions[:top]:
            yield line(f.insns, f.calls, f'{f.name}  ({f.file or C_LIBRARY})')
        yield line(self.total, None, 'all')
        for title, key in (('file', lambda f: f.file or C_LIBRARY), ('folder', lambda f: f.layer)):
            yield ''
            yield f'{"instructions":>15} {"":7} {"":>12}  {title}'
            sums = collections.Counter()
            for f in self.functions:
                sums[key(f)] += f.insns
            for name, insns in sums.most_common(top):
                yield line(insns, None, name)


# ---- counting --------------------------------------------------------------------------------

def tool(arch, name):
    return symbolize.addr2line(arch).removesuffix('addr2line') + name


def symbols(elf):
    """[(address, name)] of all functions, in ascending order."""
    said = subprocess.run([tool(symbolize.check_elf(elf), 'nm'), '-n', elf], capture_output=True,
                          text=True, check=True).stdout
    found = {}
    for address, name in re.findall(r'^([0-9a-f]+) [tTwW] ([^$\s]\S*)$', said, re.M):
        found.setdefault(int(address, 16), name)
    return sorted(found.items())


class Counting:
    """A run that is profiled: its plugin, then what it has counted. Use as a context manager."""

    def __init__(self, image):
        self._elf = os.path.splitext(image)[0] + '.elf'
        if not os.path.isfile(self._elf):
            raise Unusable(f'--profile: there is no {self._elf} beside the image, which tells its '
                           'functions')
        self._arch = symbolize.check_elf(self._elf)
        self._symbols = symbols(self._elf)

    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix='vprof-')
        with open(self._path('functions'), 'w') as f:
            for address, name in self._symbols:
                f.write(f'{"V " if name == VECTORS else ""}{address:x}\n')
        return self

    def __exit__(self, *_):
        shutil.rmtree(self._folder)

    def _path(self, name):
        return os.path.join(self._folder, name)

    @property
    def plugin(self):
        more = ',a32=on' if self._arch == 'arm' else ''
        return (f'{plugins.build("profile_plugin")},out={self._path("out")},'
                f'functions={self._path("functions")}{more}')

    def profile(self):
        """After the run."""
        with open(self._path('out')) as f:
            text = f.read()
        places = symbolize.places(self._elf, [hex(address) for address, _ in self._symbols])
        tree = plugins.TREE + '/'
        files = {address: frames[-1][1].rpartition(':')[0].removeprefix(tree).removeprefix('./')
                 for address, frames in places.items()}
        functions = [Function(name, files.get(address, '')) for address, name in self._symbols]
        for index, insns, calls in re.findall(r'^function (\d+) (\d+) (\d+)$', text, re.M):
            functions[int(index)].insns, functions[int(index)].calls = int(insns), int(calls)
        stacks = {tuple(functions[int(i)] for i in chain.split(';') if i != '-1'): int(insns)
                  for insns, chain in re.findall(r'^stack (\d+) ([-\d;]+)$', text, re.M)}
        return Profile(functions, stacks)


# ---- the flame graph ---------------------------------------------------------------------------

class Box:
    """A function as called by the boxes below it."""

    def __init__(self, function):
        self.function, self.insns, self.above = function, 0, {}


def boxes(stacks):
    """The lowest box, which is the whole run."""
    lowest = Box(None)
    for chain, insns in stacks.items():
        box = lowest
        box.insns += insns
        for function in chain:
            box = box.above.setdefault(id(function), Box(function))
            box.insns += insns
    return lowest


def height_of(box, scale):
    return 1 + max((height_of(b, scale) for b in box.above.values() if b.insns * scale >= LEAST),
                   default=0)


def colour(function):
    if not function:
        return '#dddddd'
    first = function.layer.split('/')[0]
    return COLOURS.get(first, OTHER_COLOUR)


def draw(box, x, level, scale, total, bottom):
    """The SVG elements of a box and of those above it."""
    width, y = box.insns * scale, bottom - (level + 1) * ROW
    name = box.function.name if box.function else 'all'
    where = f' ({box.function.file or C_LIBRARY})' if box.function else ''
    shown = name if len(name) * CHARACTER < width - 4 else \
        name[:max(0, int((width - 10) / CHARACTER))] + '..' if width > 24 else ''
    yield (f'<g><title>{html.escape(name + where)}: {box.insns:,} instructions, '
           f'{100 * box.insns / total:.2f} %</title><rect x="{x:.1f}" y="{y}" '
           f'width="{max(width - 0.3, 0.2):.1f}" height="{ROW - 1}" fill="{colour(box.function)}"/>'
           f'<text x="{x + 2:.1f}" y="{y + 12}">{html.escape(shown)}</text></g>')
    for other in sorted(box.above.values(), key=lambda b: b.function.name):
        if other.insns * scale >= LEAST:
            yield from draw(other, x, level + 1, scale, total, bottom)
        x += other.insns * scale


def flame_graph(profile, title):
    """SVG: a box is as wide as its share of the instructions, and stands on its caller."""
    lowest = boxes(profile.stacks)
    scale = WIDTH / (lowest.insns or 1)
    bottom = (height_of(lowest, scale) + 2) * ROW
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 4}" '
           'font-family="monospace" font-size="11">')
    yield f'<text x="4" y="13">{html.escape(title)}: {lowest.insns:,} instructions</text>'
    yield from draw(lowest, 0, 0, scale, lowest.insns or 1, bottom)
    yield '</svg>'


def is_graph(path):
    """Is the file a flame graph of ours?"""
    with open(path, errors='replace') as f:
        return f.read(200).startswith('<svg')


def write(profile, out, title, operations=1):
    """OUT.txt and OUT.svg."""
    for name, lines in ((out + '.txt', profile.table(operations=operations)),
                        (out + '.svg', flame_graph(profile, title))):
        with open(name, 'w') as f:
            f.write('\n'.join(lines) + '\n')
