# SPDX-License-Identifier: BSD-2-Clause
"""One queue of a device of ours, whatever the format of its ring."""
from vhost.packed import Packed
from vhost.ring import Split

EVENT_IDX, RING_PACKED = 29, 34        # feature bits


class Ring:
    """One queue, from SET_VRING_* until GET_VRING_BASE. `part` is its format, while it runs."""

    def __init__(self, index):
        self.index = index
        self.size = 0
        self.addresses = None        # QEMU's addresses of descriptors, driver and device area
        self.base = 0                # where it begins, as vhost-user tells it
        self.kick = self.call = None
        self.enabled = False
        self.memory = self.part = None

    def start(self, memory, features):
        kind = Packed if features >> RING_PACKED & 1 else Split
        self.memory = memory
        self.part = kind(self.index, self.size, memory, self.addresses, self.base,
                         bool(features >> EVENT_IDX & 1))

    def stop(self):
        if self.part:
            self.base = self.part.base()
        self.memory = self.part = None

    def running(self):
        return self.memory is not None and self.enabled

    def pop(self):
        """The next buffer, or None: then the driver was asked to kick for the next one."""
        return self.part.pop() if self.part.waiting() else None

    def push(self, chain, length):
        """Puts the buffer into the used ring; publish() tells of it."""
        self.part.put(chain.head, length, len(chain.slots))

    def publish(self):
        """Makes what was pushed visible; True if the driver wants an interrupt."""
        return self.part.publish()
