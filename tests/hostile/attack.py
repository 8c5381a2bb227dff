# SPDX-License-Identifier: BSD-2-Clause
"""The base of all attacks. Each subclass with a name is an attack; its docstring, which the table
prints, says what the device does. It runs once for each queue in `targets`, under a name of its
own: blk-id-wild, rx-id-wild, tx-id-wild.
"""
import random
import threading
import time

from hostile.victim import Peace

RINGS = ('split', 'packed')
BLK, RX, TX = 'blk', 'rx', 'tx'
EVERY, ASKED = (BLK, RX, TX), (BLK, TX)      # ASKED: queues whose driver waits for an answer


class Attack(Peace):
    """All of it runs in the back-end's thread; the cell reads hits, first_at, over and over_at. Its
    random values are the same in each run."""
    name = ''
    targets = EVERY
    formats = RINGS
    strikes = 1              # number of blows after which it is over; 0: it calls end() itself
    patience = 4.0           # seconds that the cell waits for its end
    at_boot = False          # a lie from the start
    feature = None           # feature bit without which no driver reads the lie
    breaks = ()              # formats of rings that the attack may spoil: the driver is not blamed
                             # for rules that are then broken
    alters = False           # the device delivers other data, which no driver can notice
    event_idx = indirect = True
    append = ''              # further boot arguments
    properties = ''          # further properties of QEMU's device
    says = ()                # patterns of lines that QEMU may print

    def __init__(self, device, target):
        self.device, self.target = device, target
        self.dice = random.Random(f'{target}-{self.name}')
        self.on = False
        self.hits = 0
        self.first_at = self.over_at = None
        self.over = threading.Event()

    @classmethod
    def fits(cls, target, ring):
        """True if the attack is possible on that queue, in a ring of that format."""
        return ring in cls.formats

    def mine(self, ring):
        return self.on and self.device.ring_name(ring) == self.target

    def begin(self):
        self.on = True
        self.start()
        self.device.serve_all()

    def start(self):
        """The attack begins. Most attacks do nothing before the next buffer comes."""

    def struck(self):
        self.hits += 1
        self.first_at = self.first_at or time.monotonic()
        if self.hits == self.strikes:
            self.end()

    def end(self):
        """From here on the device works as it should."""
        if self.over.is_set():
            return
        self.on = False
        self.over_at = time.monotonic()
        self.over.set()
        self.device.serve_all()

    def prepare(self):
        """Before the machine starts, for a lie from the start."""

    def believed(self):
        """For a lie from the start, once the image works: True if the driver has read it, as the
        accepted feature bit shows."""
        return self.feature is None or bool(self.device.backend.accepted >> self.feature & 1)

    @property
    def ring(self):
        return self.device.ring(self.target)


class Entry(Attack):
    """Does the work of a buffer, and then reports it wrongly in the used ring."""

    def complete(self, ring, chain, length):
        if not self.mine(ring):
            ring.push(chain, length)
            return
        self.struck()
        self.say(ring, chain, length)

    def say(self, ring, chain, length):
        raise NotImplementedError


class Lasting(Attack):
    """Lasts for `seconds`, with struck() for each blow."""
    strikes = 0
    seconds = 0.5

    def start(self):
        self.device.backend.after(self.seconds, self.end)
