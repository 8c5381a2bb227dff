# SPDX-License-Identifier: BSD-2-Clause
"""The C library compared with glibc: tests/apps/results prints what its functions return, on this
machine and in an image. Where both may differ, tests/libc_differences.toml says why.

    python3 tests/qemu/test_results.py FILE     compares the output of an image in FILE

prints what differs, and how exact the functions of <math.h> are. With --all, also what may differ.
"""
import dataclasses
import functools
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import tomllib

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
APP = TESTS / 'apps/results'
AT_LEAST = 200_000
RULES = tomllib.loads((TESTS / 'libc_differences.toml').read_text())
TOLERANCE = RULES['tolerance']
# Plain char is unsigned on Arm; and calls are calls, not what the compiler knows of the function.
HOST_FLAGS = ['-O1', '-funsigned-char', '-fno-builtin', '-frounding-math', '-w', '-D_GNU_SOURCE']


@dataclasses.dataclass
class Output:
    """What a run printed: blocks by number, as (name, results, digest); values; results by name."""
    blocks: dict
    values: dict
    results: dict

    @classmethod
    def of(cls, lines):
        out, ended = cls({}, {}, {}), False
        for line in lines:
            word, _, rest = line.rstrip('\r\n').partition(' ')
            if word == 'block':
                number, *block = rest.split(' ')
                out.blocks[int(number)] = tuple(block)
            elif word == 'values':
                name, _, words = rest.partition(':')
                out.values.setdefault(name.partition(' ')[2], []).extend(words.split())
            elif word == 'result':
                name, _, value = rest.partition(' ')[2].partition(' = ')
                out.results.setdefault(name, []).append(value)
            ended |= word == 'results:'
        assert ended, 'the output is not complete'
        return out

    def only(self, blocks):
        """What of it belongs to these blocks."""
        names = {name for name, _, _ in blocks.values()}
        return Output({n: b for n, b in self.blocks.items() if n in blocks},
                      {n: v for n, v in self.values.items() if n in names}, self.results)

    def count(self):
        return sum(int(count) for _, count, _ in self.blocks.values())


@functools.lru_cache(maxsize=None)
def host_program():
    directory = tempfile.TemporaryDirectory()
    program = pathlib.Path(directory.name) / 'results'
    subprocess.run(['gcc', *HOST_FLAGS, *sorted(map(str, APP.glob('*.c'))), '-o', program, '-lm'],
                   check=True)
    return program, directory            # the directory lasts as long as this


def glibc_says(show=''):
    run = subprocess.run([host_program()[0], show], check=True, capture_output=True, text=True,
                         errors='replace', timeout=80)
    return Output.of(run.stdout.split('\n'))


def ordered(bits, digits):
    """The place of a number among all of its type; None: not a number."""
    double = digits == 16
    exponent = 0x7ff << 52 if double else 0xff << 23
    magnitude = bits & ~(1 << (63 if double else 31))
    if magnitude > exponent:
        return None
    return magnitude if magnitude == bits else -magnitude


def apart(a, b):
    """How many numbers lie between two values; a huge number if one is none, or a zero has
    another sign."""
    x, y = ordered(int(a, 16), len(a)), ordered(int(b, 16), len(b))
    if x is None or y is None:
        return 0 if x is y else 1 << 64
    if x == y == 0 and a != b:
        return 1 << 64
    return abs(x - y)


def differing_values(ours, theirs):
    """(name, the image's value, glibc's) for each value that is further off than its function's
    tolerance, in units of the last place; and the largest distance of each function."""
    differ, largest = [], {}
    for name, expected in theirs.values.items():
        got = ours.values.get(name, [])
        assert len(got) == len(expected), name
        tolerance = TOLERANCE.get(name.removeprefix('math-'), TOLERANCE['other'])
        for i, (a, b) in enumerate(zip(got, expected)):
            off = apart(a, b)
            if off > tolerance:
                differ.append((f'{name} {i}', a, b))
            else:
                largest[name] = max(largest.get(name, 0), off)
    return differ, largest


