# SPDX-License-Identifier: BSD-2-Clause
"""Hand-made logs of drivers that keep every rule; tests break one rule at a time in them.

A line is "r|w PLACE VALUE [SIZE]", where PLACE is a register's name, or config+N, pci+N, msix+N,
notify+N. "irq": the CPU acknowledges an interrupt at the interrupt controller. log() turns them
into lines of QEMU.
"""
from oracle import registers as r

SLOT, EMPTY = 0xa003e00, 0xa003c00
BAR1, BAR4 = 0x10000000, 0x8000000000
ECAM = 1 << 15                                # function 00:01.0
IO = 0x1000

MMIO = '''
r magic 0x74726976
r version 2
r device_id 2
w status 0
r status 0
w status 1
w status 3
w device_features_sel 0
r device_features 0x30006e54
w device_features_sel 1
r device_features 0x101
w driver_features_sel 1
w driver_features 1
w driver_features_sel 0
w driver_features 0x30000a44
w status 0xb
r status 0xb
r generation 0
r config+0 0x800 4
r config+4 0 4
r generation 0
w queue_sel 0
r queue_enable 0
r queue_max 1024
w queue_size 128
w desc_lo 0x40001000
w desc_hi 0
w driver_lo 0x40002000
w driver_hi 0
w device_lo 0x40003000
w device_hi 0
w queue_enable 1
r queue_enable 1
w status 0xf
w notify 0
r cause 1
w ack 1
r cause 2
w ack 2
r cause 0
r status 0xf
w notify 0
w status 0
r status 0
'''

PACKED = MMIO.replace('r device_features 0x101', 'r device_features 0x105').replace(
    'w driver_features 1\n', 'w driver_features 5\n').replace('size 128', 'size 100')

LEGACY = '''
r magic 0x74726976
r version 1
r device_id 2
w status 0
r status 0
w status 1
w status 3
w device_features_sel 0
r device_features 0x39000e54
w driver_features_sel 0
w driver_features 0x38000a44
r config+0 0x800 4
r config+4 0 4
r config+0 0x800 4
r config+4 0 4
w page_size 4096
w queue_sel 0
r queue_pfn 0
r queue_max 1024
w queue_size 128
w queue_align 4096
w queue_pfn 0x40001
r queue_pfn 0x40001
w status 7
w notify 0
r cause 1
w ack 1
r cause 0
w status 0
r status 0
'''

PCI_HEAD = '''
r pci+0 0x10421af4 4
r pci+8 1 1
r pci+0x2e 0x1100 2
w pci+4 0 2
r pci+0x14 0 4
w pci+0x14 0xffffffff 4
r pci+0x14 0xfffff000 4
w pci+0x14 0x10000000 4
r pci+0x20 0xc 4
w pci+0x20 0xffffffff 4
r pci+0x20 0xffffc00c 4
w pci+0x24 0xffffffff 4
r pci+0x24 0xffffffff 4
w pci+0x20 0 4
w pci+0x24 0x80 4
w pci+4 2 2
r pci+0x34 0x98 1
r pci+0x98 0x11 1
r pci+0x99 0x84 1
r pci+0x84 9 1
r pci+0x85 0x70 1
r pci+0x86 0x14 1
r pci+0x87 5 1
r pci+0x70 9 1
r pci+0x71 0x60 1
r pci+0x72 0x14 1
r pci+0x73 2 1
r pci+0x74 4 1
r pci+0x78 0x3000 4
r pci+0x7c 0x1000 4
r pci+0x80 4 4
r pci+0x60 9 1
r pci+0x61 0x50 1
r pci+0x62 0x10 1
r pci+0x63 4 1
r pci+0x64 4 1
r pci+0x68 0x2000 4
r pci+0x6c 0x1000 4
r pci+0x50 9 1
r pci+0x51 0x40 1
r pci+0x52 0x10 1
r pci+0x53 3 1
r pci+0x54 4 1
r pci+0x58 0x1000 4
r pci+0x5c 0x1000 4
r pci+0x40 9 1
r pci+0x41 0 1
r pci+0x42 0x10 1
r pci+0x43 1 1
r pci+0x44 4 1
r pci+0x48 0 4
r pci+0x4c 0x1000 4
w pci+4 6 2
'''
PCI_TAIL = '''
w status 0
r status 0
w status 1
w status 3
w device_features_sel 0
r device_features 0x30006e54
w device_features_sel 1
r device_features 0x101
w driver_features_sel 1
w driver_features 1
w driver_features_sel 0
w driver_features 0x30000a44
w status 0xb
r status 0xb
r generation 0
r config+0 0x800 4
r config+4 0 4
r generation 0
r num_queues 1
w queue_sel 0
r queue_enable 0
r queue_size 256
{vectors}
r notify_off 1
w queue_size 128
r queue_size 128
{vector}
w desc_lo 0x40001000
w desc_hi 0
w driver_lo 0x40002000
w driver_hi 0
w device_lo 0x40003000
w device_hi 0
w queue_enable 1
w status 0xf
w notify+4 0 2
{interrupt}
w status 0
r status 0
'''
PCI = PCI_HEAD + PCI_TAIL.format(
    vectors='''r pci+0x9a 1 2
r pci+0x9c 1 4
w msix+0x1c 1
w msix+0x10 0x8020040
w msix+0x18 0x51
w msix+0x1c 0
w pci+0x9a 0x8001 2
w config_vector 0
r config_vector 0''',
    vector='''w queue_vector 1
r queue_vector 1''', interrupt='irq')
# The line interrupt, with its cause register.
INTX = PCI_HEAD + PCI_TAIL.format(vectors='', vector='', interrupt='''irq
r cause 1
irq
r cause 2
r status 0xf''')
# With the PCI_CFG window: bar, offset and length, then the data.
WINDOW = INTX.replace('w pci+4 6 2\n', '''w pci+4 6 2
w pci+0x88 4 1
w pci+0x8c 0x14 4
w pci+0x90 1 4
r pci+0x94 0 1
''')

