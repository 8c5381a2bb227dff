# SPDX-License-Identifier: BSD-2-Clause
"""The device side of both rings, on memory that the test writes in the driver's place."""
import os
import struct

import pytest

from vhost import ring as r
from vhost.packed import AVAIL, DESC, DISABLE, USED, Packed
from vhost.ring import Broken, Memory, Region, Split

GUEST, USER, BYTES = 0x40000000, 0x7f0000000000, 0x10000
RING, DRIVER, DEVICE, DATA = 0x1000, 0x2000, 0x3000, 0x8000       # offsets in the memory


@pytest.fixture
def memory():
    fd = os.memfd_create('guest')
    os.truncate(fd, BYTES)
    yield Memory([Region(GUEST, BYTES, USER, 0, fd)])
    os.close(fd)


class Guest:
    """The driver's side: writes bytes of the rings."""

    def __init__(self, memory, kind, size, base=0, event_idx=True):
        self.memory, self.size = memory, size
        self.raw = memory.at(GUEST, BYTES)
        addresses = [USER + at for at in (RING, DRIVER, DEVICE)]
        self.start = lambda base: kind(0, size, memory, addresses, base, event_idx)
        self.part = self.start(base)

    def put16(self, at, *values):
        struct.pack_into(f'<{len(values)}H', self.raw, at, *values)

    def get16(self, at):
        return struct.unpack_from('<H', self.raw, at)[0]

    def desc(self, slot, address, length, a, b, table=RING):
        """a, b: flags and next (split); id and flags (packed)."""
        struct.pack_into('<QIHH', self.raw, table + 16 * slot, address, length, a, b)

    def used(self, n):
        return struct.unpack_from('<II', self.raw, DEVICE + 4 + 8 * (n % self.size))

    def available(self, *heads):
        """Adds entries to the available ring of a split ring."""
        at = self.get16(DRIVER + 2)
        for n, head in enumerate(heads):
            self.put16(DRIVER + 4 + 2 * ((at + n) % self.size), head)
        self.put16(DRIVER + 2, (at + len(heads)) & 0xffff)


def at(n):
    return GUEST + DATA + 256 * n


# ---- split ---------------------------------------------------------------------------------------

@pytest.fixture
def split(memory):
    return Guest(memory, Split, 4)


def test_split_takes_and_uses_a_chain(split):
    split.raw[DATA:DATA + 3] = b'abc'
    split.desc(2, at(0), 3, r.NEXT, 1)
    split.desc(1, at(1), 8, r.WRITE, 0)
    assert not split.part.waiting()
    split.available(2)
    assert split.part.waiting()
    chain = split.part.pop()
    assert (chain.head, chain.slots, chain.read(), chain.room()) == (2, [2, 1], b'abc', 8)
    assert chain.write(b'answer') == 6
    assert split.raw[DATA + 256:DATA + 264] == b'answer\0\0'
    split.part.put(chain.head, 6, len(chain.slots))
    assert split.get16(DEVICE + 2) == 0
    assert split.part.publish()
    assert split.get16(DEVICE + 2) == 1 and split.used(0) == (2, 6)
    assert not split.part.publish() and split.part.base() == 1


def test_split_reads_an_indirect_table(split):
    split.desc(0, at(8), 32, r.INDIRECT, 0)
    split.desc(0, at(0), 4, r.NEXT, 1, DATA + 8 * 256)
    split.desc(1, at(1), 5, r.WRITE, 0, DATA + 8 * 256)
    split.available(0)
    chain = split.part.pop()
    assert (len(chain.read()), chain.room(), chain.slots, len(chain.table)) == (4, 5, [0], 32)


def test_split_indexes_go_round(memory):
    guest = Guest(memory, Split, 4)
    guest.put16(DRIVER + 2, 0xfffe)
    guest.put16(DEVICE + 2, 0xfffe)
    guest.part = guest.start(0xfffe)
    for n in range(4):
        guest.desc(n, at(n), 1, 0, 0)
    guest.available(3, 2, 1)
    for head in (3, 2, 1):
        chain = guest.part.pop()
        assert chain.head == head
        guest.part.put(chain.head, 0)
    assert not guest.part.waiting()
    guest.part.publish()
    assert guest.get16(DEVICE + 2) == 1
    assert [guest.used(n)[0] for n in (2, 3, 0)] == [3, 2, 1]


@pytest.mark.parametrize('event, wanted', [(0, True), (1, True), (2, False), (0xffff, False)])
def test_split_heeds_the_event_index(split, event, wanted):
    split.put16(DRIVER + 4 + 2 * 4, event)
    split.part.put(0, 0)
    split.part.put(1, 0)
    assert split.part.publish() == wanted


def test_split_heeds_the_flag(memory):
    guest = Guest(memory, Split, 4, event_idx=False)
    guest.part.put(0, 0)
    assert guest.part.publish()
    guest.put16(DRIVER, 1)
    guest.part.put(0, 0)
    assert not guest.part.publish()


def test_split_asks_for_the_next_kick(split):
    split.desc(0, at(0), 1, 0, 0)
    split.available(0)
    split.part.pop()
    assert not split.part.waiting()
    assert split.get16(DEVICE + 4 + 8 * 4) == 1


@pytest.mark.parametrize('make', [
    lambda g: g.desc(0, at(0), 1, r.NEXT, 0),                    # a loop
    lambda g: g.desc(0, at(0), 1, r.NEXT, 4),                    # beyond the table
    lambda g: g.desc(0, at(0), 0, 0, 0),                         # no bytes
    lambda g: g.desc(0, GUEST + BYTES - 1, 2, 0, 0),             # beyond memory
    lambda g: (g.desc(0, at(0), 1, r.NEXT | r.WRITE, 1), g.desc(1, at(1), 1, 0, 0)),
    lambda g: g.desc(0, at(8), 24, r.INDIRECT, 0),               # half a descriptor
])
def test_split_finds_broken_chains(split, make):
    make(split)
    split.available(0)
    with pytest.raises(Broken):
        split.part.pop()


