# SPDX-License-Identifier: BSD-2-Clause
"""Rules of an end's acknowledgements (RFC 9293, 3.8.6.3; RFC 5681, 4.2; RFC 2018; RFC 2883)."""
from .capture import ACK, FIN, RST, SYN
from .ranges import Ranges

LONGEST = 0.5  # seconds that an acknowledgement may wait


class Receiver:
    """What came, and what the end has said of it."""

    def __init__(self, c):
        self.c = c
        self.have = Ranges()   # beyond next
        self.next = 1          # all below came
        self.edge = 0          # of the window that was advertised
        self.acked = 1         # what the end has acknowledged
        self.due = []          # (time, acknowledgement, rule)
        self.asked = 0         # segments since the last one sent that ask for an answer
        self.last = None       # (ack, window, blocks) of the last one sent
        self.latest = None     # the range that came last, out of order
        self.twice = []        # ranges that came again
        self.largest = 0       # data of a segment
        self.widest = 0        # the largest window
        self.beyond = 0        # the end of what came, behind the window too
        self.fin = None        # the number of the peer's FIN
        self.mine = None       # the end's next number; a keep-alive probe has one before it

    def until(self, now):
        """Acknowledgements whose time has passed."""
        for time, ack, rule in self.due:
            if time < now and self.acked < ack or time < now and rule != 'late ACK':
                self.c.fault(rule, time, f'{ack} is not acknowledged in time')
        self.due = [d for d in self.due if d[0] >= now]

    # ---- what comes ------------------------------------------------------------------------------

    def came(self, s):
        """A segment of the peer."""
        c = self.c
        if s.flags & RST:
            self.due = []
            return
        number = c.peers.number(s.seq, self.next)
        end = number + s.span
        if s.span or number != self.next:
            self.asked += 1
        if not s.span or s.flags & SYN or number > self.edge:
            return
        self.beyond = max(self.beyond, end)
        end = min(end, self.edge + bool(s.flags & FIN))
        if end <= number:
            return
        if s.flags & FIN:
            self.fin = end - 1
        self.largest = max(self.largest, s.len)
        self.take(s, number, end)

    def take(self, s, number, end):
        """Data, in order or not."""
        at_once = s.time + self.c.limits.slack
        held = bool(self.have.pairs)
        if end <= self.next or self.have.covers(number, end):
            self.twice.append((number, end))
            self.due.append((at_once, self.next, 'duplicate without ACK'))
        elif number > self.next:
            self.latest = (number, end)
            self.due.append((at_once, self.next, 'out of order without ACK'))
        self.have.add(number, end)
        self.have.cut_below(self.next)
        if self.have.pairs and self.have.pairs[0][0] <= self.next < self.have.pairs[0][1]:
            self.next = self.have.pairs[0][1]
            self.have.cut_below(self.next)
            if held:
                self.due.append((at_once, self.next, 'hole filled without ACK'))
            self.second(s, at_once)
        if self.latest and self.latest[1] <= self.next:
            self.latest = None

    def second(self, s, at_once):
        """In order: every second full segment at once, anything within half a second."""
        waiting = self.next - self.acked
        if s.len and waiting >= 2 * self.largest and self.largest >= 536:
            self.due.append((at_once, self.next, 'second segment without ACK'))
        elif s.flags & FIN:
            self.due.append((at_once, self.next, 'FIN without ACK'))
        else:
            self.due.append((s.time + LONGEST, self.next, 'late ACK'))

    # ---- what is sent ----------------------------------------------------------------------------

    def sent(self, s):
        """Each segment with ACK says what came."""
        c = self.c
        if not s.flags & ACK or s.flags & RST or c.peers.first is None:
            return
        ack = c.peers.number(s.ack, self.next)
        window = c.window(s, c.mine)
        if self.edge <= self.next < ack <= self.beyond:
            self.next = ack    # a probe behind the window that was taken all the same
        if ack > self.next:
            c.fault('ACK of what did not come', s.time, f'{ack}, and {self.next} came')
        self.judge_edge(s, ack, window)
        self.judge_blocks(s, ack)
        now = (ack, window, tuple(s.blocks))
        if not s.span and self.last and s.seq == self.mine:
            self.judge_need(s, now)
        self.mine = (s.seq + s.span) % (1 << 32)
        race = c.limits.race
        if ack == self.next or not race:
            self.due = [d for d in self.due if d[1] > ack]
            self.asked = 0
        self.acked = max(self.acked, ack)
        self.last = now

    def judge_edge(self, s, ack, window):
        """RFC 9293, 3.8.6: the right edge of the window does not go back."""
        grain = 1 << (self.c.mine.scale or 0)
        if ack + window <= self.edge - grain:
            self.c.fault('window shrinks', s.time, f'by {self.edge - ack - window} bytes')
        self.edge = max(self.edge, ack + window)
        self.widest = max(self.widest, window)

    def judge_need(self, s, now):
        """A segment of nothing but an acknowledgement says something new."""
        if self.asked:
            return
        opened = now[0] + now[1] - self.last[0] - self.last[1]
        if now[0] == self.last[0] and opened <= 0:
            self.c.fault('ACK that carries nothing', s.time, f'of {now[0]} again')
        elif now[0] == self.last[0] and opened < min(self.largest or 536, self.widest // 2):
            self.c.fault('silly window update', s.time, f'by {opened} bytes')

    # ---- SACK ------------------------------------------------------------------------------------

    def judge_blocks(self, s, ack):
        """RFC 2018, 4: the latest first, all of what is held; RFC 2883: a duplicate before them."""
        c = self.c
        if s.blocks and not c.both('sack_ok'):
            c.fault('SACK that was not permitted', s.time, f'{len(s.blocks)} blocks')
            return
        blocks = [(c.peers.number(a, self.next), c.peers.number(b, self.next))
                  for a, b in s.blocks]
        held = self.have.pairs
        if blocks and self.is_duplicate(blocks, ack):
            if not any(a <= blocks[0][0] and blocks[0][1] <= b for a, b in self.twice):
                c.fault('SACK of a duplicate that did not come', s.time, f'{blocks[0]}')
            blocks = blocks[1:]
        for block in blocks:
            if block[0] <= ack or self.have.around(*block) is None:
                c.fault('SACK of what did not come', s.time, f'{block}, and {held} is held')
        if c.limits.race:
            return
        if held and c.both('sack_ok') and not blocks and not s.span:
            c.fault('SACK is missing', s.time, f'{held} is held')
        if blocks and self.latest and blocks[0] not in self.first_blocks():
            c.fault('SACK begins with another block', s.time, f'{blocks[0]}, not {self.latest}')

    def first_blocks(self):
        """What the first block may be: with a FIN, and without, since that is no data."""
        first, end = self.have.around(*self.latest)
        return (first, end), (first, end - (end - 1 == self.fin))

    def is_duplicate(self, blocks, ack):
        """Is the first block one of RFC 2883?"""
        first = blocks[0]
        return first[1] <= ack or any(a <= first[0] and first[1] <= b for a, b in blocks[1:2])
