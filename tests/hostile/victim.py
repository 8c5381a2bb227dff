# SPDX-License-Identifier: BSD-2-Clause
"""The common part of the disk and the network card: they keep all rules, except where an attack
overrides a function of Peace. Attacks are the classes of attack.py.
"""
import time

from vhost.protocol import Device
from vhost.ring import Broken


class Peace:
    """No attack. An attack overrides some of these functions, which do what is right."""
    name = 'peace'

    def popped(self, ring, chain):
        """A buffer was taken out of the ring, and its work not done yet. True: forget the
        buffer."""
        return False

    def complete(self, ring, chain, length):
        """The work of a buffer is done: writes the used entry. publish() follows."""
        ring.push(chain, length)

    def publish(self, ring):
        self.device.backend.interrupt(ring)

    def after(self, ring, chains):
        """Called after these buffers were completed and published."""

    def silent(self, ring):
        """True if the device ignores this queue."""
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
    names = ()                   # names of its queues

    def __init__(self):
        self.attack = Peace()
        self.attack.device = self
        self.violations = []     # rules that the driver broke, as sentences
        self.resets = 0
        self.reset_at = []       # monotonic times
        self.stuck = set()       # rings in which the driver broke a rule: not served any more

    def ring_name(self, ring):
        return self.names[ring.index]

    def ring(self, name):
        return self.backend.rings[self.names.index(name)]

    # ---- what a device supplies ----

    def wanted(self, ring):
        """True if there is work for a buffer of this ring."""
        return True

    def work(self, ring, chain):
        """Does the work of a buffer; the number of bytes written to it."""
        raise NotImplementedError

    def fault(self, text):
        """Notes that the driver broke a rule."""
        self.violations.append(text)

    # ---- from the back-end ----

    def kicked(self, ring):
        self.serve(ring)

    def serve(self, ring):
        """Serves all buffers in the ring, as far as there is work for them."""
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
