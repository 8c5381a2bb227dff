# SPDX-License-Identifier: BSD-2-Clause
"""What a load makes happen between a guest and its host: accesses to registers of devices (each an
exit where a hypervisor runs the guest), notifications of queues, interrupts of the card, and
acknowledgements without data on the cable. By QEMU's trace and a record of the frames.
"""
import os
import re
import struct

NAMES = ('exits', 'kicks', 'irqs', 'acks')
# Doorbells are accesses like others here, not what another thread of QEMU waits for.
TRACED = ['-trace', 'memory_region_ops_*', '-trace', 'virtio_queue_notify', '-trace',
          'virtio_notify', '-global', 'virtio-mmio.ioeventfd=off']
EVENTS = ((re.compile(rb'^memory_region_ops_(?!.*pl011)', re.M), 'exits'),
          (re.compile(rb'^virtio_queue_notify ', re.M), 'kicks'),
          (re.compile(rb'^virtio_notify ', re.M), 'irqs'))
RECORD, FRAME, ETH = 16, 24, 14      # bytes of headers in a record, of a file, of a frame
CARD = b'\x52\x54\x00\x12\x34\x56'


def sizes(load):
    """Of a load of a few, and of the whole one."""
    return max(load['n'] // 64, 1), load['n']


def each(load, few, all_):
    """What one operation or byte takes, of the events of both."""
    small, n = sizes(load)
    return {name: (all_[name] - few[name]) / (n - small) for name in NAMES}


def is_ack(frame):
    """Does the guest acknowledge, and send nothing else?"""
    frame = frame[max(frame[:24].find(CARD), 6) - 6:]    # QEMU may put the card's header in front
    if frame[6:12] != CARD or frame[12:14] != b'\x08\x00' or frame[23] != 6:
        return False
    total, = struct.unpack_from('>H', frame, 16)
    ip = (frame[ETH] & 15) * 4
    tcp = frame[ETH + ip:]
    return total - ip - (tcp[12] >> 4) * 4 == 0 and tcp[13] & 0x17 == 0x10


def acks(path):
    """How many there are in a record of frames."""
    with open(path, 'rb') as f:
        data = f.read()
    at, n = FRAME, 0
    while at + RECORD <= len(data):
        length, = struct.unpack_from('<I', data, at + 8)
        n += is_ack(data[at + RECORD:at + RECORD + length])
        at += RECORD + length
    return n


class Watch:
    """The files of a guest that is watched, in a folder."""

    def __init__(self, folder):
        self._pcap = os.path.join(folder, 'frames.pcap')

    @property
    def machine(self):
        """Fields of a Machine."""
        return {'pcap': self._pcap, 'extra': TRACED}

    def count(self, guest):
        """{name: number so far}."""
        with open(os.path.join(guest.directory, 'guest_errors.txt'), 'rb') as f:
            log = f.read()
        found = {name: len(pattern.findall(log)) for pattern, name in EVENTS}
        return {**found, 'acks': acks(self._pcap)}