def differing_results(ours, theirs):
    """The same for exact results; both outputs must hold the blocks that differ in full."""
    differ = []
    for name in ours.results.keys() | theirs.results.keys():
        a, b = ours.results.get(name), theirs.results.get(name)
        if a != b:
            differ += [(name, x, y) for x, y in zip(a or ['missing'], b or ['missing']) if x != y]
    return sorted(differ)


def show_list(ours, theirs):
    """The numbers of the blocks that differ, for show=."""
    assert [b[:2] for b in ours.blocks.values()] == [b[:2] for b in theirs.blocks.values()]
    return ','.join(str(n) for n in ours.blocks if ours.blocks[n] != theirs.blocks[n])


def judged(differ, arch):
    """Differences that no rule allows, and the rules that allow nothing any more."""
    rules = [rule for rule in RULES['differs'] if arch in rule.get('on', 'aarch64 arm').split()]
    used, wrong = set(), []
    for name, got, expected in differ:
        for i, rule in enumerate(rules):
            if re.search(rule['results'], name) and re.search(rule.get('image', ''), got):
                used.add(i)
                break
        else:
            wrong.append(f'{name} = {got}, not {expected}')
    idle = [rule['results'] for i, rule in enumerate(rules) if i not in used]
    return wrong, idle


def image_says(boot, arch, show='', app='results'):
    guest = boot(app, net='none', arch=arch, append=f'show={show}')
    guest.expect('^results: ', 80)
    assert guest.wait() == 0
    return Output.of(guest.text.split('\n'))


@pytest.mark.parametrize('arch', ['aarch64', pytest.param('arm', marks=pytest.mark.full)])
def test_results_are_glibcs(boot, arch):
    ours, theirs = image_says(boot, arch), glibc_says()
    assert ours.count() == theirs.count() >= AT_LEAST
    show = show_list(ours, theirs)
    differ = differing_values(ours, theirs)[0]
    differ += differing_results(image_says(boot, arch, show), glibc_says(show))
    wrong, idle = judged(differ, arch)
    assert not wrong, '\n'.join(wrong[:100])
    assert not idle, 'these differ no more'


def test_the_light_printf_is_glibcs(boot):
    ours = image_says(boot, 'aarch64', app='results_light')
    show = show_list(ours, glibc_says().only(ours.blocks))
    wrong, _ = judged(differing_results(image_says(boot, 'aarch64', show, 'results_light'),
                                        glibc_says(show)), 'aarch64')
    assert not wrong, '\n'.join(wrong[:100])


def test_each_difference_has_a_reason():
    for rule in RULES['differs']:
        assert rule.keys() <= {'results', 'image', 'on', 'reason'} and len(rule['reason']) > 20


def test_distances_are_counted_in_last_places():
    def bits(v):
        return f'{struct.unpack("<Q", struct.pack("<d", v))[0]:016x}'
    assert apart(bits(1.0), bits(1.0 + 2 ** -52)) == 1 and apart(bits(-1.0), bits(-1.0)) == 0
    assert apart(bits(5e-324), bits(-5e-324)) == 2 and apart(bits(0.0), bits(-0.0)) > 1 << 32
    assert apart('7fc00000', 'ffc00001') == 0 and apart('7fc00000', '7f800000') > 1 << 32


def main(path, arch='aarch64', *options):
    """For work on the library: an output with show=1-999."""
    ours, theirs = Output.of(open(path, errors='replace')), glibc_says('1-9999')
    values, largest = differing_values(ours, theirs)
    differ = values + differing_results(ours, theirs)
    wrong, idle = judged(differ, arch)
    print('\n'.join(wrong if '--all' not in options
                    else [f'{name} = {a}, not {b}' for name, a, b in differ]))
    print('last places:', ' '.join(f'{k.removeprefix("math-")}={v}'
                                   for k, v in sorted(largest.items())))
    print(f'results: {ours.count()} of {theirs.count()}, differ {len(differ)}, '
          f'not allowed {len(wrong)}, idle rules {idle}')


if __name__ == '__main__':
    main(*sys.argv[1:])
