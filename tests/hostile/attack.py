# SPDX-License-Identifier: BSD-2-Clause
"""What an attack is. A class is an attack; its first line of text says what the device does.
`targets` are the queues that it is run on, each as an attack of its own: blk-id-wild, rx-id-wild,
tx-id-wild.
"""
import random
import threading
import time

from hostile.victim import Peace

RINGS = ('split', 'packed')
BLK, RX, TX = 'blk', 'rx', 'tx'
EVERY, ASKED = (BLK, RX, TX), (BLK, TX)      # ASKED: the driver knows that an answer must come


class Attack(Peace):
    """Runs in the back-end's thread, but for what the cell reads: hits, first_at, over, over_at.
    Its random values are the same in each run."""
    name = ''
    targets = EVERY
    formats = RINGS
    strikes = 1              # times, and it is over; 0: it says itself when it is
    patience = 4.0           # seconds to wait for its end
    at_boot = False          # a lie from the start
    feature = None           # the bit without which no driver looks at it
    breaks = ()              # formats of rings that it may break for itself: what it then reads
                             # there is its own doing
    alters = False           # it writes other data than it should: no driver can see that
    event_idx = indirect = True
    append = ''              # further boot arguments
    properties = ''          # of the device of QEMU
    says = ()                # what QEMU may say to it

    def __init__(self, device, target):
        self.device, self.target = device, target
        self.dice = random.Random(f'{target}-{self.name}')
        self.on = False
        self.hits = 0
        self.first_at = self.over_at = None
        self.over = threading.Event()

    @classmethod
    def fits(cls, target, ring):
        """Is there such a thing on that queue, in a ring of that format?"""
        return ring in cls.formats

    def mine(self, ring):
        return self.on and self.device.ring_name(ring) == self.target

    def begin(self):
        self.on = True
        self.start()
        self.device.serve_all()

    def start(self):
        """The attack begins; most wait for the next buffer."""

    def struck(self):
        self.hits += 1
        self.first_at = self.first_at or time.monotonic()
        if self.hits == self.strikes:
            self.end()

    def end(self):
        """From here on the device is as it should be."""
        if self.over.is_set():
            return
        self.on = False
        self.over_at = time.monotonic()
        self.over.set()
        self.device.serve_all()

    def prepare(self):
        """Before the machine starts, for a lie from the start."""

    def believed(self):
        """Of a lie from the start, when the image works: has the driver looked at it? With the
        feature bit that it belongs to."""
        return self.feature is None or bool(self.device.backend.accepted >> self.feature & 1)

    @property
    def ring(self):
        return self.device.ring(self.target)


class Entry(Attack):
    """Does the work, and then says something else than that."""

    def complete(self, ring, chain, length):
        if not self.mine(ring):
            ring.push(chain, length)
            return
        self.struck()
        self.say(ring, chain, length)

    def say(self, ring, chain, length):
        raise NotImplementedError


class Lasting(Attack):
    """Something goes on for a while: struck() each time."""
    strikes = 0
    seconds = 0.5

    def start(self):
        self.device.backend.after(self.seconds, self.end)
