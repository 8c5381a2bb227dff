# SPDX-License-Identifier: BSD-2-Clause
"""Attacks on the rest of a queue: the driver's descriptors and rings, the words that suppress
notifications, silence, order and interrupts.
"""
import os
import struct

from hostile.attack import ASKED, BLK, RINGS, RX, Attack, Entry, Lasting
from hostile.attacks_used import IdWild
from vhost.packed import Packed
from vhost.ring import Split


# ---- the driver's descriptors and rings ----------------------------------------------------------

class Rewritten(Entry):
    """The descriptors of a buffer are rewritten before it is used: address and length."""
    name = 'desc-rewritten'
    strikes = 20

    def say(self, ring, chain, length):
        self.scribble(ring, chain)
        ring.push(chain, length)

    def scribble(self, ring, chain):
        for slot in chain.slots:
            struct.pack_into('<QI', ring.part.desc, 16 * slot, 0xdead0000beef0000, 0xfffffff0)
        if chain.table is not None:
            chain.table[:] = b'\xa5' * len(chain.table)


class Looped(Rewritten):
    """The descriptors of a buffer point to themselves before it is used."""
    name = 'desc-loop'

    def scribble(self, ring, chain):
        for slot in chain.slots:
            if isinstance(ring.part, Split):
                struct.pack_into('<HH', ring.part.desc, 16 * slot + 12, 0xfff7, slot)
            else:
                struct.pack_into('<H', ring.part.desc, 16 * slot + 12, 0xffff)


class AllOnes(Attack):
    """All descriptors of both owners are overwritten with ones."""
    name = 'desc-ones'
    targets = ASKED
    breaks = RINGS

    def after(self, ring, chains):
        if self.mine(ring) and chains:
            ring.part.desc[:] = b'\xff' * len(ring.part.desc)
            self.struck()


class AvailRewritten(Attack):
    """The available ring and its index are overwritten."""
    name = 'avail-rewritten'
    targets, formats = ASKED, ('split',)
    breaks = RINGS

    def after(self, ring, chains):
        if self.mine(ring) and chains:
            part = ring.part
            for i in range(part.size):
                part.avail[2 + i] = 0xfff0
            part.avail[1] = (part.avail[1] - 5) & 0xffff
            self.struck()


class Late(Attack):
    """Descriptors and tables of a buffer are overwritten after it was given back."""
    name = 'late-desc'
    targets = ASKED
    strikes = 20
    breaks = RINGS           # the driver may have used them again

    def after(self, ring, chains):
        if self.mine(ring) and chains:
            part, chain = ring.part, chains[-1]
            self.device.backend.after(0.001, lambda: self.write(ring, part, chain))

    def write(self, ring, part, chain):
        if ring.part is part and self.on:
            self.scribble(part, chain)
            self.struck()

    def scribble(self, part, chain):
        if chain.table is not None:
            chain.table[:] = b'\x5a' * len(chain.table)
        elif isinstance(part, Split):
            for slot in chain.slots:
                part.desc[16 * slot:16 * slot + 16] = b'\x5a' * 16


class LateAfterReset(IdWild):
    """A reset is provoked; after it is complete, the used area of the ring is overwritten."""
    name = 'late-after-reset'
    targets = ASKED
    breaks = ('packed',)     # descriptors that the driver offers may be among the overwritten
    strikes = 0
    armed = True

    def say(self, ring, chain, length):
        if self.armed:
            super().say(ring, chain, length)
            self.armed = False
        else:
            ring.push(chain, length)

    def stopped(self, ring):
        if self.mine(ring) and not self.armed and ring.part:
            part = ring.part
            self.device.backend.after(0.0005, lambda: self.write(part))

    def write(self, part):
        if self.on:
            if isinstance(part, Split):
                part.used[1:] = memoryview(self.dice.randbytes(2 * len(part.used[1:]))).cast('H')
            else:
                part.desc[:] = self.dice.randbytes(len(part.desc))
            self.struck()
            self.end()


# ---- words that suppress notifications -----------------------------------------------------------

class KickFlagsWild(Lasting):
    """The flag by which the device asks for notifications changes at random (no event index)."""
    name = 'kick-flags-wild'
    event_idx = False

    def publish(self, ring):
        super().publish(ring)
        if self.mine(ring):
            value = self.dice.randrange(256)
            if isinstance(ring.part, Split):
                ring.part.used[0] = value
            else:
                ring.part.device[1] = value
            self.struck()

    def end(self):
        for ring in self.device.backend.rings:
            if ring.part and isinstance(ring.part, Split):
                ring.part.used[0] = 0
            elif ring.part:
                ring.part.device[1] = 0
        super().end()


