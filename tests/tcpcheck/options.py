# SPDX-License-Identifier: BSD-2-Clause
"""Rules of options: RFC 9293, 3.7.1 (MSS); RFC 7323 (scale, timestamps); RFC 2018 (SACK)."""
from .capture import ACK, RST, SYN

HALF = 1 << 31


def later(a, b):
    """Is the timestamp a after b?"""
    return 0 < (a - b) % (2 * HALF) < HALF


class Options:
    """The options of the end's segments."""

    def __init__(self, c):
        self.c = c
        self.recent = None  # RFC 7323, 4.3: TS.Recent
        self.before = None  # the one before, while the end may not have seen the new one
        self.acked = 0      # Last.ACK.sent
        self.next = 1
        self.stamp = None

    def until(self, now):
        """Time alone breaks none of these rules."""

    def came(self, s):
        """The stamp of a segment that begins at or before what was last acknowledged, and reaches
        it: one that came before is not in the window (RFC 7323, 5.3)."""
        if s.stamp is None:
            return
        number = self.c.peers.number(s.seq, self.acked)
        here = number <= self.acked <= number + s.span
        if self.recent is None or here and not later(self.recent, s.stamp):
            if self.recent != s.stamp:
                self.before = self.recent
            self.recent = s.stamp

    def sent(self, s):
        """A segment of the end."""
        if s.flags & SYN:
            self.judge_syn(s)
        elif s.mss is not None or s.scale is not None or s.sack_ok:
            self.c.fault('option of a SYN', s.time, 'in a segment without SYN')
        self.judge_stamps(s)
        if s.flags & ACK and self.c.peers.first is not None:
            self.acked = max(self.acked, self.c.peers.number(s.ack, self.acked))

    def judge_syn(self, s):
        """All that the end knows, but in an answer no more than the peer offered."""
        c, offered = self.c, self.c.peers
        answers = bool(s.flags & ACK)
        for name, has, asked in (('MSS', s.mss is not None, True),
                                 ('SACK permitted', s.sack_ok, offered.sack_ok),
                                 ('window scale', s.scale is not None, offered.scale is not None),
                                 ('timestamps', s.stamp is not None, offered.stamped)):
            if not has and (asked or not answers):
                c.fault('option is missing', s.time, f'{name} in a SYN')
            elif has and answers and not asked:
                c.fault('option was not offered', s.time, f'{name} in an answer')
        if s.scale is not None and s.scale > 14:
            c.fault('option is wrong', s.time, f'a window scale of {s.scale}')

    def judge_stamps(self, s):
        """RFC 7323, 3.2: in each segment once both SYNs had them; echoes of TS.Recent."""
        c = self.c
        if s.flags & (SYN | RST):
            self.stamp = s.stamp
            return
        if not c.both('stamped'):
            if s.stamp is not None:
                c.fault('timestamps were not agreed', s.time, 'in a segment')
            return
        if s.stamp is None:
            c.fault('timestamps are missing', s.time, 'in a segment')
            return
        if self.stamp is not None and later(self.stamp, s.stamp):
            c.fault('timestamps go back', s.time, f'{s.stamp} after {self.stamp}')
        self.stamp = s.stamp
        if s.echo not in (self.recent, self.before if c.limits.race else self.recent):
            c.fault('wrong echo', s.time, f'{s.echo}, not {self.recent}')
