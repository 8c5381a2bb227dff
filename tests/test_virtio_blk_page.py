# SPDX-License-Identifier: BSD-2-Clause
"""docs/virtio-blk.md: every feature bit of disks stands there once, what the driver accepts is
called used and nothing else is, and the tests that it names exist.
"""
import csv
import os
import re

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def text(*path):
    with open(os.path.join(TREE, *path)) as f:
        return f.read()


def rows():
    """[bit, feature, offered by, use, test] of each row."""
    lines = [line for line in text('docs', 'virtio-blk.md').splitlines()
             if re.match(r'\| \d+ \|', line)]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]


def test_every_bit_has_a_row():
    bits = csv.DictReader(text('tests', 'conformance', 'features.csv').splitlines())
    wanted = [(b['bit'], b['name'].removeprefix('VIRTIO_BLK_F_')) for b in bits
              if b['area'] == 'blk']
    assert [(r[0], r[1]) for r in rows()] == sorted(wanted, key=lambda b: int(b[0]))


def test_what_is_used():
    table = re.search(r'define VBLK_FEATURES(.*?)\n\n', text('drivers', 'block', 'vblk_impl.h'),
                      re.S)[1]
    table += re.search(r'virtio_feature vblk_more_features\[\] = \{(.*?)\n\};',
                       text('drivers', 'block', 'vblk_more.c'), re.S)[1]
    accepted = set(re.findall(r'VBLK_F_(\w+),\s*"', table.replace('\\', ' ')))
    assert {r[1] for r in rows() if not r[3].startswith('not used')} == accepted


def test_tests_exist():
    for row in rows():
        assert text(row[4].strip('`')), row
