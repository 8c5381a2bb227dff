# SPDX-License-Identifier: BSD-2-Clause
"""A disk whose writes QEMU records (its blklogwrites driver), and disks as a power cut may leave
them: all that was written before the last flush, and of the writes behind it any sectors, in any
order.
"""
import dataclasses
import json
import os
import struct

from vireolib.machine import virtio_device

SECTOR = 512
SUPER = struct.Struct('<QQQI')          # magic, version, number of entries, bytes of a sector
ENTRY = struct.Struct('<QQQQ')          # sector, sectors, flags, bytes of a mark
MAGIC = 0x6a736677736872
FLUSH, FUA, DISCARD = 1, 2, 4


@dataclasses.dataclass
class LoggedDisk:
    """A disk with a log of its writes, in place of machine.Disk."""
    path: str
    log: str
    serial: str = 'cut'

    def check(self):
        with open(self.log, 'wb'):
            pass

    def args(self, _number, transport):
        nodes = ({'driver': 'file', 'node-name': 'cut-file', 'filename': self.path},
                 {'driver': 'raw', 'node-name': 'cut-disk', 'file': 'cut-file'},
                 {'driver': 'file', 'node-name': 'cut-log', 'filename': self.log},
                 {'driver': 'blklogwrites', 'node-name': 'cut', 'file': 'cut-disk',
                  'log': 'cut-log', 'log-sector-size': SECTOR})
        args = [word for node in nodes for word in ('-blockdev', json.dumps(node))]
        return args + ['-device', virtio_device('virtio-blk', transport,
                                                f'drive=cut,serial={self.serial}')]


@dataclasses.dataclass
class Entry:
    """A write, a discard (data is None) or a flush (no bytes)."""
    at: int                  # byte of the disk
    length: int
    flags: int
    data: object             # memoryview, or None
    end: int                 # byte of the log behind it

    @property
    def flushes(self):
        return bool(self.flags & (FLUSH | FUA))


def read(path):
    """The entries of a log, also of one that QEMU was killed over."""
    with open(path, 'rb') as f:
        log = memoryview(f.read())
    magic, _, _, sector = SUPER.unpack_from(log, 0) if len(log) >= SECTOR else (0, 0, 0, 0)
    if magic != MAGIC or sector != SECTOR:
        raise ValueError(f'{path} is no log of writes')
    entries, at = [], SECTOR
    while at + SECTOR <= len(log):
        first, count, flags, _ = ENTRY.unpack_from(log, at)
        at += SECTOR
        kept = 0 if flags & DISCARD else count * SECTOR
        if not (count or flags) or at + kept > len(log):
            break
        data = None if flags & DISCARD else log[at:at + kept]
        at += kept
        entries.append(Entry(first * SECTOR, count * SECTOR, flags, data, at))
    return entries


def apply(disk, entry, sectors=None):
    """Makes the write, or those of its sectors, in a bytearray."""
    if not entry.length:
        return
    data = entry.data if entry.data is not None else bytes(entry.length)
    if sectors is None:
        disk[entry.at:entry.at + entry.length] = data
        return
    for n in sectors:
        disk[entry.at + n * SECTOR:entry.at + (n + 1) * SECTOR] = data[n * SECTOR:(n + 1) * SECTOR]


def torn(entry, rng):
    """Which sectors of a write a cut leaves; None: all."""
    count, kind = entry.length // SECTOR, rng.random()
    if kind < 0.4 or not count:
        return ()
    if kind < 0.6:
        return None
    if kind < 0.8:
        cut = rng.randrange(count + 1)
        return range(cut) if rng.random() < 0.5 else range(cut, count)
    return [n for n in range(count) if rng.random() < 0.5]


class Cutter:
    """Disks after cuts, each after no fewer entries than the one before."""

    def __init__(self, base, entries):
        """`base`: the disk before the log, as bytes."""
        self._durable, self._entries, self._done = bytearray(base), entries, 0

    def disk(self, cut, rng):
        """The disk of a machine whose power failed when the first `cut` entries were logged."""
        flushes = [n for n in range(self._done, cut) if self._entries[n].flushes]
        if flushes:
            for entry in self._entries[self._done:flushes[-1] + 1]:
                apply(self._durable, entry)
            self._done = flushes[-1] + 1
        disk = bytearray(self._durable)
        tail = self._entries[self._done:cut]
        for entry in rng.sample(tail, len(tail)):
            apply(disk, entry, torn(entry, rng))
        return disk


def size_of(entries):
    """(writes, bytes, flushes)."""
    writes = [e for e in entries if e.length]
    return len(writes), sum(e.length for e in writes), sum(e.flushes for e in entries)


def position(path):
    """How many bytes of the log there are by now."""
    return os.path.getsize(path)
