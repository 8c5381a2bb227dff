# SPDX-License-Identifier: BSD-2-Clause
"""`vireo run IMAGE --profile OUT`: counts, callers and tasks of an image that is known."""
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import TREE
from vireolib import images, profile

SOURCE = """\
#include <vireo.h>

static volatile unsigned long sum;

__attribute__((noinline)) void leaf(int n)
{
    for (int i = 0; i < n; i++)
        sum += 1;
}

__attribute__((noinline)) void outer(void)
{
    for (int i = 0; i < 10; i++)
        leaf(1000);
    sum += 1;
}

static void worker(void *arg)
{
    (void)arg;
    for (int i = 0; i < 5; i++) {
        leaf(3000);
        task_sleep_until(hal_now_ns() + 1000000);
    }
}

int main(void)
{
    task_spawn("worker", worker, NULL, 0);
    for (int i = 0; i < 5; i++) {
        outer();
        task_sleep_until(hal_now_ns() + 1000000);
    }
    return 3;
}
"""


def vireo(*args):
    return subprocess.run([sys.executable, os.path.join(TREE, 'scripts', 'vireo'), 'run', *args],
                          capture_output=True, text=True, timeout=80)


def stacks_of(svg):
    """{name: instructions} of the boxes."""
    names = {}
    for title in ElementTree.parse(svg).iter('{http://www.w3.org/2000/svg}title'):
        name, insns = re.match(r'(\S+).*: ([\d,]+) instructions', title.text).groups()
        names[name] = names.get(name, 0) + int(insns.replace(',', ''))
    return names


@pytest.mark.parametrize('arch', ['aarch64', 'arm'])
def test_functions_callers_and_tasks(builder, tmp_path, arch):
    app = tmp_path / 'profiled'
    app.mkdir()
    (app / 'main.c').write_text(SOURCE)
    other = ['CROSS=arm-none-eabi-', 'NEWLIB_DIR='] if arch == 'arm' else []
    builder('image', f'APP={app}', f'ARCH={arch}', *other)
    out = str(tmp_path / 'where')
    result = vireo(images.image('profiled', arch=arch), '--net', 'none', '--profile', out)
    assert result.returncode == 3, result.stderr
    assert f'{out}.svg' in result.stdout
    with open(out + '.txt') as f:
        text = f.read()
    insns, calls = re.search(r'([\d,]+) +[\d.]+ % +([\d,]+)  leaf', text).groups()
    assert int(calls) == 55
    assert 4 * 65000 < int(insns.replace(',', '')) < 12 * 65000     # by loop: 4 to 12 instructions
    total = int(re.search(r'([\d,]+) 100\.0 %', text)[1].replace(',', ''))
    boxes = stacks_of(out + '.svg')
    assert boxes['all'] == total
    # Each task has its own tower, and keeps it when the other one runs in between.
    assert boxes['outer'] > 50000 * 4 and boxes['outer'] < boxes['main'] < total
    assert 15000 * 4 < boxes['worker'] < boxes['outer']
    assert abs(boxes['leaf'] - boxes['worker'] - boxes['outer']) < boxes['leaf'] / 10


def test_counts_are_those_of_the_counting_plugin(built, tmp_path):
    hello, marks = built('hello'), tmp_path / 'marks'
    assert vireo(hello, '--net', 'none', '--icount', 'shift=0',
                 '--plugin', f'{images.plugin()},out={marks}').returncode == 0
    assert vireo(hello, '--net', 'none', '--icount', 'shift=0',
                 '--profile', str(tmp_path / 'p')).returncode == 0
    total = int(re.search(r'([\d,]+) 100\.0 %', (tmp_path / 'p.txt').read_text())[1]
                .replace(',', ''))
    assert abs(total - images.marks(marks)['total']) < total / 100


def test_mistakes(built, tmp_path):
    (tmp_path / 'lone.img').write_bytes(open(built('hello'), 'rb').read())
    (tmp_path / 'mine.svg').write_text('a picture of mine')
    for args, words in (((str(tmp_path / 'lone.img'), '--profile', str(tmp_path / 'p')),
                         'there is no .*lone.elf beside the image'),
                        ((built('hello'), '--profile', str(tmp_path / 'mine')),
                         'a file of another kind'),
                        ((built('hello'), '--profile', str(tmp_path / 'p'), '--plugin',
                          images.plugin()), 'one of them at a time')):
        result = vireo(*args)
        assert result.returncode == 125 and re.search(words, result.stderr), result.stderr


def test_boxes_stand_on_their_callers():
    a, b, c = (profile.Function(name, f'net/{name}.c', 10, 1) for name in 'abc')
    svg = '\n'.join(profile.flame_graph(
        profile.Profile([a, b, c], {(a,): 10, (a, b): 10, (a, b, c): 10}), 'x<y'))
    tree = ElementTree.fromstring(svg)
    at = {}
    for group in tree.iter('{http://www.w3.org/2000/svg}g'):
        title, box = group[0].text, group[1]
        at[title.split(' ')[0].rstrip(':')] = float(box.get('y')), float(box.get('width'))
    assert at['all'][0] > at['a'][0] > at['b'][0] > at['c'][0]
    assert round(at['a'][1]) == 1200 and round(at['b'][1]) == 800 and round(at['c'][1]) == 400
    table = list(profile.Profile([a, b], {}).table(operations=10))
    assert table[1].split() == ['1.0', '50.0', '%', '0.10', 'a', '(net/a.c)']