def test_split_finds_wild_heads_and_indexes(split):
    split.available(4)
    with pytest.raises(Broken):
        split.part.pop()
    split.put16(DRIVER + 2, 6)
    with pytest.raises(Broken):
        split.part.pop()


# ---- packed --------------------------------------------------------------------------------------

START = 0x8000 | 0x8000 << 16                 # both at slot 0, wrap counter 1


@pytest.fixture
def packed(memory):
    return Guest(memory, Packed, 3, START)


def flags_at(guest, slot):
    return guest.get16(RING + 16 * slot + 14)


def test_packed_takes_and_uses_a_chain(packed):
    packed.raw[DATA:DATA + 3] = b'abc'
    packed.desc(1, at(1), 8, 77, AVAIL | r.WRITE)
    assert not packed.part.waiting()
    packed.desc(0, at(0), 3, 77, AVAIL | r.NEXT)
    chain = packed.part.pop() if packed.part.waiting() else None
    assert (chain.head, chain.slots, chain.read(), chain.room()) == (77, [0, 1], b'abc', 8)
    packed.part.put(chain.head, 5, len(chain.slots))
    assert flags_at(packed, 0) == AVAIL | r.NEXT
    assert packed.part.publish()
    assert flags_at(packed, 0) == AVAIL | USED | r.WRITE
    assert struct.unpack_from('<IH', packed.raw, RING + 8) == (5, 77)
    assert packed.part.base() == (2 | 0x8000) * 0x10001
    assert not packed.part.publish()


def test_packed_chain_goes_round_the_end(memory):
    guest = Guest(memory, Packed, 3, (2 | 0x8000) * 0x10001)
    guest.desc(2, at(0), 1, 5, AVAIL | r.NEXT)
    guest.desc(0, at(1), 1, 5, USED | r.WRITE)           # the next lap: wrap counter 0
    chain = guest.part.pop()
    assert chain.slots == [2, 0] and guest.part.base() & 0xffff == 1
    guest.part.put(5, 1, 2)
    guest.part.publish()
    assert flags_at(guest, 2) == AVAIL | USED | r.WRITE
    assert guest.part.base() == 1 * 0x10001              # wrap counters 0
    assert not guest.part.waiting()
    guest.desc(1, at(0), 1, 6, USED)
    assert guest.part.waiting()
    guest.part.put(guest.part.pop().head, 0)
    guest.part.publish()
    assert flags_at(guest, 1) == 0                       # used with wrap counter 0


def test_packed_batch_is_hidden_by_its_first(packed):
    seen = []
    packed.part.barrier = lambda: seen.append([flags_at(packed, n) for n in range(2)])
    packed.part.put(1, 0)
    packed.part.put(2, 0)
    packed.part.publish()
    assert seen[0] == [0, AVAIL | USED]
    assert [flags_at(packed, n) for n in range(2)] == [AVAIL | USED] * 2


def test_packed_reads_an_indirect_table(packed):
    packed.desc(0, at(8), 32, 9, AVAIL | r.INDIRECT)
    packed.desc(0, at(0), 4, 0, 0, DATA + 8 * 256)
    packed.desc(1, at(1), 5, 0, r.WRITE, DATA + 8 * 256)
    chain = packed.part.pop()
    assert (chain.head, len(chain.read()), chain.room(), len(chain.table)) == (9, 4, 5, 32)


@pytest.mark.parametrize('base, event, wanted', [
    (0x8000, 0x8000, True), (0x8000, 0x8001, True), (0x8000, 0x8002, False),
    (0x8002, 0x8002, True), (0x8002, 0x0000, True), (0x8002, 0x0001, False),
    (0x8002, 0x8000, False), (0x0001, 0x0000, False), (0x0001, 0x0001, True),
])
def test_packed_heeds_the_event(memory, base, event, wanted):
    """Two slots are used from `base`; the driver waits for `event`."""
    guest = Guest(memory, Packed, 3, base * 0x10001)
    guest.put16(DRIVER, event, DESC)
    guest.part.put(0, 0)
    guest.part.put(1, 0)
    assert guest.part.publish() == wanted


def test_packed_heeds_the_modes(packed):
    for mode, wanted in ((0, True), (DISABLE, False)):
        packed.put16(DRIVER, 0, mode)
        packed.part.put(0, 0)
        assert packed.part.publish() == wanted


def test_packed_asks_for_the_next_kick(packed):
    packed.desc(0, at(0), 1, 0, AVAIL)
    packed.part.pop()
    assert not packed.part.waiting()
    assert (packed.get16(DEVICE), packed.get16(DEVICE + 2)) == (1 | 0x8000, DESC)


def test_packed_finds_a_chain_without_end(packed):
    for slot in range(3):
        packed.desc(slot, at(slot), 1, 0, AVAIL | r.NEXT)
    with pytest.raises(Broken):
        packed.part.pop()


def test_packed_knows_its_place_again(packed):
    assert packed.part.place() is None
    packed.desc(0, at(0), 4, 3, AVAIL)
    packed.part.put(packed.part.pop().head, 0)
    packed.part.publish()
    place = packed.part.place()
    assert packed.part.was_at(place) and place[0] == packed.part.base()
    packed.desc(0, at(0), 4, 3, AVAIL)                   # a new ring, in the same memory
    assert not packed.part.was_at(place)
