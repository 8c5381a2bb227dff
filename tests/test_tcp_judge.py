# SPDX-License-Identifier: BSD-2-Clause
"""tests/tcpcheck/: each rule finds a capture that breaks it, and nothing in one that keeps it."""
import struct

import pytest

from tcpcheck import capture
from tcpcheck.capture import ACK, FIN, SYN, Segment
from tcpcheck.judge import Limits, judge

US, PEER = (b'\x0a\0\0\1', 80), (b'\x0a\0\0\2', 5000)
FIRST, THEIRS = 0xffffff00, 77  # the numbers of the SYNs: ours wrap soon
MSS = 1448
RTT = 0.01


class Talk:
    """A connection that `us` opened, as a list of segments; numbers count from the SYNs."""

    def __init__(self, syn=True, **options):
        self.now = 0.0
        self.segments = []
        self.una = self.next = self.edge = 0
        self.offer = {'mss': 1460, 'scale': 7, 'sack_ok': True, 'stamp': 1, **options}
        if syn:
            self.handshake()

    def handshake(self):
        """SYN, SYN and ACK, ACK."""
        self.out(0, flags=SYN, ack=0, echo=0, **self.offer)
        self.wait(RTT)
        self.came(0, flags=SYN | ACK, ack=1, mss=1460, scale=7, sack_ok=True, stamp=9, echo=1)
        self.out(1)

    def wait(self, seconds):
        """Time passes."""
        self.now += seconds

    def out(self, seq, len=0, flags=ACK, ack=1, window=512, stamp=1, echo=9, **more):
        """We send."""
        self.segments.append(Segment(self.now, US, PEER, (FIRST + seq) % (1 << 32),
                                     (THEIRS + ack) % (1 << 32) if flags & ACK else 0, flags,
                                     window, len, stamp=stamp, echo=echo, **more))

    def came(self, seq, len=0, flags=ACK, ack=1, window=65535, stamp=9, echo=1, **more):
        """The peer's comes."""
        self.segments.append(Segment(self.now, PEER, US, (THEIRS + seq) % (1 << 32),
                                     (FIRST + ack) % (1 << 32) if flags & ACK else 0, flags,
                                     window, len, stamp=stamp, echo=echo, **more))

    def blocks(self, *pairs, of=FIRST):
        """SACK blocks, as on the wire."""
        return [((of + a) % (1 << 32), (of + b) % (1 << 32)) for a, b in pairs]

    def data(self, first, count):
        """We send so many full segments."""
        for n in range(count):
            self.out(first + n * MSS, MSS)
        return first + count * MSS

    def grow(self, rounds=3):
        """Some round trips of slow start. Returns the next number and the window."""
        number, count = 1, 10
        for _ in range(rounds):
            end = self.data(number, count)
            self.wait(RTT)
            for at in range(number + 2 * MSS, end + 1, 2 * MSS):
                self.came(1, ack=at)
            number, count = end, 2 * count
        return number, count

    def rules(self, **limits):
        """The names of the broken rules."""
        return {fault.rule for fault in judge(self.segments, US[0], Limits(**limits))}


# ---- what is sent --------------------------------------------------------------------------------

