# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite (tests/suite/): Vireo's drivers behind its adapter break no row and survive
every lie; a small bad driver breaks one rule at a time, and the suite names the row.
"""
import csv
import os
import re
import subprocess

import pytest

from conftest import TREE
from vireolib.guest import PATIENCE

SUITE = os.path.join(TREE, 'tests', 'suite')
MODEL = [f'tests/host/model{part}.c' for part in ('', '_mmio', '_ring', '_split', '_packed')]
# What no call of the adapter makes Vireo do: it starts no device again that it gave up, stops a
# queue by a reset of the device alone, and does not accept RING_RESET on this transport.
IDLE = {'INIT-03', 'MMIO-REG-17', 'MMIO-REG-21'}


def run(program, *arguments, seconds=85, **environment):
    result = subprocess.run([os.path.join(TREE, 'build', 'host', program), *arguments], text=True,
                            capture_output=True, timeout=seconds * PATIENCE, check=False,
                            env={**os.environ, **environment})
    assert result.returncode in (0, 1), result.stdout[-2000:] + result.stderr[-2000:]
    return result.stdout


def rows(text, verdict):
    return set(re.findall(rf'^([A-Z][A-Z-]+-\d+) +[A-Z ]+?\*? +{verdict}  ', text, re.M))


def failures(text):
    return re.findall(r'^(?:honest|class).* FAILED .*$', text, re.M)


def closing(text):
    """The figures of the last lines."""
    return {name: int(n) for name, n in re.findall(r'\b([a-z-]+)=(\d+)\b',
                                                   '\n'.join(text.splitlines()[-3:]))}


@pytest.fixture(scope='module')
def bad(builder):
    builder('build/host/suite-bad')
    return lambda fault, *arguments: run('suite-bad', *arguments, SUITE_BAD=fault)


def test_vireo_keeps_every_row(builder):
    builder('build/host/suite-vireo')
    text = run('suite-vireo')
    figures = closing(text)
    assert not failures(text) and 'remark' not in text, text
    assert figures['failed'] == figures['broken'] == 0 and figures['honest'] > 90, text
    assert figures['lies'] == figures['survived'] > 100, text
    assert rows(text, 'not exercised') == IDLE
    assert figures['rows'] == len(rows(text, 'passed')) + len(IDLE) > 220


def test_rows_are_those_of_the_standard(builder):
    """The suite's list, the rows that its sources name, and requirements.csv fit."""
    builder('build/host/suite-vireo')
    listed = run('suite-vireo', '--rows').split()
    with open(os.path.join(TREE, 'tests/conformance/requirements.csv')) as f:
        known = {row['id'] for row in csv.DictReader(f)}
    assert len(listed) == len(set(listed)) and set(listed) <= known
    sources = MODEL + [f'tests/suite/{n}' for n in os.listdir(SUITE) if n.endswith('.c')]
    named = set()
    for source in sources:
        if not source.endswith('judge.c'):
            with open(os.path.join(TREE, source)) as f:
                named |= set(re.findall(r'\b[A-Z][A-Z-]*-\d\d\b', f.read()))
    assert named & known == set(listed)