PCI_LEGACY = '''
r pci+0 0x10011af4 4
r pci+0x2e 2 2
r pci+0x10 1 4
w pci+0x10 0xffffffff 4
r pci+0x10 0xffffff81 4
w pci+0x10 0x1000 4
r pci+0x34 0 1
w pci+4 5 2
w status 0
r status 0
w status 1
w status 3
r device_features 0x79006e54
w driver_features 0x38000a44
r config+0 0x800 4
r config+4 0 4
r config+0 0x800 4
r config+4 0 4
w queue_sel 0
r queue_pfn 0
r queue_max 256
w queue_pfn 0x40001
w status 7
w notify 0
irq
r cause 1
w status 0
r status 0
'''


def offsets(*tables):
    return {reg.name: (offset, reg.size) for table in tables for offset, reg in table.items()}


MMIO_PLACES = offsets(r.MMIO[1], r.MMIO[2])
COMMON_PLACES = offsets(r.PCI_COMMON)
HEADER_PLACES = offsets(r.PCI_LEGACY)
AREAS = {'pci': (ECAM, 'pcie-mmcfg-mmio', 4), 'msix': (BAR1, 'msix-table', 4),
         'notify': (BAR4 + 0x3000, 'virtio-pci-notify-virtio-blk', 2)}


def place(transport, name):
    """(address, region, width) of a PLACE."""
    area, plus, offset = name.partition('+')
    offset = int(offset, 0) if plus else 0
    if area in AREAS and plus:
        start, region, width = AREAS[area]
        return start + offset, region, width
    if transport == 'mmio':
        base = EMPTY if area.startswith('empty.') else SLOT
        area = area.removeprefix('empty.')
        at, width = MMIO_PLACES.get(area, (r.MMIO_CONFIG, 4))
        return base + at + offset, 'virtio-mmio', width
    if transport == 'pci-legacy':
        at, width = HEADER_PLACES.get(area, (20, 4))
        return r_io(at + offset), 'virtio-pci', width
    if area == 'config':
        return BAR4 + 0x2000 + offset, 'virtio-pci-device-virtio-blk', 4
    if area == 'cause':
        return BAR4 + 0x1000, 'virtio-pci-isr-virtio-blk', 1
    at, width = COMMON_PLACES[area]
    return BAR4 + at + offset, 'virtio-pci-common-virtio-blk', width


def r_io(offset):
    return IO + offset


def log(transport, text):
    """QEMU's lines for a log in the short form."""
    lines = []
    for line in filter(None, text.split('\n')):
        if line == 'irq':
            lines.append(trace('r', 0x801000c, 0x51, 4, 'gic_cpu'))
            continue
        op, name, value, *size = line.split()
        address, region, width = place(transport, name)
        lines.append(trace(op, address, int(value, 0), int(size[0]) if size else width, region))
    return lines


def trace(op, address, value, size, region):
    return (f'memory_region_ops_{"read" if op == "r" else "write"} cpu 0 mr 0x1 '
            f"addr {address:#x} value {value:#x} size {size} name '{region}'")
