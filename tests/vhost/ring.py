"""The device side of a split virtqueue in shared memory (virtio 1.4, section 2.7)."""
import mmap
import struct
import threading

NEXT, WRITE, INDIRECT = 1, 2, 4        # descriptor flags
NO_INTERRUPT = 1                       # of the available ring
EVENT_IDX = 29                         # feature bit


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
        self.words.release()
        self.bytes.release()
        self.map.close()


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
    """A buffer of the driver: the parts that the device reads, and those that it writes."""

    def __init__(self, head, readable, writable):
        self.head, self.readable, self.writable = head, readable, writable

    def read(self):
        return b''.join(self.readable)

    def room(self):
        return sum(len(part) for part in self.writable)

    def write(self, data):
        """Fills the writable parts from their start; how many bytes that were."""
        done = 0
        for part in self.writable:
            n = min(len(part), len(data) - done)
            part[:n] = data[done:done + n]
            done += n
        return done


class Ring:
    """One queue, from SET_VRING_* until GET_VRING_BASE."""

    def __init__(self, index):
        self.index = index
        self.size = 0
        self.addresses = None        # QEMU's addresses of descriptors, available and used ring
        self.next = 0                # of the available ring
        self.used_index = 0
        self.kick = self.call = None
        self.enabled = False
        self.event_idx = False
        self.memory = None
        self._fence = threading.Lock()

    def start(self, memory, features):
        desc, avail, used = self.addresses
        self.memory = memory
        self.event_idx = bool(features >> EVENT_IDX & 1)
        self.desc = memory.at(desc, 16 * self.size, 'user')
        self.avail = memory.words(avail, 3 + self.size)
        self.used = memory.words(used, 3 + 4 * self.size)
        self.used_index = self.used[1]

    def stop(self):
        self.memory = self.desc = self.avail = self.used = None

    def running(self):
        return self.memory is not None and self.enabled

    def barrier(self):
        """Taking a lock orders stores before later loads; nothing else in the language does."""
        with self._fence:
            pass

    def waiting(self):
        """Is there a buffer? Asks to be kicked for the next one when there is none."""
        if self.avail[1] != self.next:
            return True
        if self.event_idx:
            self.used[2 + 4 * self.size] = self.next
            self.barrier()
        return self.avail[1] != self.next

    def pop(self):
        """The next buffer, or None."""
        if not self.waiting():
            return None
        count = (self.avail[1] - self.next) & 0xffff
        if count > self.size:
            raise Broken(f'queue {self.index}: {count} buffers available in {self.size} entries')
        head = self.avail[2 + self.next % self.size]
        self.next = (self.next + 1) & 0xffff
        return Chain(head, *self._walk(self.desc, self.size, head))

    def _walk(self, table, size, at):
        readable, writable = [], []
        for _ in range(size + 1):
            if at >= size:
                raise Broken(f'queue {self.index}: descriptor {at} of {size}')
            address, length, flags, following = struct.unpack_from('<QIHH', table, 16 * at)
            if flags & INDIRECT:
                inner = self.memory.at(address, length)
                return self._walk(inner, length // 16, 0)
            if not length:
                raise Broken(f'queue {self.index}: a descriptor of no bytes')
            if readable is not None and not flags & WRITE and writable:
                raise Broken(f'queue {self.index}: a readable part behind a writable one')
            (writable if flags & WRITE else readable).append(self.memory.at(address, length))
            if not flags & NEXT:
                return readable, writable
            at = following
        raise Broken(f'queue {self.index}: a chain that does not end')

    def push(self, chain, length):
        """Puts the buffer into the used ring; publish() tells of it."""
        at = 2 + 4 * (self.used_index % self.size)
        self.used[at], self.used[at + 1] = chain.head, 0
        self.used[at + 2], self.used[at + 3] = length & 0xffff, length >> 16
        self.used_index = (self.used_index + 1) & 0xffff

    def publish(self):
        """Makes what was pushed visible; True if the driver wants an interrupt."""
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
