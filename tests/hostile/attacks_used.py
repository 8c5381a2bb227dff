# SPDX-License-Identifier: BSD-2-Clause
"""Attacks on used entries: ids, indexes, lengths, flags."""
from hostile.attack import ASKED, BLK, RINGS, RX, Entry
from vhost.packed import AVAIL, USED, Packed, flags_of
from vhost.ring import Split


class IdWild(Entry):
    """A used id that is far out of range."""
    name = 'id-wild'

    def say(self, ring, chain, length):
        ring.part.put(0x12345 if isinstance(ring.part, Split) else 0xfff0, length,
                      len(chain.slots))


class IdWildAlways(IdWild):
    """A used id that is far out of range, each time, after each reset."""
    name = 'id-wild-always'
    strikes = 0
    patience = 20.0


class IdHigh(Entry):
    """The right id, with the highest bit set."""
    name = 'id-high-bit'

    def say(self, ring, chain, length):
        ring.part.put(chain.head | (0x80000000 if isinstance(ring.part, Split) else 0x8000),
                      length, len(chain.slots))


class IdFree(Entry):
    """The id of a buffer that the device does not have."""
    name = 'id-not-outstanding'
    targets = ASKED

    def say(self, ring, chain, length):
        ring.part.put((chain.head + ring.size // 2) % ring.size, length, len(chain.slots))


class IdMiddle(Entry):
    """The second descriptor of a chain as its id."""
    name = 'id-not-a-head'
    targets, formats = (BLK,), ('split',)
    indirect = False

    def say(self, ring, chain, length):
        ring.part.put(chain.slots[1], length)


class IdTwice(Entry):
    """A buffer is used twice, in one batch."""
    name = 'id-twice'
    breaks = ('packed',)     # the second use may overwrite a descriptor that the driver offers

    def say(self, ring, chain, length):
        ring.push(chain, length)
        ring.push(chain, length)


class IdTwiceLater(Entry):
    """A buffer is used once more some time later."""
    name = 'id-twice-later'
    breaks = ('packed',)

    def say(self, ring, chain, length):
        ring.push(chain, length)
        part = ring.part

        def again():
            if ring.part is part:
                make_place(part)
                ring.push(chain, length)
                self.device.backend.interrupt(ring)
        self.device.backend.after(0.003, again)


class IndexAhead(Entry):
    """The used index is one too far: the last entry was never written."""
    name = 'index-ahead'
    breaks = RINGS

    def say(self, ring, chain, length):
        ring.push(chain, length)
        jump(ring.part, self.by(ring))

    def by(self, ring):
        return 1


class IndexSize(IndexAhead):
    """The used index is a whole ring too far."""
    name = 'index-by-size'

    @classmethod
    def fits(cls, target, ring):
        """A packed ring has no index. In a receive queue, marking slots that hold no buffer would
        only lose the device's position, so that the device falls silent."""
        return target != RX or ring == 'split'

    def by(self, ring):
        return ring.size


class IndexFar(IndexAhead):
    """The used index is 0x4000 too far."""
    name = 'index-far'
    formats = ('split',)

    def by(self, ring):
        return 0x4000


class IndexBack(IndexAhead):
    """The used index goes back by two."""
    name = 'index-back'
    formats = ('split',)

    def by(self, ring):
        return -2


class LengthHuge(Entry):
    """A length of 0xffffffff bytes."""
    name = 'length-huge'

    def say(self, ring, chain, length):
        ring.push(chain, self.length(chain, length))

    def length(self, chain, length):
        return 0xffffffff


class LengthOver(LengthHuge):
    """One byte more than the buffer has."""
    name = 'length-over'

    def length(self, chain, length):
        return chain.room() + 1


class LengthZero(LengthHuge):
    """A length of 0, although data were written."""
    name = 'length-zero'
    targets = (BLK, RX)

    def length(self, chain, length):
        return 0


class LengthUnder(LengthHuge):
    """One byte less than was written."""
    name = 'length-under'
    targets = (BLK, RX)

    def length(self, chain, length):
        return length - 1


def make_place(part):
    """In a packed ring the next used descriptor may overwrite an available one: then takes that
    buffer first, and forgets it."""
    if isinstance(part, Packed) and part.waiting():
        part.pop()


def jump(part, by):
    """Moves the device's position by `by` used entries (back, if negative) without writing any. In
    a packed ring the descriptors there are marked as used, with their content."""
    if isinstance(part, Split):
        part.used_index = (part.used_index + by) & 0xffff
        return
    for _ in range(by):
        make_place(part)
        part.pending.append((part.used, flags_of(part.used_wrap)))
        part.used, part.used_wrap = part.after(part.used, part.used_wrap, 1)


# ---- packed only ---------------------------------------------------------------------------------

class WrapWrong(Entry):
    """The flags of a used descriptor have the other wrap counter."""
    name = 'wrap-wrong'
    targets, formats = ASKED, ('packed',)
    breaks = RINGS

    def say(self, ring, chain, length):
        part = ring.part
        part.mark(chain.head, length, self.flags(part.used_wrap))
        part.used, part.used_wrap = part.after(part.used, part.used_wrap, len(chain.slots))

    def flags(self, wrap):
        return flags_of(wrap ^ 1)


class HalfFlags(WrapWrong):
    """Only one of the two flags of a used descriptor changes."""
    name = 'flags-half'

    def flags(self, wrap):
        return USED if wrap else AVAIL


class SlotSkipped(WrapWrong):
    """A slot is left out, and the next ones are used."""
    name = 'slot-skipped'

    def say(self, ring, chain, length):
        part = ring.part
        part.used, part.used_wrap = part.after(part.used, part.used_wrap, 1)
        part.put(chain.head, length, len(chain.slots))
