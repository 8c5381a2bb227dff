# SPDX-License-Identifier: BSD-2-Clause
"""Turns QEMU's trace of register accesses into events of virtio devices.

    qemu-system-aarch64 -trace 'memory_region_ops_*' -D FILE

A line tells direction, address, value, width and the name of the region. A virtio-mmio device is
known by its slot. For a PCI function, the traced accesses to its configuration space show BARs and
capabilities, and these give the meaning of an address. QEMU splits an access that is wider than the
region's implementation, so a 64-bit access appears as two of 32 bits.
"""
import re
from collections import namedtuple

from oracle import registers as r

LINE = re.compile(r"^memory_region_ops_(read|write) cpu (-?\d+) mr 0x\w+ addr 0x(\w+) "
                  r"value 0x(\w+) size (\d) name '([^']*)'$")

Access = namedtuple('Access', 'line op region addr value size')
# An access by a device's driver. reg is None where the standard has no register.
Event = namedtuple('Event', 'line op reg value size offset area')

IO_BASE = 0x3eff0000        # where the virt machine maps PCI's I/O space


def accesses(lines):
    """The accesses of CPUs (not of devices), in order."""
    for number, line in enumerate(lines, 1):
        match = LINE.match(line)
        if match and int(match[2]) >= 0:
            size = int(match[5])
            yield Access(number, match[1][0], match[6], int(match[3], 16),
                         int(match[4], 16) & ((1 << 8 * size) - 1), size)


class Function:
    """The configuration space of a PCI function, as far as the trace shows it."""

    MSIX, VENDOR = 0x11, 0x09
    COMMON, NOTIFY, ISR, DEVICE, WINDOW = 1, 2, 3, 4, 5

    def __init__(self, address):
        self.address = address
        self.byte = {}                  # offset -> what was last read or written there
        self.kind = {}                  # BAR -> its low four bits: I/O or memory, 64 bits
        self.length = {}                # BAR -> its size, as the answer to all ones says
        self.sizing = set()             # BARs that hold all ones, to read their size

    def get(self, offset, size):
        """The value there, as far as the trace shows it; None if a byte was never seen."""
        data = [self.byte.get(offset + i) for i in range(size)]
        return None if None in data else int.from_bytes(bytes(data), 'little')

    def see(self, access, offset):
        bar = (offset - 0x10) // 4 if 0x10 <= offset < 0x28 else None
        if bar is not None and access.op == 'r':
            self.kind[bar] = access.value & 0xf
        if bar is not None and access.op == 'w':
            (self.sizing.add if access.value == 0xffffffff else self.sizing.discard)(bar)
        if bar in self.sizing:          # the answer is a size, and no address
            if access.op == 'r':
                flags = 3 if access.value & 1 else 0xf
                self.length[bar] = 0x100000000 - (access.value & ~flags)
            return
        for i in range(access.size):
            self.byte[offset + i] = access.value >> 8 * i & 0xff

    def bar(self, number):
        """(address, True for I/O), or None while the BAR has no address."""
        low, kind = self.get(0x10 + 4 * number, 4), self.kind.get(number, 0)
        if low is None:
            return None
        high = self.get(0x14 + 4 * number, 4) or 0 if kind & 5 == 4 else 0
        address = high << 32 | low & (~3 if kind & 1 else ~0xf)
        return (address, bool(kind & 1)) if address else None

    def capabilities(self, wanted):
        at, steps = self.get(0x34, 1), 0
        while at and steps < 48:
            if self.get(at, 1) == wanted:
                yield at
            at, steps = self.get(at + 1, 1), steps + 1

    def structures(self):
        """(type, first address, length, position of the capability) of each virtio structure."""
        for at in self.capabilities(self.VENDOR):
            kind, number = self.get(at + 3, 1), self.get(at + 4, 1)
            offset, length = self.get(at + 8, 4), self.get(at + 12, 4)
            if None not in (kind, number, offset, length) and number < 6 and self.bar(number):
                yield kind, self.bar(number)[0] + offset, length, at

    def multiplier(self):
        for at in self.capabilities(self.VENDOR):
            if self.get(at + 3, 1) == self.NOTIFY and self.get(at + 16, 4) is not None:
                return self.get(at + 16, 4)
        return None

    def msix(self):
        """(enabled, entries, address of the table), or None without the capability."""
        for at in self.capabilities(self.MSIX):
            control, where = self.get(at + 2, 2), self.get(at + 4, 4)
            if control is None:
                return None
            base = self.bar(where & 7) if where is not None else None
            return (bool(control & 0x8000), (control & 0x7ff) + 1,
                    base[0] + (where & ~7) if base else None)
        return None

    def device_type(self):
        device, vendor = self.get(2, 2), self.get(0, 2)
        if vendor != 0x1af4 or device is None:
            return None
        return device - 0x1040 if device >= 0x1040 else self.get(0x2e, 2)

    def virtio(self):
        return self.get(0, 2) == 0x1af4 and 0x1000 <= (self.get(2, 2) or 0) < 0x1080


