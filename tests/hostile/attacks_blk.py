# SPDX-License-Identifier: BSD-2-Clause
"""Attacks of a disk: status bytes, false configuration, and a capacity that changes (virtio 1.4,
section 5.2).
"""
from hostile.attack import BLK, Attack, Lasting
from hostile.attacks_queue import Late, OneNever
from hostile.disk import BLK_SIZE_F, FLUSH, FLUSH_F, READ, SECTOR, SEG_MAX_F, SIZE_MAX_F, WRITE

HUGE = (1 << 64) - 1


class OfDisk(Attack):
    targets = (BLK,)


# ---- status bytes --------------------------------------------------------------------------------

class Status(OfDisk):
    """The status is 0x7f."""
    name = 'status-garbage'
    value, kinds = 0x7f, (READ, WRITE, FLUSH)

    def status(self, kind, right):
        if not self.on or kind not in self.kinds:
            return right
        self.struck()
        return self.value


class StatusUnsupported(Status):
    """The status of a request is UNSUPP."""
    name = 'status-unsupported'
    value = 2


class StatusNone(Status):
    """No status is written."""
    name = 'status-none'
    value = None


class ReadError(Status, Lasting):
    """Each read fails with IOERR, for half a second: the second try that the block layer gives to a
    block with neighbours fails as well."""
    name = 'status-read-error'
    value, kinds = 1, (READ,)


class WriteError(Status):
    """A write fails with IOERR."""
    name = 'status-write-error'
    value, kinds = 1, (WRITE,)


class FlushError(Status):
    """A flush fails with IOERR."""
    name = 'status-flush-error'
    value, kinds = 1, (FLUSH,)


class FlushForgets(FlushError):
    """A flush fails with IOERR, and what it should have saved is lost."""
    name = 'flush-forgets'

    def popped(self, ring, chain):
        if self.mine(ring) and chain.readable[0][0] == FLUSH:
            self.device.forget()
        return False


class LateStatus(Late):
    """Status byte and header of a request are overwritten after it was given back."""
    name = 'late-status'
    targets = (BLK,)

    def scribble(self, part, chain):
        chain.writable[-1][-1] = 0x55
        chain.readable[0][:16] = b'\x55' * 16


class FlushNever(OneNever):
    """A flush never comes back; the reset that follows loses the data that it should have saved."""
    name = 'flush-never'
    targets = (BLK,)

    def popped(self, ring, chain):
        return chain.readable[0][0] == FLUSH and super().popped(ring, chain)


# ---- false configuration -------------------------------------------------------------------------

class Lie(OfDisk):
    """A lie from the start: `lies` has fields of the disk with their false values."""
    at_boot = True
    lies = {}

    def prepare(self):
        self.lie(self.device)

    def lie(self, disk):
        for field, value in self.lies.items():
            setattr(disk, field, value)


class BlockSizeNone(Lie):
    """blk_size 0."""
    name = 'blksize-zero'
    feature = BLK_SIZE_F
    lies = {'blk_size': 0}


class BlockSizeOdd(Lie):
    """blk_size 3."""
    name = 'blksize-odd'
    feature = BLK_SIZE_F
    lies = {'blk_size': 3}


class BlockSizeHuge(Lie):
    """blk_size 2 GiB."""
    name = 'blksize-huge'
    feature = BLK_SIZE_F
    lies = {'blk_size': 1 << 31}


class CapacityNone(Lie):
    """A disk of no sectors."""
    name = 'capacity-zero'
    lies = {'capacity': 0}


class CapacityHuge(Lie):
    """A disk of 2^64 - 1 sectors."""
    name = 'capacity-huge'
    lies = {'capacity': HUGE}


class SegmentsNone(Lie):
    """seg_max 0."""
    name = 'segmax-zero'
    feature = SEG_MAX_F
    lies = {'seg_max': 0}


class SegmentsHuge(Lie):
    """seg_max 0xffffffff."""
    name = 'segmax-huge'
    feature = SEG_MAX_F
    lies = {'seg_max': 0xffffffff}


class SizeNone(Lie):
    """size_max 0."""
    name = 'sizemax-zero'
    feature = SIZE_MAX_F
    lies = {'size_max': 0}


class SizeOdd(Lie):
    """size_max 513."""
    name = 'sizemax-odd'
    feature = SIZE_MAX_F
    lies = {'size_max': SECTOR + 1}


class FeaturesNonsense(Lie):
    """Every feature bit is offered."""
    name = 'features-nonsense'

    def lie(self, disk):
        keep = disk.backend.offered & (1 << 28 | 1 << 29 | 1 << 34)
        disk.backend.offered = HUGE & ~(1 << 28 | 1 << 29 | 1 << 34 | 1 << 33) | keep


class FeaturesFew(Lie):
    """No feature bit of disks is offered, but the fields are there."""
    name = 'features-none'

    def lie(self, disk):
        disk.backend.offered &= ~(1 << SIZE_MAX_F | 1 << BLK_SIZE_F | 1 << SEG_MAX_F |
                                  1 << FLUSH_F)
        disk.write_through = True


class IdGarbage(Lie):
    """The serial number is 20 bytes of 0xff, without a zero byte behind."""
    name = 'id-garbage'

    def lie(self, disk):
        disk.id = b'\xff' * 20

    def believed(self):
        return self.device.asked_id > 0


# ---- a capacity that changes ---------------------------------------------------------------------

class CapacityChange(Lasting):
    """The capacity becomes 0 for a while."""
    name = 'capacity-vanishes'
    targets = (BLK,)
    values = (0,)

    def start(self):
        super().start()
        self.right, self.turn = self.device.capacity, 0
        self.say()

    def say(self):
        if self.on:
            self.struck()
            self.device.capacity = self.values[self.turn % len(self.values)]
            self.turn += 1
            self.device.backend.config_changed()
            self.device.backend.after(0.01, self.say) if len(self.values) > 1 else None

    def end(self):
        self.device.capacity = self.right
        self.device.backend.config_changed()
        super().end()


class CapacityGrows(CapacityChange):
    """The capacity becomes 2^64 - 1 for a while."""
    name = 'capacity-explodes'
    values = (HUGE,)


class CapacityHalf(CapacityChange):
    """The disk shrinks to half for a while."""
    name = 'capacity-shrinks'
    values = (2048,)


class CapacityFlaps(CapacityChange):
    """The capacity changes every 10 ms."""
    name = 'capacity-flaps'
    values = (4096, 2048, 0, 1 << 40, 7)
