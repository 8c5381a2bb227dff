# SPDX-License-Identifier: BSD-2-Clause
"""The rows of the standard and the tests that declare them agree with each other, and with the
committed docs/conformance.md. scripts/vireolib/conformance.py says when a row counts.
"""
import os
import subprocess
import sys

import pytest

from vireolib import conformance as c

REWRITE = 'make conformance CONFORMANCE=--declared writes it again'


@pytest.fixture(scope='module')
def tests(programs):
    return c.read_tests(sys.executable)


@pytest.fixture(scope='module')
def states(tests):
    rows, never = c.read_rows(), c.read_never()
    c.check(rows, never, tests)
    return c.judge(rows, never, tests, lambda test: True)


def text_of(path):
    with open(path) as f:
        return f.read()


def test_declared_rows_exist(tests):
    c.check(c.read_rows(), c.read_never(), tests)


def test_shown_rows_keep_a_test(states):
    now = {s.row.id for s in states if s.state == 'shown'}
    lost = c.reported_as_shown(text_of(c.REPORT)) - now
    assert not lost, f'no test shows these rows any more: {" ".join(sorted(lost))}'


def test_report_is_up_to_date(states):
    assert text_of(c.REPORT) == c.report(states, c.read_never()), REWRITE


def test_numbers_in_the_readme(states):
    readme = text_of(c.README)
    assert readme == c.with_readme_numbers(readme, states), REWRITE


def test_never_accepted_bits_are_in_no_driver(programs):
    """The host test of accepted features lists the bits that drivers accept: no feature of
    not_applicable.csv may be among them."""
    said = subprocess.run([os.path.join(programs, 'host', 'test_mask'), '--implemented'],
                          capture_output=True, text=True, check=True).stdout
    implemented = {}
    for line in said.splitlines():
        device, _, numbers = line.partition(':')
        implemented[device] = {int(n) for n in numbers.split()}
    bits = c.read_bits()
    assert {'core', 'net', 'blk'} <= set(implemented)
    for never in c.read_never():
        if never.feature in bits:
            bit, area = bits[never.feature]
            known = implemented.get({'transport': 'core', 'ring': 'core'}.get(area, area), set())
            assert bit not in known, f'{never.feature} is implemented'


def test_what_a_kind_needs():
    assert c.needs_one_of('always') == [] and c.needs_one_of('legacy') == []
    assert c.needs_one_of('if VIRTIO_F_A & !VIRTIO_F_B') == [{'VIRTIO_F_A'}]
    assert c.needs_one_of('if VIRTIO_BLK_F_X or Y') == [{'VIRTIO_BLK_F_X', 'VIRTIO_BLK_F_Y'}]
    assert c.needs_one_of('if !VIRTIO_F_A & any HOST GSO') == []


def row(name, level='MUST', kind='always'):
    return c.Row(name, 'init', level, kind, 'what')


def test_judging():
    """A row is shown by a test that passed, not by one that failed; a row about a feature that is
    never accepted is not applicable."""
    rows = {r.id: r for r in (row('A-01'), row('A-02'), row('A-03', kind='if F'), row('A-04'))}
    tests = {t.name: t for t in (c.Test('good', {'A-01'}, ['g']), c.Test('bad', {'A-02'}, ['b']),
                                 c.Test('mask', set(), ['m']))}
    never = [c.Never('F', ['A-04'], 'mask', 'why')]
    states = c.judge(rows, never, tests, lambda test: test.name != 'bad')
    assert [s.state for s in states] == ['shown', 'open', 'not applicable', 'not applicable']
    assert states[1].note == 'did not pass: bad'
    assert c.summary(states) == 'conformance: shown=1 not-applicable=2 open=1 of=4'
    assert [s.state for s in c.judge(rows, never, tests, lambda test: test.name == 'good')] == \
        ['shown', 'open', 'open', 'open']
    assert c.reported_as_shown(c.report(states, never)) == {'A-01'}


def test_results_of_another_tree_do_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(c, 'RESULTS', str(tmp_path / 'results.json'))
    monkeypatch.setattr(c, 'fingerprint', lambda: 'now')
    c.store_results('now', {'a': 'passed'})
    c.store_results('now', {'b': 'failed'})
    c.store_results('before', {'c': 'passed'})
    assert c.load_results() == {'a': 'passed', 'b': 'failed'}
    monkeypatch.setattr(c, 'fingerprint', lambda: 'later')
    assert c.load_results() == {}


def test_an_unknown_row_is_refused():
    with pytest.raises(c.Wrong, match='NO-99'):
        c.check(c.read_rows(), [], {'t': c.Test('t', {'NO-99'}, [])})


def test_open_rows_fail_the_run():
    """A MUST of a covered area, or too many SHOULD; not a MAY, nor another area's row."""
    def failing(level, state, area='init'):
        return c.failing([c.State(c.Row('A-01', area, level, 'always', 'what'), state, [])])

    assert failing('MUST', 'open') and failing('MUST NOT', 'open') and failing('SHOULD', 'open')
    assert not failing('MUST', 'shown') and not failing('MUST NOT', 'not applicable')
    assert not failing('MAY', 'open') and not failing('MUST', 'open', 'none')
