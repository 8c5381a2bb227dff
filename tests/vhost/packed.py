# SPDX-License-Identifier: BSD-2-Clause
"""The device side of a packed virtqueue in shared memory (virtio 1.4, section 2.8)."""
import struct

from vhost.ring import INDIRECT, NEXT, WRITE, Broken, Chain, Fence, Parts

AVAIL, USED = 1 << 7, 1 << 15            # descriptor flags
ENABLE, DISABLE, DESC = 0, 1, 2          # of an event suppression structure


def flags_of(wrap):
    """The flags of a used descriptor in a lap with this wrap counter."""
    return AVAIL | USED if wrap else 0


class Packed:
    """A ring of descriptors, and an event suppression structure of each side. The device's position
    is a slot and a wrap counter: one pair for the next buffer to take, one for the next to use."""

    def __init__(self, index, size, memory, addresses, base, event_idx):
        desc, driver, device = addresses
        self.index, self.size, self.event_idx = index, size, event_idx
        self.memory = memory
        self.desc = memory.at(desc, 16 * size, 'user')
        self.words = memory.words(desc, 8 * size)     # word 7 of a descriptor: flags; 6: id
        self.driver = memory.words(driver, 2)         # slot and wrap counter, mode
        self.device = memory.words(device, 2)
        self.next, self.wrap = base & 0x7fff, base >> 15 & 1
        self.used, self.used_wrap = base >> 16 & 0x7fff, base >> 31
        self.pending = []                             # (slot, flags) not published yet
        self.last = None                              # slot of the last used descriptor
        self.barrier = Fence()

    def base(self):
        return self.next | self.wrap << 15 | self.used << 16 | self.used_wrap << 31

    def place(self):
        """The position and the last used descriptor, for a device that comes back: QEMU cannot tell
        it the position, and the descriptor shows whether the ring is the same. None: nothing was
        used yet."""
        if self.last is None:
            return None
        return self.base(), self.last, bytes(self.desc[16 * self.last:16 * self.last + 16])

    def was_at(self, place):
        _, slot, content = place
        return bytes(self.desc[16 * slot:16 * slot + 16]) == content

    def after(self, slot, wrap, count):
        """(slot, wrap counter) `count` slots further on."""
        slot += count
        return (slot - self.size, wrap ^ 1) if slot >= self.size else (slot, wrap)

    # ---- taking ----

    def _available(self):
        flags = self.words[8 * self.next + 7]
        return bool(flags & AVAIL) == bool(self.wrap) and bool(flags & USED) != bool(self.wrap)

    def waiting(self):
        """True if there is a buffer; otherwise asks the driver to notify when the next one
        comes."""
        if self._available():
            self.barrier()
            return True
        if self.event_idx:
            self.device[0] = self.next | self.wrap << 15
            self.device[1] = DESC
            self.barrier()
        return self._available()

    def pop(self):
        parts = Parts(self.memory, f'queue {self.index}')
        slots, table = [], None
        slot, wrap = self.next, self.wrap
        while len(slots) < self.size:
            address, length, name, flags = struct.unpack_from('<QIHH', self.desc, 16 * slot)
            slots.append(slot)
            slot, wrap = self.after(slot, wrap, 1)
            if flags & INDIRECT:
                table = self._indirect(parts, address, length)
            else:
                parts.add(address, length, flags)
            if not flags & NEXT:
                self.next, self.wrap = slot, wrap
                return Chain(name, slots, parts.readable, parts.writable, table)
        raise Broken(f'queue {self.index}: a chain that does not end')

    def _indirect(self, parts, address, length):
        table = parts.table(address, length)
        for at in range(0, length, 16):
            address, length, _, flags = struct.unpack_from('<QIHH', table, at)
            parts.add(address, length, flags)
        return table

    # ---- using ----

    def put(self, name, length, count=1):
        """Writes a used descriptor, lawful or not, for a buffer of `count` descriptors."""
        self.mark(name, length, flags_of(self.used_wrap) | (WRITE if length else 0))
        self.used, self.used_wrap = self.after(self.used, self.used_wrap, count)

    def mark(self, name, length, flags):
        """Writes the next used descriptor, and stays at its slot."""
        at = 8 * self.used
        self.words[at + 4], self.words[at + 5] = length & 0xffff, length >> 16
        self.words[at + 6] = name & 0xffff
        self.pending.append((self.used, flags))
        self.last = self.used

    def publish(self):
        """Writes the flags of the first slot of a batch last, since they make the batch visible."""
        if not self.pending:
            return False
        pending, self.pending = self.pending, []
        for slot, flags in reversed(pending):
            if slot == pending[0][0]:
                self.barrier()
            self.words[8 * slot + 7] = flags
        self.barrier()
        mode = self.driver[1] & 3
        if mode != DESC or not self.event_idx:
            return mode != DISABLE
        return self._event_passed(pending[0][0], self.driver[0])

    def _event_passed(self, first, event):
        """True if the slot that the driver waits for is among those used since `first`."""
        behind = (self.used - first) % self.size or self.size
        slot = event & 0x7fff
        if event >> 15 != self.used_wrap:
            slot -= self.size
        return (self.used - slot - 1) & 0xffff < behind