class Resolver:
    """Turns accesses into (key of a device, Event). A key is ('mmio', slot) or ('pci', 'bb:dd.f');
    None: no device of ours."""

    ECAM = 'pcie-mmcfg-mmio'

    def __init__(self):
        self.functions = {}
        self.versions = {}              # of mmio slots

    def resolve(self, access):
        if access.region == 'virtio-mmio':
            return self.mmio(access)
        if access.region == self.ECAM:
            return self.ecam(access)
        if access.region.startswith('virtio-pci') or access.region == 'msix-table':
            return self.pci(access)
        return None, None

    def mmio(self, access):
        slot, offset = access.addr & ~(r.MMIO_SLOT - 1), access.addr & (r.MMIO_SLOT - 1)
        if offset == 4 and access.op == 'r':
            self.versions[slot] = access.value
        if offset >= r.MMIO_CONFIG:
            return ('mmio', slot), event(access, 'config', offset - r.MMIO_CONFIG, 'config')
        known = r.MMIO.get(self.versions.get(slot, 2), r.MMIO[2])
        return ('mmio', slot), event(access, known.get(offset), offset, 'registers')

    def ecam(self, access):
        number, offset = access.addr >> 12, access.addr & 0xfff
        key = f'{number >> 8:02x}:{number >> 3 & 31:02x}.{number & 7}'
        function = self.functions.setdefault(key, Function(key))
        function.see(access, offset)
        return ('pci', key), event(access, 'pci', offset, 'pci')

    def pci(self, access):
        for key, function in self.functions.items():
            found = self.inside(function, access)
            if found:
                return ('pci', key), found
        return ('pci', '?'), event(access, None, access.addr, 'nowhere')

    def inside(self, function, access):
        msix = function.msix()
        if access.region == 'msix-table':
            if msix and msix[2] is not None and 0 <= access.addr - msix[2] < 16 * msix[1]:
                return event(access, 'msix', access.addr - msix[2], 'msix')
            return None
        if not function.virtio():
            return None
        for kind, start, length, _ in function.structures():
            offset = access.addr - start
            if 0 <= offset < length and kind in STRUCTURES:
                return STRUCTURES[kind](access, offset)
        bar = function.bar(0)
        if bar and bar[1] and access.region == 'virtio-pci':
            offset = access.addr - bar[0]
            offset -= IO_BASE if offset >= IO_BASE else 0
            if 0 <= offset < function.length.get(0, 0):
                return legacy_event(access, offset, msix is not None and msix[0])
        return None


def event(access, reg, offset, area):
    return Event(access.line, access.op, reg, access.value, access.size, offset, area)


def legacy_event(access, offset, vectors):
    header = {**r.PCI_LEGACY, **(r.PCI_LEGACY_VECTORS if vectors else {})}
    end = 24 if vectors else 20
    if offset >= end:
        return event(access, 'config', offset - end, 'config')
    return event(access, header.get(offset), offset, 'registers')


STRUCTURES = {
    Function.COMMON: lambda a, o: event(a, r.PCI_COMMON.get(o), o, 'registers'),
    Function.NOTIFY: lambda a, o: event(a, r.Reg('notify', a.size, 'w'), o, 'notify'),
    Function.ISR: lambda a, o: event(a, r.PCI_ISR.get(o), o, 'registers'),
    Function.DEVICE: lambda a, o: event(a, 'config', o, 'config'),
}
