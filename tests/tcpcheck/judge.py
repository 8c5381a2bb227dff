# SPDX-License-Identifier: BSD-2-Clause
"""Judges one end of a connection by the frames at its own interface.

`judge(segments, us)` returns the broken rules. sender.py has the rules of what the end sends,
receiver.py those of its acknowledgements, options.py those of windows and options.
"""
from dataclasses import dataclass, field

from .capture import ACK, RST, SYN

WRAP = 1 << 32


@dataclass
class Limits:
    """What a judge may expect. Times in seconds."""
    race: float = 0.0     # a frame that came this late may not have been seen yet
    slack: float = 0.001  # "at once"
    greedy: bool = True   # the end always has data to send, and so fills its window
    timers: float = 0.1   # share by which a timeout may be off


@dataclass
class Fault:
    """A broken rule: its name, when, and what was seen."""
    rule: str
    time: float
    what: str

    def __str__(self):
        return f'{self.time:.6f} {self.rule}: {self.what}'


@dataclass
class Side:
    """What one end's SYN said; numbers of its stream count from the SYN's, which is 0."""
    first: int = None
    scale: int = None
    mss: int = 536
    sack_ok: bool = False
    stamped: bool = False

    def number(self, seq, near):
        """A sequence number as one of the stream, the nearest to `near`."""
        return near + ((seq - self.first - near + WRAP // 2) % WRAP) - WRAP // 2


@dataclass
class Connection:
    """Both ends, and what rules share."""
    us: bytes
    limits: Limits
    mine: Side = field(default_factory=Side)
    peers: Side = field(default_factory=Side)
    faults: list = field(default_factory=list)

    def fault(self, rule, time, what):
        """Notes a broken rule."""
        self.faults.append(Fault(rule, time, what))

    def both(self, name):
        """Did both SYNs have this option?"""
        return bool(getattr(self.mine, name)) and bool(getattr(self.peers, name))

    def window(self, s, side):
        """Bytes of a segment's window, which `side` sent."""
        scaled = self.mine.scale is not None and self.peers.scale is not None
        return s.window << side.scale if scaled and not s.flags & SYN else s.window

    @property
    def segment(self):
        """The most data that the end's segments carry."""
        return self.peers.mss - (12 if self.both('stamped') else 0)


def take_syn(side, s):
    """Fills a side from its SYN."""
    side.first, side.scale, side.sack_ok = s.seq, s.scale, s.sack_ok
    side.mss = s.mss or 536
    side.stamped = s.stamp is not None


def judge(segments, us, limits=None):
    """The faults of the end with this address (bytes), or this (address, port)."""
    from . import options, receiver, sender

    c = Connection(us, limits or Limits())
    rules = [sender.Sender(c), receiver.Receiver(c), options.Options(c)]
    for s in segments:
        out = us in (s.src, s.src[0])
        if s.flags & SYN:
            take_syn(c.mine if out else c.peers, s)
        known = c.mine.first is not None and (c.peers.first is not None or not s.flags & ACK)
        if not known or (c.peers.first is None and not out):
            continue
        for rule in rules:
            rule.until(s.time)
        for rule in rules:
            if out:
                rule.sent(s)
            else:
                rule.came(s)
        if s.flags & RST:
            break
    return c.faults
