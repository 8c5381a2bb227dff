# SPDX-License-Identifier: BSD-2-Clause
"""One queue of our own device, with a ring of either format."""
from vhost.packed import Packed
from vhost.ring import Split

EVENT_IDX, RING_PACKED = 29, 34        # feature bits


class Ring:
    """One queue, from SET_VRING_* until GET_VRING_BASE. `part` is its Split or Packed while it
    runs."""

    def __init__(self, index):
        self.index = index
        self.size = 0
        self.addresses = None        # QEMU's addresses of descriptors, driver and device area
        self.base = 0                # the position at which it begins, as vhost-user tells it
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
        """The next buffer; None: there is none, and the driver was asked to notify of the next."""
        return self.part.pop() if self.part.waiting() else None

    def push(self, chain, length):
        """Writes a used entry for the buffer, which publish() makes visible."""
        self.part.put(chain.head, length, len(chain.slots))

    def publish(self):
        """Makes the pushed buffers visible; True if the driver wants an interrupt."""
        return self.part.publish()