def test_growth():
    """Slow start that doubles breaks nothing; one segment in five more does."""
    talk = Talk()
    number, count = talk.grow()
    talk.data(number, count)
    assert talk.rules() == set()
    talk = Talk()
    number, count = talk.grow()
    talk.data(number, count + count // 5)
    assert talk.rules() == {'window too large'}


@pytest.mark.parametrize('count, rules', [(10, set()), (11, {'initial window'})])
def test_initial_window(count, rules):
    """Ten segments before the first acknowledgement."""
    talk = Talk()
    talk.data(1, count)
    assert talk.rules() == rules


@pytest.mark.parametrize('lost, count, rules', [
    (1, 10, set()), (1, 11, {'initial window'}), (2, 1, set()), (2, 2, {'initial window'})])
def test_initial_window_after_lost_syns(lost, count, rules):
    """One segment, if more than one was lost (RFC 6928, 2)."""
    talk = Talk(syn=False)
    for n in range(lost):
        talk.out(0, flags=SYN, ack=0, echo=0, **talk.offer)
        talk.wait(1 << n)
    talk.handshake()
    talk.data(1, count)
    assert talk.rules() == rules


@pytest.mark.parametrize('length, rules', [(1448, set()), (1449, {'segment too long'})])
def test_segment_size(length, rules):
    """The peer's MSS without the options."""
    talk = Talk()
    talk.out(1, length)
    assert talk.rules() == rules


@pytest.mark.parametrize('length, rules', [(128, set()), (129, {'beyond the window'})])
def test_the_peers_window(length, rules):
    """Nothing behind its right edge."""
    talk = Talk(syn=False)
    talk.out(0, flags=SYN, ack=0, echo=0, **talk.offer)
    talk.came(0, flags=SYN | ACK, ack=1, window=128, mss=1460, scale=7, sack_ok=True, stamp=9,
              echo=1)
    talk.out(1)
    talk.out(1, length)
    assert talk.rules() == rules


def lossy(share, again=0):
    """A window with a loss, and then windows of a share of what was out."""
    talk = Talk()
    number, count = talk.grow()
    start = talk.una = number
    end = talk.data(number, count)
    talk.wait(RTT)
    for n in range(2, 6):
        talk.came(1, ack=start, blocks=talk.blocks((start + MSS, start + n * MSS)))
    talk.out(start, MSS)
    talk.wait(RTT)
    talk.came(1, ack=end)
    out = int(count * share)
    for _ in range(2 + again):
        last = talk.data(end, out)
        talk.wait(RTT)
        for at in range(end + 2 * MSS, last + 1, 2 * MSS):
            talk.came(1, ack=at)
        talk.came(1, ack=last)
        end = last
    talk.data(end, 1)
    return talk


@pytest.mark.parametrize('share, rules', [
    (0.7, set()), (0.5, set()), (1.0, {'window too large'}), (0.25, {'reduced twice'})])
def test_one_reduction(share, rules):
    """A loss makes the window 0.7 or 0.5 of itself: no more, and once."""
    assert lossy(share).rules() == rules


def test_a_reduction_that_is_undone():
    """Where the peer reports a duplicate, the window may be what it was."""
    talk = Talk()
    start, count = talk.grow()
    end = talk.data(start, count)
    talk.wait(RTT)
    talk.came(1, ack=start, blocks=talk.blocks((start + MSS, start + 5 * MSS)))
    talk.out(start, MSS)
    talk.came(1, ack=start + 5 * MSS)
    talk.came(1, ack=start + 6 * MSS, blocks=talk.blocks((start, start + MSS)))
    talk.came(1, ack=end)
    talk.data(end, count)
    assert talk.rules() == set()


def test_acknowledged_data_again():
    """It is not sent again."""
    talk = Talk()
    talk.data(1, 4)
    talk.wait(RTT)
    talk.came(1, ack=1 + 4 * MSS)
    assert talk.rules() == set()
    talk.out(1 + 2 * MSS, MSS)
    assert talk.rules() == {'acknowledged data again'}


def test_sacked_data_again():
    """Nor is what was SACKed; the hole before it is."""
    talk = Talk()
    talk.data(1, 6)
    talk.wait(RTT)
    talk.came(1, ack=1, blocks=talk.blocks((1 + MSS, 1 + 5 * MSS)))
    talk.out(1, MSS)
    assert talk.rules() == set()
    talk.out(1 + MSS, MSS)
    assert talk.rules() == {'SACKed data again'}
    assert talk.rules(race=0.1) == set()


@pytest.mark.parametrize('gaps, rules', [
    ((1, 2, 4, 8), set()), ((2.7, 6), {'timeout'}), ((1, 1), {'timeout'}), ((0.2,), {'timeout'})])
def test_timeouts_of_a_syn(gaps, rules):
    """1 s, and twice as long each time."""
    talk = Talk(syn=False)
    for gap in (0,) + gaps:
        talk.wait(gap)
        talk.out(0, flags=SYN, ack=0, echo=0, **talk.offer)
    assert talk.rules() == rules


@pytest.mark.parametrize('gaps, rules', [
    ((0.2, 0.4, 0.8, 1.6), set()), ((0.25, 0.21, 0.42), set()), ((0.2, 0.2, 0.2, 0.2), {'timeout'}),
    ((0.3, 0.6, 3.6), {'timeout'})])
def test_timeouts_of_data(gaps, rules):
    """Twice as long each time; a probe of the tail may come before."""
    talk = Talk()
    talk.data(1, 1)
    for gap in gaps:
        talk.wait(gap)
        talk.out(1, MSS)
    assert talk.rules() == rules


@pytest.mark.parametrize('count, rules', [(10, set()), (30, {'window too large'})])
def test_restart(count, rules):
    """After a rest the window is the first one again."""
    talk = Talk()
    number, _ = talk.grow()
    talk.wait(10)
    talk.data(number, count)
    assert talk.rules() == rules


# ---- acknowledgements ----------------------------------------------------------------------------

def test_every_second_segment():
    """At once; one alone within half a second."""
    talk = Talk()
    for n in range(4):
        talk.came(1 + n * MSS, MSS)
        if n % 2:
            talk.out(1, ack=1 + (n + 1) * MSS)
    talk.came(1 + 4 * MSS, MSS)
    talk.wait(0.2)
    talk.out(1, ack=1 + 5 * MSS)
    talk.wait(1)
    talk.came(1 + 5 * MSS, 10)
    talk.out(1, ack=11 + 5 * MSS)
    assert talk.rules() == set()


def test_second_segment_late():
    """Three segments and no acknowledgement."""
    talk = Talk()
    for n in range(3):
        talk.came(1 + n * MSS, MSS)
    talk.wait(0.05)
    talk.out(1, ack=1 + 3 * MSS)
    assert talk.rules() == {'second segment without ACK'}
    assert talk.rules(slack=0.1) == set()


def test_late():
    """A segment that waits for longer than half a second."""
    talk = Talk()
    talk.came(1, 100)
    talk.wait(0.6)
    talk.out(1, ack=101)
    assert talk.rules() == {'late ACK'}


def out_of_order(first, second):
    """A segment is missing, and comes; the delays before each acknowledgement."""
    talk = Talk()
    talk.came(1 + MSS, MSS)
    talk.wait(first)
    talk.out(1, blocks=talk.blocks((1 + MSS, 1 + 2 * MSS), of=THEIRS))
    talk.wait(RTT)
    talk.came(1, MSS)
    talk.wait(second)
    talk.out(1, ack=1 + 2 * MSS)
    return talk


def test_out_of_order():
    """At once, and at once when the hole is filled."""
    assert out_of_order(0, 0).rules() == set()
    assert out_of_order(0.05, 0).rules() == {'out of order without ACK'}
    assert 'hole filled without ACK' in out_of_order(0, 0.05).rules()


def test_duplicate():
    """A segment that came before is acknowledged at once."""
    talk = Talk()
    talk.came(1, 100)
    talk.out(1, ack=101)
    talk.came(1, 100)
    talk.out(1, ack=101, blocks=talk.blocks((1, 101), of=THEIRS))
    assert talk.rules() == set()
    talk.came(1, 100)
    talk.wait(0.1)
    talk.came(101, 100)
    assert talk.rules() == {'duplicate without ACK'}


def test_carries_nothing():
    """A second acknowledgement of the same."""
    talk = Talk()
    talk.came(1, 100)
    talk.out(1, ack=101)
    talk.wait(0.1)
    talk.out(1, ack=101)
    assert talk.rules() == {'ACK that carries nothing'}


@pytest.mark.parametrize('window, rules', [(524, set()), (513, {'silly window update'})])
def test_window_updates(window, rules):
    """By a segment or more."""
    talk = Talk()
    talk.came(1, MSS)
    talk.out(1, ack=1 + MSS, window=512)
    talk.out(1, ack=1 + MSS, window=window)
    assert talk.rules() == rules


def test_the_window_shrinks():
    """Its right edge goes back."""
    talk = Talk()
    talk.came(1, 1280)
    talk.out(1, ack=1281, window=502)
    assert talk.rules() == set()
    talk.came(1281, 1280)
    talk.out(1, ack=2561, window=480)
    assert talk.rules() == {'window shrinks'}


def test_what_did_not_come():
    """It is not acknowledged, nor SACKed."""
    talk = Talk()
    talk.came(1, 100)
    talk.out(1, ack=102)
    assert talk.rules() == {'ACK of what did not come'}
    talk = Talk()
    talk.came(1001, 100)
    talk.out(1, blocks=talk.blocks((1001, 1102), of=THEIRS))
    assert 'SACK of what did not come' in talk.rules()


def test_blocks():
    """There is one for what is held, with the latest first."""
    talk = Talk()
    talk.came(1001, 100)
    talk.out(1)
    assert talk.rules() == {'SACK is missing'}
    talk = Talk()
    talk.came(1001, 100)
    talk.out(1, blocks=talk.blocks((1001, 1101), of=THEIRS))
    talk.came(2001, 100)
    talk.out(1, blocks=talk.blocks((2001, 2101), (1001, 1101), of=THEIRS))
    assert talk.rules() == set()
    talk.came(3001, 100)
    talk.out(1, blocks=talk.blocks((2001, 2101), (3001, 3101), of=THEIRS))
    assert talk.rules() == {'SACK begins with another block'}


def test_duplicate_block():
    """RFC 2883: of what came twice, and of nothing else."""
    talk = Talk()
    talk.came(1, 100)
    talk.out(1, ack=101)
    talk.came(1, 100)
    talk.out(1, ack=101, blocks=talk.blocks((1, 101), of=THEIRS))
    talk.came(101, 100)
    talk.out(1, ack=201, blocks=talk.blocks((101, 201), of=THEIRS))
    assert talk.rules() == {'SACK of a duplicate that did not come'}


def test_sack_that_was_not_permitted():
    """A SYN did not have it."""
    talk = Talk(sack_ok=False)
    talk.came(1001, 100)
    talk.out(1, blocks=talk.blocks((1001, 1101), of=THEIRS))
    assert talk.rules() == {'option is missing', 'SACK that was not permitted'}


# ---- options -------------------------------------------------------------------------------------

@pytest.mark.parametrize('name, value', [('mss', None), ('scale', None), ('sack_ok', False),
                                         ('stamp', None)])
def test_options_of_a_syn(name, value):
    """All four."""
    talk = Talk(syn=False, **{name: value})
    talk.out(0, flags=SYN, ack=0, echo=0, **talk.offer)
    assert talk.rules() == {'option is missing'}


def test_options_of_an_answer():
    """Those that the peer offered."""
    for scale, rules in ((None, set()), (7, {'option was not offered'})):
        talk = Talk(syn=False)
        talk.came(0, flags=SYN, ack=0, mss=1460, sack_ok=True, echo=0)
        talk.out(0, flags=SYN | ACK, mss=1460, scale=scale, sack_ok=True)
        assert talk.rules() == rules


def test_timestamps():
    """They are in each segment, do not go back, and echo the last in order."""
    for stamp, echo, rule in ((None, None, 'timestamps are missing'), (5, 10, 'timestamps go back'),
                              (7, 8, 'wrong echo')):
        talk = Talk()
        talk.came(1, 100, stamp=10)
        talk.out(1, ack=101, stamp=6, echo=10)
        assert talk.rules() == set()
        talk.out(1, 100, ack=101, stamp=stamp, echo=echo)
        assert talk.rules() == {rule}


def test_echo_of_a_late_segment():
    """RFC 7323, 4.3: out of order, the stamp of the segment in front of the hole is echoed."""
    talk = Talk()
    talk.came(101, 100, stamp=12)
    talk.out(1, echo=9, blocks=talk.blocks((101, 201), of=THEIRS))
    assert talk.rules() == set()
    talk.came(201, 100, stamp=13)
    talk.out(1, echo=13, blocks=talk.blocks((101, 301), of=THEIRS))
    assert talk.rules() == {'wrong echo'}


def test_fin():
    """The end of the peer's stream is acknowledged at once."""
    talk = Talk()
    talk.came(1, flags=FIN | ACK)
    talk.wait(0.1)
    talk.out(1, ack=2)
    assert talk.rules() == {'FIN without ACK'}


# ---- files ---------------------------------------------------------------------------------------

@pytest.mark.parametrize('order', '<>')
@pytest.mark.parametrize('link, header', [(101, b''), (1, bytes(12) + b'\x08\0')])
def test_files(tmp_path, order, link, header):
    """Either byte order, with and without Ethernet; data that was not kept counts."""
    tcp = struct.pack('>2H2I2BH4x', 80, 5000, 7, 8, 8 << 4, SYN | ACK, 9) + bytes.fromhex(
        '020405b4 0103030a 0402 0101'.replace(' ', ''))
    ip = struct.pack('>2xH4x2BH', 20 + len(tcp) + 1000, 64, 6, 0) + US[0] + PEER[0]
    frame = header + b'\x45' + ip[1:] + tcp
    path = tmp_path / 'x.pcap'
    path.write_bytes(struct.pack(order + 'I2H4I', 0xa1b2c3d4, 2, 4, 0, 0, 128, link) +
                     struct.pack(order + '4I', 3, 500000, len(frame), len(frame) + 1000) + frame)
    s, = capture.read(path)
    assert (s.time, s.src, s.dst, s.seq, s.ack) == (3.5, US, PEER, 7, 8)
    assert (s.window, s.len, s.mss, s.scale, s.sack_ok) == (9, 1000, 1460, 10, True)
    with pytest.raises(ValueError):
        path.write_bytes(b'x' * 100)
        capture.read(path)
