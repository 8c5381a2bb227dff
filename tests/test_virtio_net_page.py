# SPDX-License-Identifier: BSD-2-Clause
"""docs/virtio-net.md: every feature bit of network cards stands there once, what the driver accepts
is called used and nothing else is, and the tests that it names exist.
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
    lines = [line for line in text('docs', 'virtio-net.md').splitlines()
             if re.match(r'\| \d+ \|', line)]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]


def accepted():
    table = re.search(r'virtio_feature vnet_features\[\] = \{(.*?)\n\};',
                      text('drivers', 'net', 'vnet.c'), re.S)[1]
    return set(re.findall(r'\{VIRTIO_NET_F_(\w+),\s*"', table))


def test_every_bit_has_a_row():
    bits = csv.DictReader(text('tests', 'conformance', 'features.csv').splitlines())
    wanted = [(b['bit'], b['name'].removeprefix('VIRTIO_NET_F_')) for b in bits
              if b['area'] == 'net']
    assert [(r[0], r[1]) for r in rows()] == sorted(wanted, key=lambda b: int(b[0]))


def test_what_is_used():
    assert {r[1] for r in rows() if not r[3].startswith('not used')} == accepted()


def test_tests_exist():
    for row in rows():
        path, _, name = row[4].strip('`').partition('::')
        assert not name or f'def {name}(' in text(path), row
        assert text(path), row
