# SPDX-License-Identifier: BSD-2-Clause
"""A virtio socket device that is the host (virtio 1.4, section 5.10): it has services on its ports,
connects to ports of the guest, and checks every packet that the guest sends.
"""
import struct
import threading
import time

from vhost.protocol import Device
from vireolib.guest import PATIENCE

RX, TX, EVENT = 0, 1, 2
REQUEST, RESPONSE, RST, SHUTDOWN, RW, CREDIT_UPDATE, CREDIT_REQUEST = range(1, 8)
STREAM = 1
NO_RECEIVE, NO_SEND = 1, 2               # of SHUTDOWN
HOST, HEADER = 2, struct.Struct('<QQIIIHHIII')
MASK = 0xffffffff


class Lost(Exception):
    """The connection ended in a way that the caller did not ask for."""


class Connection:
    """A stream between a port of the host and one of the guest. The public methods are for the
    test's threads."""

    def __init__(self, host, host_port, guest_port, space=65536):
        self.host, self.host_port, self.guest_port = host, host_port, guest_port
        self.connected = self.ended = False
        self.reset = False               # the guest sent RST, not as the end of a shutdown
        self.guest_shut = self.own_shut = 0
        self.out = bytearray()           # data to be sent
        self.end_when_sent = 0           # flags of the SHUTDOWN that follows the data
        self.received = bytearray()
        self.space = space               # buf_alloc
        self.rx_count = self.forwarded = self.told = 0
        self.tx_count = self.guest_forwarded = self.guest_space = 0
        self.asked = False
        self.changed = threading.Condition()

    def _until(self, holds, what, timeout):
        timeout *= PATIENCE
        deadline = time.monotonic() + timeout
        with self.changed:
            while not holds():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Lost(f'no {what} within {timeout:g} s')
                self.changed.wait(left)

    def wait_answer(self, timeout=10):
        """True: connected; False: refused."""
        self._until(lambda: self.connected or self.ended, 'answer', timeout)
        return self.connected

    def sendall(self, data):
        """Queues the data, which are sent as the guest has room."""
        self.host.do(lambda: (self.out.extend(data), self.host.pump()))

    def recv(self, most, timeout=20):
        """Some bytes; none at the end of the stream."""
        self._until(lambda: self.received or self.ended or self.guest_shut & NO_SEND, 'data',
                    timeout)
        with self.changed:
            data = bytes(self.received[:most])
            del self.received[:most]
        if data:
            self.host.do(lambda: self.host.forward(self, len(data)))
        elif self.reset:
            raise Lost('reset by the guest')
        return data

    def recv_all(self, timeout=30):
        """Everything up to the end of the stream."""
        parts = []
        while part := self.recv(1 << 20, timeout):
            parts.append(part)
        return b''.join(parts)

    def recv_exactly(self, count, timeout=30):
        parts = []
        while count:
            part = self.recv(count, timeout)
            if not part:
                raise Lost(f'the stream ended {count} bytes early')
            parts.append(part)
            count -= len(part)
        return b''.join(parts)

    def shutdown(self, bits=NO_SEND):
        """Sends SHUTDOWN after the queued data."""
        def end():
            self.end_when_sent |= bits
            self.host.pump()
        self.host.do(end)

    def close(self, timeout=10):
        """Shuts both directions down, and waits for the guest's RST as the answer."""
        self.shutdown(NO_RECEIVE | NO_SEND)
        self._until(lambda: self.ended, 'reset as the answer to a shutdown', timeout)

    def abort(self):
        def end():
            self.host.send(self, RST)
            self.host.forget(self)
        self.host.do(end)