# Rules that the bad driver breaks, one at a time: the rows that have to be broken then, and the
# scenario.
FAULTS = {
    'no-reset': ('INIT-05 INIT-06', 'plain'), 'no-acknowledge': ('INIT-07', 'plain'),
    'no-driver': ('INIT-08', 'plain'), 'two-steps': ('INIT-01', 'plain'),
    'drops-bits': ('INIT-02', 'plain'), 'hasty-reset': ('RST-01', 'slow reset'),
    'no-features-ok': ('INIT-14', 'plain'), 'believes-features-ok': ('INIT-14 INIT-18', 'refusal'),
    'late-features': ('INIT-13', 'plain'), 'no-failed': ('INIT-17', 'refusal'),
    'early-queue': ('INIT-12', 'plain'), 'early-ok': ('INIT-15 INIT-16', 'plain'),
    'early-kick': ('INIT-19', 'plain'), 'early-config': ('INIT-11', 'plain'),
    'takes-unoffered': ('FEAT-01', 'plain'), 'no-version-1': ('FEAT-12', 'plain'),
    'takes-all': ('FEAT-05 FEAT-06 FEAT-07 FEAT-08', 'everything'),
    'one-word': ('MMIO-REG-24 FEAT-12', 'plain'), 'no-selection': ('MMIO-REG-12', 'plain'),
    'noses-around': ('MMIO-INIT-04 MMIO-REG-10', 'empty slot'),
    'odd-width': ('MMIO-REG-04', 'plain'),
    'unknown-register': ('MMIO-REG-01', 'plain'), 'reads-write-only': ('MMIO-REG-03', 'plain'),
    'no-queue-sel': ('MMIO-REG-25', 'plain'), 'not-idle': ('MMIO-INIT-07', 'plain'),
    'no-size': ('MMIO-INIT-10', 'plain'), 'oversize': ('MMIO-REG-14', 'plain'),
    'half-address': ('MMIO-REG-27 MMIO-INIT-11', 'plain'),
    'late-address': ('MMIO-REG-15', 'plain'),
    'unaligned': ('SPLIT-01', 'plain'), 'dirty-ring': ('MMIO-INIT-09 NOTIF-05', 'plain'),
    'narrow-config': ('MMIO-REG-05', 'plain'), 'no-generation': ('CFG-02 MMIO-REG-28', 'plain'),
    'strange-field': ('CFG-03', 'bare'), 'no-barrier': ('SPLIT-25 SPLIT-26', 'plain'),
    'no-full-barrier': ('SPLIT-28', 'plain'), 'kicks-always': ('NOTIF-07', 'no kicks'),
    'no-kick': ('NOTIF-08', 'plain'), 'wrong-queue': ('NOTIF-13 MMIO-NOTIF-01', 'plain'),
    'wrong-head': ('SPLIT-21', 'plain'), 'jumps': ('SPLIT-20 SPLIT-27', 'plain'),
    'changes-published': ('INIT-20 SPLIT-20', 'no kicks'), 'loop': ('SPLIT-04', 'plain'),
    'indirect': ('SPLIT-12', 'plain'), 'writable-for-readable': ('BLK-09', 'plain'),
    'status-first': ('VQ-04', 'plain'), 'odd-length': ('BLK-18', 'plain'),
    'no-limit': ('BLK-13', 'values'), 'writes-read-only': ('BLK-15', 'read-only'),
    'believes-status': ('BLK-11', 'status'), 'flush-sector': ('BLK-10 BLK-16', 'plain'),
}
SHOULD = {'FEAT-17', 'FEAT-18'}     # without a fault, too: the driver knows neither feature


@pytest.mark.parametrize('fault', FAULTS)
def test_a_broken_rule_is_found(bad, fault):
    wanted, scenario = FAULTS[fault]
    text = bad(fault, scenario + ' blk')
    assert rows(text, 'broken') >= set(wanted.split()), text


def test_the_good_driver_is_not_blamed(bad):
    text = bad('')
    assert rows(text, 'broken') == SHOULD and not failures(text), text
    assert 'remark' not in text, text
    assert closing(text)['passed'] > 90


@pytest.mark.parametrize('fault, lie', [
    ('trusts-id', 'wild id'), ('waits', 'silence'), ('reads-back', 'rewritten descriptors'),
])
def test_a_driver_that_believes_is_found(bad, fault, lie):
    assert failures(bad(fault, lie + ' blk'))
    assert not failures(bad('', lie + ' blk'))


# ---- U-Boot's drivers, which are fetched ----

def page():
    with open(os.path.join(TREE, 'docs', 'conformance-suite.md')) as f:
        return f.read()


@pytest.mark.full
@pytest.mark.timeout(600)
def test_u_boot_breaks_what_the_page_says(builder):
    builder('build/host/suite-u-boot')
    text, again = run('suite-u-boot', seconds=250), run('suite-u-boot', seconds=250)
    assert text == again
    version = re.search(r'version=(\S+)', text)[1]
    assert f'### U-Boot {version}\n' in page()
    table = page().partition('<!-- suite-u-boot:begin -->')[2].partition('<!-- suite-u-boot:end')[0]
    assert rows(text, 'broken') == set(re.findall(r'^\| ([A-Z-]+-\d+) ', table, re.M))
    for line in text.splitlines()[-3:]:
        assert line in page(), line


def test_nothing_of_u_boot_is_here():
    """An adapter, a header and a page, all of them Vireo's own."""
    folder = os.path.join(SUITE, 'strangers', 'u-boot')
    assert sorted(os.listdir(folder)) == ['README.md', 'adapter.c', 'kernel.h']
    for name in ('adapter.c', 'kernel.h'):
        with open(os.path.join(folder, name)) as f:
            text = f.read()
        assert text.startswith('/* SPDX-License-Identifier: BSD-2-Clause */') and 'GPL' not in text
