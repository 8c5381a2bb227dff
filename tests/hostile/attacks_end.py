# SPDX-License-Identifier: BSD-2-Clause
"""Attacks in which the device's process ends and comes back, with the same device or another
one."""
from hostile.attack import BLK, TX, Attack

RECONNECTS = (r'vhost', r'Failed to', r'Connection', r'Unexpected end-of-file')


class Vanish(Attack):
    """The device's process dies and is there again at once (QEMU tries to connect once a
    second)."""
    name = 'vanish'
    targets = (BLK, TX)
    strikes = 0
    patience = 10.0
    seconds, keep = 0.05, True
    says = RECONNECTS

    def start(self):
        self.struck()
        self.leave()
        self.device.backend.vanish(self.seconds, self.keep)

    def leave(self):
        """Called before the process dies."""

    def started(self, ring):
        """The device is back, or the driver has reset it."""
        if self.on and ring.index == len(self.device.names) - 1:
            self.back()
            self.end()

    def back(self):
        """Called before the device serves again."""


class VanishLong(Vanish):
    """The process is away for three seconds, longer than any deadline."""
    name = 'vanish-long'
    seconds = 3.0


class VanishUnflushed(Vanish):
    """The process dies with the writes that it acknowledged since the last flush."""
    name = 'vanish-unflushed'
    targets = (BLK,)

    def leave(self):
        self.device.forget()


class VanishForgets(Vanish):
    """Buffers are taken and forgotten, then the process dies; the new one has its position in the
    queues from QEMU."""
    name = 'vanish-forgets'
    keep = False

    def start(self):
        self.struck()
        self.swallowing = True
        self.device.backend.after(0.03, self.die)

    def die(self):
        self.swallowing = False
        self.device.backend.vanish(self.seconds, self.keep)

    def popped(self, ring, chain):
        return self.on and self.swallowing


class ReturnsEmpty(Vanish):
    """A disk of the same size comes back, with another serial number."""
    name = 'returns-as-another'
    targets = (BLK,)

    def back(self):
        self.device.id = b'another-disk'


class ReturnsSmaller(Vanish):
    """The disk comes back with half of its sectors."""
    name = 'returns-smaller'
    targets = (BLK,)

    def back(self):
        self.device.capacity //= 2
        self.device.backend.config_changed()


class ReturnsPoorer(Vanish):
    """The device comes back without most of the features that it had offered."""
    name = 'returns-poorer'

    def leave(self):
        self.device.backend.offered &= 1 << 32 | 1 << 30 | 1 << 34