class KickEventWild(Lasting):
    """The event index by which the device asks for notifications has random values."""
    name = 'kick-event-wild'

    def publish(self, ring):
        super().publish(ring)
        if self.mine(ring):
            value = self.dice.randrange(1 << 16)
            if isinstance(ring.part, Split):
                ring.part.used[2 + 4 * ring.part.size] = value
            else:
                ring.part.device[0] = value
                ring.part.device[1] = 0xfffe
            self.struck()


class CallEventWild(Lasting):
    """The words by which the driver asks for interrupts are overwritten, and then obeyed."""
    name = 'call-event-wild'

    def complete(self, ring, chain, length):
        if self.mine(ring):
            value = self.dice.randrange(1 << 16)
            if isinstance(ring.part, Split):
                ring.part.avail[0] = value & 1
                ring.part.avail[2 + ring.part.size] = value
            else:
                ring.part.driver[0] = value
                ring.part.driver[1] = value & 3
            self.struck()
        ring.push(chain, length)


# ---- silence and order ---------------------------------------------------------------------------

class SilentWhile(Lasting):
    """The device ignores the queue for 1.5 s, also after a reset."""
    name = 'silent-while'
    seconds = 1.5

    def silent(self, ring):
        if self.mine(ring):
            self.struck()
        return self.mine(ring)


class SilentShortly(SilentWhile):
    """The device ignores the queue a little longer than the deadline."""
    name = 'silent-shortly'
    seconds = 0.4


class SilentUntilReset(Attack):
    """The device ignores the queue until the driver resets the device."""
    name = 'silent-until-reset'
    targets = ASKED
    strikes = 0

    def start(self):
        self.struck()

    def silent(self, ring):
        return self.mine(ring)

    def reset(self):
        if self.on:
            self.end()


class SilentForEver(SilentUntilReset):
    """The device ignores the queue for ever, also after resets."""
    name = 'silent-for-ever'
    patience = 20.0

    def reset(self):
        pass


class OneNever(SilentUntilReset):
    """One buffer never comes back; all others do."""
    name = 'one-never'

    def start(self):
        pass

    def popped(self, ring, chain):
        if self.mine(ring) and not self.hits:
            self.struck()
            return True
        return False

    def silent(self, ring):
        return False


class Reversed(Lasting):
    """Buffers come back late, the last one first."""
    name = 'out-of-order'

    def __init__(self, device, target):
        super().__init__(device, target)
        self.held = []

    def complete(self, ring, chain, length):
        if not self.mine(ring):
            ring.push(chain, length)
            return
        if not self.held:
            part = ring.part
            self.device.backend.after(0.004, lambda: self.let_go(ring, part))
        self.held.append((chain, length))

    def let_go(self, ring, part):
        held, self.held = self.held, []
        if ring.part is part:
            if len(held) > 1:
                self.struck()
            for chain, length in reversed(held):
                ring.push(chain, length)
            self.device.backend.interrupt(ring)


# ---- interrupts ----------------------------------------------------------------------------------

class Storm(Lasting):
    """Interrupts in rapid succession, without used buffers."""
    name = 'interrupt-storm'

    def start(self):
        super().start()
        self.again()

    def again(self):
        if self.on:
            for _ in range(20):
                if self.ring.call is not None:
                    os.eventfd_write(self.ring.call, 1)
                    self.struck()
            self.device.backend.after(0.0002, self.again)


class Mute(Lasting):
    """No interrupt at all for a while."""
    name = 'interrupt-none'
    targets = (BLK, RX)      # the driver asks for no interrupts of the transmit queue
    seconds = 1.0

    def publish(self, ring):
        if self.mine(ring):
            if ring.publish():
                self.struck()
        else:
            super().publish(ring)


class EntryLate(Lasting):
    """Index or flags are written before the entry: for a moment its id is 0xffff."""
    name = 'entry-late'

    def publish(self, ring):
        if not self.mine(ring):
            super().publish(ring)
            return
        words, places = self.ids(ring.part)
        right = [words[at] for at in places]
        for at in places:
            words[at] = 0xffff
        super().publish(ring)
        for at, value in zip(places, right):
            words[at] = value
            self.struck()

    def ids(self, part):
        """The ids of entries that are not published yet: words of memory, and indexes in them."""
        if isinstance(part, Packed):
            return part.words, [8 * slot + 6 for slot, _ in part.pending]
        count = (part.used_index - part.used[1]) & 0xffff
        return part.used, [2 + 4 * ((part.used[1] + n) % part.size) for n in range(count)]
