# SPDX-License-Identifier: BSD-2-Clause
"""The guest's memory, buffers in it, and the device side of a split virtqueue (virtio 1.4, section
2.7). packed.py has the other format.
"""
import mmap
import struct
import threading

NEXT, WRITE, INDIRECT = 1, 2, 4        # descriptor flags
NO_INTERRUPT = 1                       # of the available ring


class Broken(Exception):
    """The driver broke a rule of the ring."""


class Region:
    """A piece of the guest's memory, mapped from the descriptor that QEMU passed."""

    def __init__(self, guest, size, user, offset, fd):
        self.guest, self.size, self.user = guest, size, user
        self.map = mmap.mmap(fd, size + offset)
        self.bytes = memoryview(self.map)[offset:offset + size]
        self.words = self.bytes.cast('H')      # an access is one load or store

    def close(self):
        self.words = self.bytes = None
        try:
            self.map.close()
        except BufferError:          # a part is still in use: the mapping ends with its last user
            pass


class Memory:
    """The guest's memory as a whole."""

    def __init__(self, regions):
        self.regions = regions

    def at(self, address, length, by='guest'):
        """The bytes there, by the guest's address or (`user`) by QEMU's."""
        for r in self.regions:
            first = getattr(r, by)
            if first <= address and address + length <= first + r.size:
                return r.bytes[address - first:address - first + length]
        raise Broken(f'{length} bytes at {address:#x} are not memory of the guest')

    def words(self, address, count):
        """The 16-bit words there, by QEMU's address."""
        for r in self.regions:
            if r.user <= address and address + 2 * count <= r.user + r.size:
                at = (address - r.user) // 2
                return r.words[at:at + count]
        raise Broken(f'a ring at {address:#x} is not in memory of the guest')

    def close(self):
        for r in self.regions:
            r.close()


class Chain:
    """A buffer of the driver: the parts that the device reads, and those that it writes. `head` is
    its id in a used entry, `slots` are its descriptors in the ring, `table` is its indirect table
    or None."""

    def __init__(self, head, slots, readable, writable, table=None):
        self.head, self.slots, self.readable, self.writable = head, slots, readable, writable
        self.table = table

    def read(self):
        return b''.join(self.readable)

    def room(self):
        return sum(len(part) for part in self.writable)

    def write(self, data):
        """Fills the writable parts from their start; the number of bytes written."""
        done = 0
        for part in self.writable:
            n = min(len(part), len(data) - done)
            part[:n] = data[done:done + n]
            done += n
        return done


class Parts:
    """Collects the parts of a chain, and checks them."""

    def __init__(self, memory, where):
        self.memory, self.where = memory, where
        self.readable, self.writable = [], []

    def add(self, address, length, flags):
        if not length:
            raise Broken(f'{self.where}: a descriptor of no bytes')
        if not flags & WRITE and self.writable:
            raise Broken(f'{self.where}: a readable part behind a writable one')
        part = self.memory.at(address, length)
        (self.writable if flags & WRITE else self.readable).append(part)

    def table(self, address, length):
        """The indirect table there."""
        if not length or length % 16:
            raise Broken(f'{self.where}: an indirect table of {length} bytes')
        return self.memory.at(address, length)


class Fence:
    """Orders stores before later loads. Taking a lock is all that Python has for that."""

    def __init__(self):
        self._lock = threading.Lock()

    def __call__(self):
        with self._lock:
            pass


class Split:
    """Descriptor table, available and used ring."""

    def __init__(self, index, size, memory, addresses, base, event_idx):
        desc, avail, used = addresses
        self.index, self.size, self.event_idx = index, size, event_idx
        self.memory = memory
        self.next = base & 0xffff        # index of the next entry of the available ring
        self.desc = memory.at(desc, 16 * size, 'user')
        self.avail = memory.words(avail, 3 + size)
        self.used = memory.words(used, 3 + 4 * size)
        self.used_index = self.used[1]
        self.barrier = Fence()

    def base(self):
        return self.next

    def place(self):
        """None: a device that comes back has its position from QEMU, by the used index."""
        return None

    def waiting(self):
        """True if there is a buffer; otherwise asks the driver to notify when the next one
        comes."""
        if self.avail[1] != self.next:
            return True
        if self.event_idx:
            self.used[2 + 4 * self.size] = self.next
            self.barrier()
        return self.avail[1] != self.next

    def pop(self):
        count = (self.avail[1] - self.next) & 0xffff
        if count > self.size:
            raise Broken(f'queue {self.index}: {count} buffers available in {self.size} entries')
        head = self.avail[2 + self.next % self.size]
        self.next = (self.next + 1) & 0xffff
        parts = Parts(self.memory, f'queue {self.index}')
        slots, table = self._walk(parts, self.desc, self.size, head)
        return Chain(head, slots, parts.readable, parts.writable, table)

    def _walk(self, parts, table, size, at):
        slots = []
        for _ in range(size):
            if at >= size:
                raise Broken(f'queue {self.index}: descriptor {at} of {size}')
            address, length, flags, following = struct.unpack_from('<QIHH', table, 16 * at)
            slots.append(at)
            if flags & INDIRECT:
                inner = parts.table(address, length)
                self._walk(parts, inner, length // 16, 0)
                return slots, inner
            parts.add(address, length, flags)
            if not flags & NEXT:
                return slots, None
            at = following
        raise Broken(f'queue {self.index}: a chain that does not end')

    def put(self, head, length, count=1):
        """Writes an entry of the used ring, lawful or not: `head` may have 32 bits."""
        at = 2 + 4 * (self.used_index % self.size)
        self.used[at], self.used[at + 1] = head & 0xffff, head >> 16
        self.used[at + 2], self.used[at + 3] = length & 0xffff, length >> 16
        self.used_index = (self.used_index + 1) & 0xffff

    def publish(self):
        old = self.used[1]
        if old == self.used_index:
            return False
        self.barrier()
        self.used[1] = self.used_index
        self.barrier()
        if not self.event_idx:
            return not self.avail[0] & NO_INTERRUPT
        event = self.avail[2 + self.size]
        return (self.used_index - event - 1) & 0xffff < (self.used_index - old) & 0xffff
