# SPDX-License-Identifier: BSD-2-Clause
"""The matrix: every transport, ring, wake-up, set of ring features, interrupt controller and queue
size that go together, on one image (tests/apps/cell). Each cell moves data both ways over a disk
and a network card, compares it, and fails if the image drove the devices in another way than asked
for.

As many cells run at a time as there are processors; the tests wait for theirs.
"""
import concurrent.futures
import os

import pytest

import cells
import matrix

ALL = matrix.possible()
CHOSEN = set(matrix.representative(ALL))


# The requirements that a cell shows, by what is so of it: without them no data would come through,
# a kick would be made up for, QEMU would speak up, or the report would be of another cell.
SHOWS = (
    (lambda c: True, 'VQ-03 VQ-04'),
    (lambda c: c.ring == 'split', 'SPLIT-19'),
    (lambda c: c.ring == 'split' and c.event_idx, 'NOTIF-10'),
    (lambda c: c.ring == 'split' and not c.transport.endswith('-legacy'), 'FEAT-09'),
    (lambda c: c.ring == 'packed', 'FEAT-17 PACK-06 PACK-07 PACK-08 PACK-09'),
    (lambda c: c.ring == 'packed' and c.size & (c.size - 1), 'PACK-03'),
    (lambda c: c.ring == 'packed' and not c.indirect, 'PACK-20 PACK-21 PACK-22 PACK-23'),
    (lambda c: c.ring == 'packed' and c.event_idx, 'NOTIF-PACK-04'),
    (lambda c: c.transport.endswith('-legacy'), 'LEGACY-NET-05'),
    (lambda c: c.ring == 'split' and (c.requests or c.frames), 'SPLIT-27 SPLIT-30'),
)


def parameter(cell):
    """A cell of the small set names its requirements; the others repeat them."""
    if cell not in CHOSEN and cell not in matrix.WRAPS:
        return pytest.param(cell, id=cell.id, marks=pytest.mark.full)
    rows = ' '.join(rows for holds, rows in SHOWS if holds(cell)).split()
    return pytest.param(cell, id=cell.id, marks=pytest.mark.shows(*rows))


def run(cell, image):
    cells.run(cell, image, look=cells.agree)


@pytest.fixture(scope='session')
def outcomes(request, built):
    """outcomes[cell].result(): None when it is green; raises what went wrong."""
    image = built('cell')
    wanted = [item.callspec.params['cell'] for item in request.session.items
              if 'outcomes' in getattr(item, 'fixturenames', ())]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {cell: pool.submit(run, cell, image) for cell in wanted}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize('cell', [parameter(cell) for cell in ALL])
def test_cell(cell, outcomes, record_property):
    record_property('cell', cell.id)
    outcomes[cell].result()


@pytest.mark.parametrize('cell', [parameter(cell) for cell in matrix.WRAPS])
def test_index_goes_round(cell, outcomes):
    outcomes[cell].result()


def test_every_value_and_pair_is_in_the_small_set():
    wanted = set().union(*map(matrix.pairs, ALL))
    assert wanted == set().union(*map(matrix.pairs, CHOSEN))
    assert {value for pair in wanted for axis, value in pair} >= \
        {value for values in matrix.AXES.values() for value in values}


def test_what_cannot_exist_has_a_reason_that_is_needed():
    """No rule shuts out what another one does already, and each letter is its own."""
    letters = [letter for letter, *_ in matrix.IMPOSSIBLE]
    used = {matrix.why_not(cell)[0] for cell in matrix.every() if matrix.why_not(cell)}
    assert used == set(letters) and len(used) == len(letters)
    assert not used & {matrix.PASSED, matrix.FAILED, matrix.NOT_RUN}


def test_a_cell_that_ran_as_another_is_found():
    """The image's words are compared with the cell, whatever they are about."""
    cell = cells.Cell(transport='pci', wakeup='hybrid', gic='v3', size=16, requests=9)
    good = {'name': 'vblk0', 'type': 2, 'transport': 'pci', 'ring': 'split',
            'wakeup': 'intx, hybrid', 'features': 'event_idx indirect_desc version_1',
            'alive': True, 'interrupts': 3,
            'queues': [{'size': 16, 'rekicks': 0, 'late': 0, 'completed': 9}]}
    assert cell.judge(good) == []
    for change in ({'transport': 'mmio'}, {'ring': 'packed'}, {'wakeup': 'intx'}, {'alive': False},
                   {'features': 'event_idx version_1'},
                   {'interrupts': 0, 'queues': [{**good['queues'][0], 'late': 1}]},
                   {'features': 'event_idx indirect_desc version_1 ring_packed'},
                   {'queues': [{'size': 128, 'rekicks': 0, 'completed': 9}]},
                   {'queues': [{'size': 16, 'rekicks': 1, 'completed': 9}]},
                   {'queues': [{'size': 16, 'rekicks': 0, 'completed': 8}]}):
        assert len(cell.judge({**good, **change})) == 1, change


def test_what_the_queues_of_a_card_moved():
    """Datagrams are counted where they are sent, and the control queue has a limit of its own."""
    cell = cells.Cell(transport='pci', size=256, frames=9)
    queue = {'size': 256, 'rekicks': 0, 'late': 0, 'completed': 9}
    control = {**queue, 'size': 64, 'completed': 1}
    good = {'name': 'vnet0', 'type': 1, 'transport': 'pci', 'ring': 'split', 'wakeup': 'msi-x',
            'features': 'event_idx indirect_desc version_1', 'alive': True, 'interrupts': 3,
            'queues': [queue, queue, control]}
    assert cell.judge(good) == []
    for queues in ([queue, {**queue, 'completed': 8}, control],
                   [queue, {**queue, 'completed': 8}, {**control, 'completed': 9}],
                   [queue, queue, {**control, 'size': 256}],
                   [queue, {**queue, 'size': 64}, control]):
        assert len(cell.judge({**good, 'queues': queues})) == 1, queues
