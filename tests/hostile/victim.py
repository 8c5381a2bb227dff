# SPDX-License-Identifier: BSD-2-Clause
"""What the disk and the network card have in common: they serve well, but for what an attack does
instead. An attack is a class of attack.py; without one, Peace.
"""
import time

from vhost.protocol import Device
from vhost.ring import Broken


class Peace:
    """An attack that does nothing. Each function may do something else instead of what is right."""
    name = 'peace'

    def popped(self, ring, chain):
        """A buffer was taken out of the ring, and not looked at yet. True: it is swallowed."""
        return False

    def complete(self, ring, chain, length):
        """The work is done: tells the driver, with publish() to follow."""
        ring.push(chain, length)

    def publish(self, ring):
        self.device.backend.interrupt(ring)

    def after(self, ring, chains):
        """These were completed and published."""

    def silent(self, ring):
        """Does the device look at this queue?"""
        return False

    def stopped(self, ring):
        """The driver has taken the queue back."""

    def reset(self):
        """The driver has reset the device."""

    def started(self, ring):
        """The queue was set up."""


class Victim(Device):
    """A device that an attack can take over."""
    name = ''
    names = ()                   # of its queues

    def __init__(self):
        self.attack = Peace()
        self.attack.device = self
        self.violations = []     # what the driver did wrong
        self.resets = 0
        self.reset_at = []       # monotonic times
        self.stuck = set()       # rings in which the driver broke a rule: no more of them

    def ring_name(self, ring):
        return self.names[ring.index]

    def ring(self, name):
        return self.backend.rings[self.names.index(name)]

    # ---- what a device supplies ----

    def wanted(self, ring):
        """Is there work for a buffer of this ring?"""
        return True

    def work(self, ring, chain):
        """Does what the buffer is for; how many bytes were written to it."""
        raise NotImplementedError

    def fault(self, text):
        """The driver did something that it must not."""
        self.violations.append(text)

    # ---- from the back-end ----

    def kicked(self, ring):
        self.serve(ring)

    def serve(self, ring):
        """All buffers that are there and for which there is work."""
        if not ring.running() or ring in self.stuck or self.attack.silent(ring):
            return
        done = []
        try:
            while ring.running() and self.wanted(ring) and (chain := ring.pop()):
                if self.attack.popped(ring, chain):
                    continue
                self.attack.complete(ring, chain, self.work(ring, chain))
                done.append(chain)
        except Broken as e:
            self.fault(str(e))
            self.stuck.add(ring)
        if ring.running():
            self.attack.publish(ring)
            self.attack.after(ring, done)

    def serve_all(self):
        for ring in self.backend.rings:
            self.serve(ring)

    def started(self, ring):
        self.stuck.discard(ring)
        self.attack.started(ring)

    def stopped(self, ring):
        self.attack.stopped(ring)

    def reset(self):
        self.resets += 1
        self.reset_at.append(time.monotonic())
        self.attack.reset()
