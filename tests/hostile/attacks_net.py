# SPDX-License-Identifier: BSD-2-Clause
"""Attacks of a network card: headers, malformed frames, floods, and false configuration (virtio
1.4, section 5.1).
"""
from hostile.attack import RX, Attack, Entry, Lasting
from hostile.attacks_queue import Late
from hostile.card import HASH, HEADER, MTU_F
from wire import GUEST_MAC, OUR_MAC

FLOOD = 64               # frames at a time


class OfCard(Attack):
    targets = (RX,)


# ---- headers -------------------------------------------------------------------------------------

class Header(Lasting):
    """All frames have a header of ones."""
    name = 'header-ones'
    targets = (RX,)
    fields = (0xff, 0xff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff)

    def start(self):
        super().start()
        card, right = self.device, self.device.deliver
        self.right = right
        card.deliver = card.station.send = self.lie

    def lie(self, frame):
        self.struck()
        self.right(frame, HEADER.pack(*self.fields))

    def end(self):
        self.device.deliver = self.device.station.send = self.right
        super().end()


class BuffersNone(Header):
    """num_buffers 0."""
    name = 'header-no-buffers'
    fields = (0, 0, 0, 0, 0, 0, 0)


class BuffersMany(Header):
    """num_buffers 65535."""
    name = 'header-many-buffers'
    fields = (0, 0, 0, 0, 0, 0, 65535)


class ChecksumWild(Header):
    """NEEDS_CSUM, with a checksum field far behind the end of the frame."""
    name = 'header-csum-wild'
    fields = (1, 0, 0, 0, 0xfff0, 0xfff0, 1)


class SegmentsWild(Header):
    """A TCP frame to be segmented: segments of 0 bytes, headers of 65535."""
    name = 'header-gso-wild'
    fields = (1, 1, 0xffff, 0, 34, 16, 1)


class SegmentsEmpty(Header):
    """A TCP frame that was joined, of segments of 0 bytes, with its sum checked."""
    name = 'header-gso-empty'
    fields = (2, 1, 54, 0, 0, 0, 1)


class SegmentsOther(Header):
    """A frame that was joined in a way that the driver never accepted."""
    name = 'header-gso-other'
    fields = (1, 5, 42, 1000, 34, 6, 1)


class BuffersTwo(Header):
    """num_buffers 2, for frames of one buffer."""
    name = 'header-two-buffers'
    fields = (0, 0, 0, 0, 0, 0, 2)


class HashWild(Header):
    """Hashes of types that nobody asked for, or that are none."""
    name = 'header-hash-wild'
    properties = 'hash=on'

    def lie(self, frame):
        self.struck()
        self.right(frame, HEADER.pack(0, 0, 0, 0, 0, 0, 1) + self.dice.randbytes(HASH))


# ---- frames --------------------------------------------------------------------------------------

class FrameRunt(Entry):
    """A used length one byte shorter than the header."""
    name = 'frame-no-header'
    targets = (RX,)
    strikes = 20
    size = HEADER.size - 1

    def say(self, ring, chain, length):
        ring.push(chain, self.size)


class FrameEmpty(FrameRunt):
    """A header, and no frame."""
    name = 'frame-empty'
    size = HEADER.size


class FrameShort(FrameRunt):
    """A frame of 13 bytes."""
    name = 'frame-runt'
    size = HEADER.size + 13


class FrameGiant(FrameRunt):
    """A used length of 65535 bytes: more than the buffer has."""
    name = 'frame-giant'
    size = 65535


class Flood(Lasting):
    """Frames of random bytes, as fast as there are buffers."""
    name = 'flood-garbage'
    targets = (RX,)

    def start(self):
        super().start()
        self.again()

    def again(self):
        if self.on:
            self.struck()
            for _ in range(FLOOD):
                self.device.deliver(self.frame())
            self.device.serve(self.ring)
            self.device.backend.after(0.002, self.again)

    def frame(self):
        return self.dice.randbytes(14 + self.dice.randrange(256) * 5)


class FloodIp(Flood):
    """The same, addressed to the image as IPv4, IPv6 and ARP."""
    name = 'flood-packets'

    def frame(self):
        pick = self.dice.randbytes(2)
        kind = (b'\x08\x00\x45', b'\x86\xdd\x60', b'\x08\x06\x00')[pick[0] % 3]
        return GUEST_MAC + OUR_MAC + kind + self.dice.randbytes(20 + pick[1] * 5)


class LateFrame(Late):
    """Received buffers are overwritten after they were given back."""
    name = 'late-frame'
    targets = (RX,)
    strikes = 40
    alters = True

    def scribble(self, part, chain):
        for piece in chain.writable:
            piece[:] = self.dice.randbytes(len(piece))


# ---- false configuration -------------------------------------------------------------------------

class Lie(OfCard):
    """A lie from the start."""
    at_boot = True


class MacGroup(Lie):
    """The address is a multicast one."""
    name = 'mac-group'
    properties = 'mac=01:00:5e:00:00:01'


class MtuTiny(Lie):
    """An MTU of 67 bytes."""
    name = 'mtu-tiny'
    feature = MTU_F
    properties = 'host_mtu=67'


class MtuHuge(Lie):
    """An MTU of 65535 bytes."""
    name = 'mtu-huge'
    feature = MTU_F
    properties = 'host_mtu=65535'


class FeaturesNonsense(Lie):
    """Every feature bit is offered."""
    name = 'features-nonsense'

    def prepare(self):
        backend = self.device.backend
        rings = 1 << 28 | 1 << 29 | 1 << 34 | 1 << 33
        backend.offered = (1 << 64) - 1 & ~rings | backend.offered & rings
