# SPDX-License-Identifier: BSD-2-Clause
"""Rules of what an end sends: windows, reductions, retransmissions, timeouts.

The model's window is an upper bound: RFC 6928 at first, all that is delivered more in slow start
(RFC 9406), half of that after a loss (RFC 9438 never asks for more than half as much again in a
round trip), 0.7 of what was out after each window with a loss, one segment after a timeout.
"""
from .capture import ACK, FIN, SYN
from .options import later
from .ranges import Ranges

INITIAL = 10  # segments, RFC 6928
BETA = 0.7
LOWEST = 0.4  # a window that falls below this share of what was out was reduced twice
FLOOR = 0.2
CEILING = 60.0
SPARE = 4     # segments beyond the model's window: limited transmit, a probe, a rounded one


class Sender:
    """What the end sent, and what it knows of it."""

    def __init__(self, c):
        self.c = c
        self.una = 0        # all below is acknowledged
        self.sent_max = 0   # all below was sent once
        self.sacked = Ranges()
        self.known_una = 0  # the same, as the end must have seen it
        self.known = Ranges()
        self.arriving = []  # (time, una, blocks) that it may not have seen
        self.edge = None    # of the peer's window
        self.window = None  # the model's, in bytes
        self.growing = 1.0  # share of what is delivered by which it grows
        self.slow_until = None  # after a timeout: the window at which slow start ends
        self.loss = None    # (end of the recovery, what was out)
        self.after = None   # (end of the round, least window, largest flight in it)
        self.heard = None   # when the last segment came
        self.last_sent = None
        self.head = []      # times at which the segment at `una` was sent in silence
        self.syns = 0
        self.spurious = False
        self.undo = None    # the window before the last reduction, and how it grew
        self.growth = 1.0
        self.again_at = None  # the first segment sent again since then: its number and stamp
        self.ended = False  # its FIN was sent

    # ---- what comes ------------------------------------------------------------------------------

    def until(self, now):
        """Time goes on: what came `race` ago was seen."""
        while self.arriving and self.arriving[0][0] <= now - self.c.limits.race:
            _, una, blocks = self.arriving.pop(0)
            self.known_una = max(self.known_una, una)
            for block in blocks:
                self.known.add(*block)

    def came(self, s):
        """An acknowledgement."""
        c = self.c
        self.heard = s.time
        self.head = []
        if not s.flags & ACK:
            return
        ack = c.mine.number(s.ack, self.una)
        if ack > self.sent_max or ack < self.una - (1 << 24):
            return
        blocks = [(c.mine.number(a, self.una), c.mine.number(b, self.una)) for a, b in s.blocks]
        duplicate = blocks and (blocks[0][1] <= ack or
                                any(a <= blocks[0][0] and blocks[0][1] <= b
                                    for a, b in blocks[1:2]))
        if duplicate:
            self.spurious = True
            blocks = blocks[1:]
        if self.again_at and ack > self.again_at[0] and s.echo is not None:
            self.spurious |= later(self.again_at[1], s.echo)  # RFC 3522: it echoes the first copy
            self.again_at = None
        blocks = [(a, b) for a, b in blocks if a >= ack and b <= self.sent_max]
        if self.window is None:
            self.window = self.first_window()
        before = self.una + self.sacked.total()
        for block in blocks:
            self.sacked.add(*block)
        self.una = max(self.una, ack)
        self.sacked.cut_below(self.una)
        self.edge = max(self.edge or 0, ack + c.window(s, c.peers))
        self.arriving.append((s.time, ack, blocks))
        self.delivered(self.una + self.sacked.total() - before)

    def delivered(self, count):
        """The model's window grows; recoveries end."""
        if self.loss and self.una >= self.loss[0]:
            self.recovered()
        elif not self.loss or self.loss[2]:
            share = self.growing
            if self.slow_until and self.window < self.slow_until:
                share = 1.0
            self.window += count * share
        if self.spurious:
            self.forgive()
        if self.after and self.una > self.after[0]:
            self.judge_round()

    def recovered(self):
        """All that was out at the loss is acknowledged."""
        _, out, timeout = self.loss
        window = max(out, self.undo)  # RFC 9438, 4.6: either may be what is lowered
        self.loss = None
        self.growing = 0.5
        if timeout:
            return
        self.window = max(BETA * window, 2 * self.c.segment)
        self.after = [self.sent_max, LOWEST * out - 2 * self.c.segment, 0, self.heard]

    def forgive(self):
        """A duplicate was reported: the last reduction may be undone."""
        if self.loss:
            return
        if self.undo:
            self.window, self.growing = max(self.window, self.undo), self.growth
            self.slow_until = None
        self.spurious, self.undo = False, None

    def judge_round(self):
        """A round trip after a recovery: how much was out?"""
        _, least, most, since = self.after
        self.after = None
        if self.c.limits.greedy and 0 < most < least and not self.sacked.pairs and not self.ended:
            self.c.fault('reduced twice', since, f'{most} bytes were out, not {least:.0f}')

    # ---- what is sent ----------------------------------------------------------------------------

    def sent(self, s):
        """A segment of the end."""
        c = self.c
        number = c.mine.number(s.seq, self.sent_max)
        end = number + s.span
        if s.flags & SYN:
            self.syn(s)
        if not s.span:
            return
        self.ended |= bool(s.flags & FIN)
        if self.sent_max and number < self.sent_max:
            self.again(s, number, end)
        elif self.window is not None:
            self.idle(s)
        if end > self.sent_max:
            self.sent_max = end
            if self.window is not None:
                self.judge_new(s, end)
        self.last_sent = s.time

    def syn(self, s):
        """The first window is that of a connection whose SYN was not lost."""
        self.syns += 1
        if s.flags & ACK:
            self.window = self.first_window()

    def idle(self, s):
        """After silence with nothing out, the window is the first one again."""
        quiet = self.last_sent is not None and s.time - max(self.last_sent, self.heard or 0) > 1.5
        if quiet and self.una == self.sent_max and self.una > 1:
            self.window = min(self.window, INITIAL * self.c.segment)

    def flight(self):
        """Bytes that are out, and not known to have come."""
        return self.sent_max - self.una - self.sacked.total()

    def judge_new(self, s, end):
        """Data that was not sent before."""
        c = self.c
        if s.len > c.segment:
            c.fault('segment too long', s.time, f'{s.len} bytes of data, {c.segment} fit')
        if self.edge is not None and end - bool(s.flags & 1) > self.edge + (s.len <= 1):
            c.fault('beyond the window', s.time, f'{end - self.edge} bytes behind its edge')
        if self.una == 1 and self.syns and end - 1 > self.first_window():
            c.fault('initial window', s.time, f'{end - 1} bytes before an acknowledgement')
        spare = SPARE * c.segment if self.una > 1 else 0
        if not self.loss and self.una > 1 and self.flight() > self.window + spare:
            c.fault('window too large', s.time,
                    f'{self.flight()} bytes are out, {self.window:.0f} may be')
            self.window = self.flight()  # tell it once
        if self.after:
            self.after[2] = max(self.after[2], self.flight())

    def first_window(self):
        """Bytes before the first acknowledgement of data: RFC 6928, 2, also of lost SYNs."""
        mss = self.c.segment
        return mss if self.syns > 2 else max(INITIAL * mss, min(2 * mss, 14600))

    def again(self, s, number, end):
        """Data that was sent before."""
        c = self.c
        probe = s.len <= 1 and (end <= self.known_una or self.edge == self.una)
        if s.flags & SYN:
            self.judge_syn(s)
            return
        if probe:
            return
        if end <= self.known_una:
            c.fault('acknowledged data again', s.time, f'{number} to {end}, {self.una} is')
        elif self.known.covers(max(number, self.known_una), end):
            c.fault('SACKed data again', s.time, f'{number} to {end}')
        timeout = number == self.una and self.silent(s)
        if timeout:
            self.judge_timeout(s)
        if timeout or not self.loss and end > self.una:
            self.lost(timeout)
            self.again_at = (number, s.stamp) if s.stamp is not None else None

    def lost(self, timeout):
        """A window with a loss begins; or a timeout makes it one segment."""
        out = self.sent_max - self.una
        if self.loss:
            out = max(out, self.loss[1])
        self.undo, self.growth = max(self.window, out), self.growing
        self.loss = (self.sent_max, out, timeout)
        self.after, self.spurious = None, False
        if timeout:
            self.window = self.c.segment
            self.slow_until = max(BETA * max(out, self.undo), 2 * self.c.segment)

    # ---- timeouts --------------------------------------------------------------------------------

    def silent(self, s):
        """Has nothing come since the last segment was sent, for as long as a timeout takes?"""
        since = max(self.heard or 0, self.last_sent or 0)
        return s.time - since > FLOOR * (1 - self.c.limits.timers)

    def judge_syn(self, s):
        """1 s, 2 s, 4 s and so on."""
        gap, want = s.time - self.last_sent, float(1 << (self.syns - 2))
        off = abs(gap - min(want, CEILING)) > 0.1 * want + 0.01
        if (self.heard is None or self.heard < self.last_sent) and off:
            self.c.fault('timeout', s.time, f'the SYN again after {gap:.3f} s, not {want:.3f}')

    def judge_timeout(self, s):
        """Of the same segment each is twice the one before."""
        self.head.append(s.time)
        if len(self.head) < 3:
            return
        first, second = self.head[-2] - self.head[-3], self.head[-1] - self.head[-2]
        off = self.c.limits.timers
        if second < 2 * first * (1 - off) and second < CEILING or second > 2 * first * (1 + off):
            self.c.fault('timeout', s.time, f'after {second:.3f} s, and {first:.3f} s before')