class Host(Device):
    """The device. services: {port: function(connection, event)}, called in the back-end's thread
    with event `data` or `end`; a port whose service is None never answers."""
    queues = 3
    features = (0,)

    def __init__(self, cid=3):
        self.cid = cid
        self.services = {}
        self.connections = {}
        self.pending = []                # packets for the guest
        self.violations = []
        self.counts = {}                 # packets of the guest, by op
        self.next_port = 5000
        self.held = False                # the guest's packets are left in the ring
        self.most_pending = 0

    def config(self):
        return struct.pack('<Q', self.cid)

    def do(self, function):
        self.backend.do(function)

    def connect(self, port, space=65536):
        """A connection to the guest's port, not answered yet."""
        connection = Connection(self, 0, port, space)

        def ask():
            connection.host_port = self.next_port
            self.next_port += 1
            self.connections[connection.host_port, port] = connection
            self.send(connection, REQUEST)
            self.deliver()
        self.do(ask)
        return connection

    def hold(self, on):
        """Leaves the guest's packets in the transmit ring, or takes them again."""
        def set_held():
            self.held = on
            self.take()
        self.do(set_held)

    # ---- the queues ----

    def kicked(self, ring):
        if ring.index == TX:
            self.take()
        elif ring.index == RX:
            self.deliver()

    def stopped(self, ring):
        for connection in list(self.connections.values()):
            self.forget(connection)
        self.pending.clear()

    def take(self):
        """All packets that the guest has sent."""
        ring = self.backend.rings[TX]
        while ring.running() and not self.held and (chain := ring.pop()):
            data = chain.read()
            ring.push(chain, 0)
            if chain.writable:
                self.fault('a packet with a writable part')
            self.packet(data)
        if ring.running():
            self.backend.interrupt(ring)
        self.pump()

    def deliver(self):
        ring = self.backend.rings[RX]
        while self.pending and ring.running() and (chain := ring.pop()):
            if chain.readable or chain.room() < HEADER.size + 1:
                self.fault('a receive buffer that is readable, or too short')
            packet = self.pending.pop(0)
            if len(packet) > chain.room():
                self.fault(f'a receive buffer of {chain.room()} bytes')
            ring.push(chain, chain.write(packet))
        if ring.running():
            self.backend.interrupt(ring)

    def send(self, c, op, data=b'', flags=0):
        c.told = c.forwarded
        self.raw(HEADER.pack(HOST, self.cid, c.host_port, c.guest_port, len(data), STREAM, op,
                             flags, c.space, c.forwarded & MASK) + data)

    def raw(self, packet):
        """Sends a packet unchanged, lawful or not."""
        self.pending.append(packet)
        self.most_pending = max(self.most_pending, len(self.pending))

    def pump(self):
        """Sends the data for which there is credit, and the SHUTDOWN behind them."""
        for c in list(self.connections.values()):
            while c.connected and c.out and len(self.pending) < 64:
                free = (c.guest_space - (c.tx_count - c.guest_forwarded)) & MASK
                part = bytes(c.out[:min(free, 4000)])
                if not part:
                    if not c.asked:
                        self.send(c, CREDIT_REQUEST)
                    c.asked = True
                    break
                del c.out[:len(part)]
                c.tx_count = (c.tx_count + len(part)) & MASK
                self.send(c, RW, part)
            if c.connected and not c.out and c.end_when_sent & ~c.own_shut:
                c.own_shut |= c.end_when_sent
                self.send(c, SHUTDOWN, flags=c.own_shut)
        self.deliver()

    # ---- the guest's packets ----

    def fault(self, text):
        self.violations.append(text)

    def packet(self, data):
        if len(data) < HEADER.size:
            self.fault(f'a packet of {len(data)} bytes')
            return
        src, dst, src_port, dst_port, length, kind, op, flags, space, forwarded = \
            HEADER.unpack_from(data)
        payload = data[HEADER.size:]
        self.counts[op] = self.counts.get(op, 0) + 1
        if src != self.cid or dst != HOST:
            self.fault(f'a packet from {src:#x} to {dst:#x}')
        if length != len(payload) or (payload and op != RW):
            self.fault(f'op {op}: {len(payload)} bytes of payload, and len says {length}')
        if kind != STREAM and op != RST:
            self.fault(f'op {op} of type {kind}')
        if op not in self.HANDLERS or (flags and op != SHUTDOWN):
            self.fault(f'op {op} with flags {flags:#x}')
            return
        c = self.connections.get((dst_port, src_port))
        if c is None:
            self.stranger(op, src_port, dst_port, space, forwarded)
            return
        if op != RST and (c.tx_count - forwarded) & MASK > c.tx_count - c.guest_forwarded & MASK:
            self.fault(f'fwd_cnt {forwarded} of {c.tx_count} bytes')
        c.guest_forwarded, c.guest_space, c.asked = forwarded, space, False
        self.HANDLERS[op](self, c, payload, flags)
        with c.changed:
            c.changed.notify_all()

    def stranger(self, op, guest_port, host_port, space, forwarded):
        """A packet for no connection: perhaps the request for one."""
        if op == RST:
            return
        c = Connection(self, host_port, guest_port)
        if op == REQUEST and host_port in self.services:
            if self.services[host_port] is None:
                return
            c.connected = True
            c.guest_space, c.guest_forwarded = space, forwarded
            self.connections[host_port, guest_port] = c
            self.send(c, RESPONSE)
            self.services[host_port](c, 'start')
        else:
            self.send(c, RST)

    def forget(self, c):
        self.connections.pop((c.host_port, c.guest_port), None)
        with c.changed:
            c.ended = True
            c.changed.notify_all()

    def forward(self, c, count):
        """The application has taken that many bytes: the guest may send more."""
        c.forwarded = (c.forwarded + count) & MASK
        if not c.ended and (c.forwarded - c.told) & MASK >= c.space // 2:
            self.send(c, CREDIT_UPDATE)
            self.deliver()

    def _response(self, c, payload, flags):
        if c.connected:
            self.fault('a second RESPONSE')
        c.connected = True

    def _reset(self, c, payload, flags):
        c.reset = c.own_shut != NO_RECEIVE | NO_SEND
        self.forget(c)

    def _shutdown(self, c, payload, flags):
        if flags & ~3 or not flags:
            self.fault(f'SHUTDOWN with flags {flags:#x}')
        c.guest_shut |= flags
        if c.guest_shut == NO_RECEIVE | NO_SEND:
            self.send(c, RST)
            self.forget(c)
        elif service := self.services.get(c.host_port):
            service(c, 'end')

    def _data(self, c, payload, flags):
        c.rx_count = (c.rx_count + len(payload)) & MASK
        if (c.rx_count - c.forwarded) & MASK > c.space:
            self.fault(f'{len(payload)} bytes beyond the credit')
        if not c.connected or c.guest_shut & NO_SEND or not payload:
            self.fault('data that may not be sent')
        with c.changed:
            c.received += payload
        if service := self.services.get(c.host_port):
            service(c, 'data')

    def _update(self, c, payload, flags):
        pass

    def _asked(self, c, payload, flags):
        self.send(c, CREDIT_UPDATE)

    def _again(self, c, payload, flags):
        self.fault('a REQUEST for a connection that exists')

    HANDLERS = {REQUEST: _again, RESPONSE: _response, RST: _reset, SHUTDOWN: _shutdown, RW: _data,
                CREDIT_UPDATE: _update, CREDIT_REQUEST: _asked}


# ---- services ----

def echo(c, event):
    """A service that sends the data back, and ends when the guest does."""
    data = bytes(c.received)
    c.received.clear()
    c.out += data
    c.host.forward(c, len(data))
    if event == 'end':
        c.end_when_sent |= NO_SEND


def source(count):
    """A service that sends that many bytes, and ends."""
    def start(c, event):
        if event == 'start':
            c.out += bytes(i & 0xff for i in range(count))
            c.end_when_sent |= NO_SEND
    return start
