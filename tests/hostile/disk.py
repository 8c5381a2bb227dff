# SPDX-License-Identifier: BSD-2-Clause
"""The disk that attacks take over (virtio 1.4, section 5.2), while no attack is on: 2 MiB with a
volatile write cache, which every reset and the end of the image empty. Each block holds its number
and the generation of its write, so that the durable content can be checked.
"""
import functools
import struct

from hostile.victim import Victim

SECTOR, BLOCK, BLOCKS = 512, 4096, 512
READ, WRITE, FLUSH, GET_ID = 0, 1, 4, 8
OK, IOERR, UNSUPP = 0, 1, 2
SIZE_MAX_F, SEG_MAX_F, BLK_SIZE_F, FLUSH_F = 1, 2, 6, 9
CONFIG = struct.Struct('<QIIHBBI')      # capacity, size_max, seg_max, geometry, blk_size
MASK = (1 << 64) - 1
STEP = 0xbf58476d1ce4e5b9


@functools.lru_cache(maxsize=None)
def steps():
    return [i * STEP & MASK for i in range(BLOCK // 8)]


@functools.lru_cache(maxsize=8)
def content(block, generation):
    """The content of a block, as tests/apps/hostage/disk.c writes it."""
    name = block << 32 | generation
    first = name * 0x9e3779b97f4a7c15 & MASK
    words = [(first + step) & MASK for step in steps()]
    words[0] = name
    return struct.pack(f'<{len(words)}Q', *words)


@functools.lru_cache(maxsize=None)
def fresh():
    """The whole disk in generation 0."""
    return b''.join(content(block, 0) for block in range(BLOCKS))


class Disk(Victim):
    name = 'blk'
    names = ('blk',)
    features = (SIZE_MAX_F, SEG_MAX_F, BLK_SIZE_F, FLUSH_F)

    def __init__(self):
        super().__init__()
        self.durable = bytearray(fresh())
        self.cache = {}                  # sector -> bytes, written and not flushed
        self.capacity = BLOCKS * BLOCK // SECTOR
        self.size_max, self.seg_max, self.blk_size = 65536, 126, SECTOR
        self.id = b'hostile-disk'
        self.asked_id = 0                # requests for the serial number
        self.write_through = False       # without FLUSH, a good write is durable
        self.lost = 0                    # sectors in the cache that resets dropped

    def config(self):
        return CONFIG.pack(self.capacity, self.size_max, self.seg_max, 0, 0, 0, self.blk_size)

    def reset(self):
        self.forget()
        super().reset()

    def forget(self):
        """What was not flushed is lost."""
        self.lost += len(self.cache)
        self.cache.clear()

    # ---- requests ----

    def work(self, ring, chain):
        """The status goes to the last byte that is writable."""
        request = chain.read()
        if len(request) < 16 or not chain.writable:
            self.fault(f'a request of {len(request)} bytes, {chain.room()} writable')
            return 0
        kind, _, sector = struct.unpack_from('<IIQ', request)
        status, data = self.request(kind, sector, request[16:], chain.room() - 1)
        status = self.attack_status(kind, status)
        written = chain.write(data)
        if status is not None:
            chain.writable[-1][-1] = status
        return written + 1

    def attack_status(self, kind, status):
        """The status byte that the attack makes of `status`; None: no byte is written."""
        change = getattr(self.attack, 'status', None)
        return change(kind, status) if change else status

    def request(self, kind, sector, data, room):
        """(status, what is read)."""
        if kind == READ and self.inside(sector, room):
            return OK, b''.join(self.sector(s) for s in range(sector, sector + room // SECTOR))
        if kind == WRITE and self.inside(sector, len(data)):
            for i in range(len(data) // SECTOR):
                self.cache[sector + i] = data[SECTOR * i:SECTOR * (i + 1)]
            if self.write_through:
                self.flush()
            return OK, b''
        if kind == FLUSH:
            self.flush()
            return OK, b''
        if kind == GET_ID:
            self.asked_id += 1
            return OK, self.id[:20].ljust(20, b'\0')
        return (IOERR if kind in (READ, WRITE) else UNSUPP), b''

    def inside(self, sector, length):
        if length % SECTOR or (sector + length // SECTOR) * SECTOR > len(self.durable):
            self.fault(f'{length} bytes at sector {sector}')
            return False
        return True

    def sector(self, number):
        at = number * SECTOR
        return self.cache.get(number) or bytes(self.durable[at:at + SECTOR])

    def flush(self):
        for number, data in self.cache.items():
            self.durable[number * SECTOR:(number + 1) * SECTOR] = data
        self.cache.clear()

    # ---- judging ----

    def losses(self, promised):
        """A sentence for each block whose durable content is wrong. `promised`: {block: (least,
        last)}, the oldest generation that an fsync has covered and the last that was written. A
        sector may have any generation between them."""
        wrong = []
        for block, (least, last) in promised.items():
            for at in range(0, BLOCK, SECTOR):
                have = self.durable[block * BLOCK + at:block * BLOCK + at + SECTOR]
                if not any(have == content(block, g)[at:at + SECTOR]
                           for g in range(least, last + 1)):
                    wrong.append(f'block {block}, byte {at}: of none of the generations {least} '
                                 f'to {last}')
                    break
        return wrong
