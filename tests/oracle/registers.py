# SPDX-License-Identifier: BSD-2-Clause
"""Registers and config fields (virtio 1.4, sections 4.1.4, 4.2.2, 4.2.4 and the layout sections of
chapter 5): offset, name, width, and whether the driver may read or write them.

All transports use the same names, so that one set of rules can judge them all.
"""
from collections import namedtuple

Reg = namedtuple('Reg', 'name size access')          # access: 'r', 'w' or 'rw', for the driver


def table(*rows):
    return {offset: Reg(name, size, access) for offset, name, size, access in rows}


# Sections 4.2.2 and 4.2.4: registers of both versions, and of each.
MMIO_BOTH = (
    (0x00, 'magic', 4, 'r'), (0x04, 'version', 4, 'r'), (0x08, 'device_id', 4, 'r'),
    (0x0c, 'vendor_id', 4, 'r'), (0x10, 'device_features', 4, 'r'),
    (0x14, 'device_features_sel', 4, 'w'), (0x20, 'driver_features', 4, 'w'),
    (0x24, 'driver_features_sel', 4, 'w'), (0x30, 'queue_sel', 4, 'w'),
    (0x34, 'queue_max', 4, 'r'), (0x38, 'queue_size', 4, 'w'), (0x50, 'notify', 4, 'w'),
    (0x60, 'cause', 4, 'r'), (0x64, 'ack', 4, 'w'), (0x70, 'status', 4, 'rw'))
MMIO = {
    1: table(*MMIO_BOTH, (0x28, 'page_size', 4, 'w'), (0x3c, 'queue_align', 4, 'w'),
             (0x40, 'queue_pfn', 4, 'rw')),
    2: table(*MMIO_BOTH, (0x44, 'queue_enable', 4, 'rw'),
             (0x80, 'desc_lo', 4, 'w'), (0x84, 'desc_hi', 4, 'w'),
             (0x90, 'driver_lo', 4, 'w'), (0x94, 'driver_hi', 4, 'w'),
             (0xa0, 'device_lo', 4, 'w'), (0xa4, 'device_hi', 4, 'w'),
             (0xac, 'shm_sel', 4, 'w'), (0xb0, 'shm_len_lo', 4, 'r'), (0xb4, 'shm_len_hi', 4, 'r'),
             (0xb8, 'shm_base_lo', 4, 'r'), (0xbc, 'shm_base_hi', 4, 'r'),
             (0xc0, 'queue_reset', 4, 'rw'), (0xfc, 'generation', 4, 'r')),
}
MMIO_CONFIG = 0x100
MMIO_SLOT = 0x200

# Section 4.1.4.3: struct virtio_pci_common_cfg
PCI_COMMON = table(
    (0, 'device_features_sel', 4, 'rw'), (4, 'device_features', 4, 'r'),
    (8, 'driver_features_sel', 4, 'rw'), (12, 'driver_features', 4, 'rw'),
    (16, 'config_vector', 2, 'rw'), (18, 'num_queues', 2, 'r'), (20, 'status', 1, 'rw'),
    (21, 'generation', 1, 'r'), (22, 'queue_sel', 2, 'rw'), (24, 'queue_size', 2, 'rw'),
    (26, 'queue_vector', 2, 'rw'), (28, 'queue_enable', 2, 'rw'), (30, 'notify_off', 2, 'r'),
    (32, 'desc_lo', 4, 'rw'), (36, 'desc_hi', 4, 'rw'), (40, 'driver_lo', 4, 'rw'),
    (44, 'driver_hi', 4, 'rw'), (48, 'device_lo', 4, 'rw'), (52, 'device_hi', 4, 'rw'),
    (56, 'notif_config_data', 2, 'r'), (58, 'queue_reset', 2, 'rw'))
PCI_ISR = table((0, 'cause', 1, 'r'))

# Section 4.1.4.10: the header of a legacy device; the vectors are there while MSI-X is on.
PCI_LEGACY = table(
    (0, 'device_features', 4, 'r'), (4, 'driver_features', 4, 'rw'), (8, 'queue_pfn', 4, 'rw'),
    (12, 'queue_max', 2, 'r'), (14, 'queue_sel', 2, 'rw'), (16, 'notify', 2, 'rw'),
    (18, 'status', 1, 'rw'), (19, 'cause', 1, 'r'))
PCI_LEGACY_VECTORS = table((20, 'config_vector', 2, 'rw'), (22, 'queue_vector', 2, 'rw'))

PER_QUEUE = {'queue_max', 'queue_size', 'queue_enable', 'queue_pfn', 'queue_align', 'queue_vector',
             'queue_reset', 'notify_off', 'desc_lo', 'desc_hi', 'driver_lo', 'driver_hi',
             'device_lo', 'device_hi', 'notif_config_data'}
ADDRESSES = ('desc_lo', 'desc_hi', 'driver_lo', 'driver_hi', 'device_lo', 'device_hi')

# ---- bits ----------------------------------------------------------------------------------------

ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED = 1, 2, 4, 8, 64, 128

ANY_LAYOUT, INDIRECT, EVENT_IDX, BAD_FEATURE = 27, 28, 29, 30
VERSION_1, ACCESS_PLATFORM, PACKED, IN_ORDER, ORDER_PLATFORM = 32, 33, 34, 35, 36
SR_IOV, NOTIFICATION_DATA, NOTIF_CONFIG_DATA, RING_RESET, ADMIN_VQ = 37, 38, 39, 40, 41
SUSPEND = 43
# Section 6: defined for every device type.
COMMON_BITS = {24, ANY_LAYOUT, INDIRECT, EVENT_IDX, *range(32, 42), SUSPEND}
# Sections 6.3 and 4.2: bits that may be accepted on PCI only.
PCI_ONLY = {SR_IOV, NOTIF_CONFIG_DATA, ADMIN_VQ}

# Chapter 5: the bits of each device type, as ranges of those that are defined.
TYPE_BITS = {
    1: {*range(0, 6), *range(6, 12), 12, 13, 14, *range(15, 24), *range(50, 68)},
    2: {0, 1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17},
    3: {0, 1, 2},
    4: set(),
    5: {0, 1, 2, 3, 4, 5},
    19: {0, 1, 2},
}

# ---- device configuration space ------------------------------------------------------------------

# Offset: (width, the bit that the field needs, or None). A field of 64 bits is two of 32.
CONFIG = {
    1: {**{n: (1, 5) for n in range(6)}, 6: (2, 16), 8: (2, 22), 10: (2, 3), 12: (4, 63),
        16: (1, 63)},
    2: {0: (4, None), 4: (4, None), 8: (4, 1), 12: (4, 2), 16: (2, 4), 18: (1, 4), 19: (1, 4),
        20: (4, 6), 24: (1, 10), 25: (1, 10), 26: (2, 10), 28: (4, 10), 32: (1, 11), 34: (2, 12),
        36: (4, 13), 40: (4, 13), 44: (4, 13), 48: (4, 14), 52: (4, 14), 56: (1, 14)},
    3: {0: (2, 0), 2: (2, 0), 4: (4, 1), 8: (4, 2)},
    4: {},
    5: {0: (4, None), 4: (4, None), 8: (4, 3), 12: (4, 4)},
    19: {0: (4, None), 4: (4, None)},
}
