# SPDX-License-Identifier: BSD-2-Clause
"""The vhost-user protocol, back-end side: the requests of QEMU to a device in another process
(QEMU's docs/interop/vhost-user.rst). One thread serves QEMU's socket, the queues' notifications,
and the functions that a test passes to do().
"""
import array
import collections
import heapq
import itertools
import os
import select
import socket
import struct
import tempfile
import threading
import time

from vhost.queue import RING_PACKED, Ring
from vhost.ring import Memory, Region

VERSION_1, PROTOCOL_FEATURES = 32, 30            # feature bits
REPLY_ACK, NET_MTU, OWN_REQUESTS, CONFIG = 3, 4, 5, 9     # protocol feature bits
REPLY, NEED_REPLY = 4, 8                         # flags of a message
NO_FD = 0x100                                    # of SET_VRING_KICK, _CALL and _ERR

(GET_FEATURES, SET_FEATURES, SET_OWNER, RESET_OWNER, SET_MEM_TABLE, SET_LOG_BASE, SET_LOG_FD,
 SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE, SET_VRING_KICK, SET_VRING_CALL,
 SET_VRING_ERR, GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES, GET_QUEUE_NUM,
 SET_VRING_ENABLE) = range(1, 19)
SET_MTU, SET_OWN_REQUESTS, GET_CONFIG = 20, 21, 24
CONFIG_CHANGED = 2                               # a request of our own


class Device:
    """The base of devices. The back-end sets `backend`, and calls the functions in its thread."""
    queues = 1
    features = ()                # feature bits of the device type
    has_config = True            # QEMU asks for the configuration space; False: QEMU has its own
    backend = None

    def config(self):
        """The whole configuration space."""
        return b''

    def kicked(self, ring):
        """The driver has made buffers available."""

    def started(self, ring):
        """The driver has set the queue up."""

    def stopped(self, ring):
        """The queue is gone: a reset, or the machine's end."""

    def reset(self):
        """The driver has reset the device, or the machine has stopped: all queues are gone."""


class Backend:
    """Serves one QEMU. `path` is the socket for its chardev. close() ends the thread, and raises
    the exception that ended it before, if any."""

    def __init__(self, device, event_idx=True, indirect=True, packed=False):
        bits = [VERSION_1, PROTOCOL_FEATURES, *device.features]
        bits += [29] * event_idx + [28] * indirect + [RING_PACKED] * packed
        self.offered = sum(1 << bit for bit in bits)
        self.accepted = 0
        self.device = device
        device.backend = self
        self.rings = [Ring(i) for i in range(device.queues)]
        self.memory = None
        self.error = None
        self.acks = False
        self._places = {}
        self._directory = tempfile.TemporaryDirectory(prefix='vh-')
        self.path = os.path.join(self._directory.name, 's')
        self._listener = self._peer = self._own = None
        self._listen()
        self._todo = collections.deque()
        self._later = []                 # heap of (when, number, function)
        self._numbers = itertools.count()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)
        self._ending = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def do(self, function):
        """Calls the function in the back-end's thread, soon."""
        self._todo.append(function)
        os.eventfd_write(self._wake, 1)

    def after(self, seconds, function):
        """Calls the function after some seconds. To be called in the back-end's thread only."""
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), function))

    def config_changed(self):
        """Tells QEMU to read the configuration again. Only for the back-end's thread."""
        if self._own:
            self._own.sendall(struct.pack('<III', CONFIG_CHANGED, 1, 0))

    def vanish(self, seconds, keep=True):
        """Ends the connection, as if the process died, and listens again after `seconds`. QEMU
        needs reconnect=1. keep: the device remembers its position in the queues; otherwise QEMU
        tells it. To be called in the back-end's thread only."""
        if self._peer is None:
            return
        places = {ring: ring.part.place() for ring in self.rings if ring.part}
        self._listener.close()
        self._listener = None
        os.unlink(self.path)
        self._hang_up()
        if keep:
            self._places = places
        self.after(seconds, self._listen)

    def close(self):
        self.shut()
        if self.error:
            raise self.error

    def shut(self):
        """Like close(), but leaves the exception in `error`."""
        self._ending = True
        os.eventfd_write(self._wake, 1)
        self._thread.join(10)
        self._stop_all()
        for s in (self._listener, self._peer, self._own):
            if s:
                s.close()
        os.close(self._wake)
        self._directory.cleanup()

    # ---- the thread ----

    def _listen(self):
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(1)

    def _serve(self):
        try:
            while not self._ending:
                self._turn()
        except Exception as e:           # close() raises it
            self.error = e
            if self._peer:
                self._peer.close()       # so that QEMU notices
                self._peer = None

    def _turn(self):
        kicks = {r.kick: r for r in self.rings if r.kick is not None}
        peer = self._peer or self._listener
        poller = select.poll()
        for fd in [self._wake, *([peer.fileno()] if peer else []), *kicks]:
            poller.register(fd, select.POLLIN)
        for fd, _ in poller.poll(self._patience()):
            if fd == self._wake:
                os.eventfd_read(fd)
                while self._todo:
                    self._todo.popleft()()
            elif fd in kicks and kicks[fd].kick == fd:
                self._kick(kicks[fd])
            elif peer and peer is self._peer and fd == peer.fileno():
                self._message()
            elif peer and peer is self._listener and self._peer is None:
                self._peer = peer.accept()[0]
        while self._later and self._later[0][0] <= time.monotonic():
            heapq.heappop(self._later)[2]()

    def _patience(self):
        """Milliseconds until the next function of after() is due, or None."""
        if not self._later:
            return None
        return max(0, (self._later[0][0] - time.monotonic()) * 1000)

    def _kick(self, ring):
        try:
            os.read(ring.kick, 8)
        except (BlockingIOError, TypeError):     # another turn read it, or it was taken back
            pass
        if ring.running():
            self.device.kicked(ring)

    def interrupt(self, ring):
        """Publishes the pushed buffers, and interrupts the driver if it asked for that."""
        if ring.publish() and ring.call is not None:
            os.eventfd_write(ring.call, 1)

    # ---- messages ----

    def _receive(self, length):
        data, fds = b'', array.array('i')
        while len(data) < length:
            more, ancillary, _, _ = self._peer.recvmsg(length - len(data), socket.CMSG_SPACE(8 * 4))
            if not more:
                return None, []
            data += more
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(content[:len(content) // 4 * 4])
        return data, list(fds)

    def _message(self):
        head, fds = self._receive(12)
        if head is None:
            self._hang_up()
            return
        request, flags, size = struct.unpack('<III', head)
        body, more = self._receive(size) if size else (b'', [])
        handler = self.HANDLERS.get(request)
        if handler is None:
            raise NotImplementedError(f'vhost-user request {request} of QEMU')
        answer = handler(self, body, fds + more)
        if answer is None and flags & NEED_REPLY and self.acks:
            answer = struct.pack('<Q', 0)
        if answer is not None:
            self._peer.sendall(struct.pack('<III', request, 1 | REPLY, len(answer)) + answer)

    def _hang_up(self):
        """QEMU has ended, or this process pretends to die."""
        self._stop_all()
        for s in (self._peer, self._own):
            if s:
                s.close()
        self._peer = self._own = None

    def _stop_all(self):
        for ring in self.rings:
            self._stop(ring)
            for fd in (ring.kick, ring.call):
                if fd is not None:
                    os.close(fd)
            ring.kick = ring.call = ring.addresses = None
            ring.enabled = False
        if self.memory:
            self.memory.close()
            self.memory = None

    def _stop(self, ring):
        if ring.memory is not None:
            self.device.stopped(ring)
            ring.stop()

    def _start_if_ready(self, ring):
        if ring.memory is None and ring.addresses and ring.kick is not None and self.memory:
            ring.start(self.memory, self.accepted)
            self._resume(ring)
            self.device.started(ring)

    def _resume(self, ring):
        """After vanish(): goes on at the old position, if the queue is still the same."""
        place = self._places.pop(ring, None)
        if place and ring.part.was_at(place):
            ring.base = place[0]
            ring.start(self.memory, self.accepted)

    def _nothing(self, body, fds):
        for fd in fds:
            os.close(fd)

    def _get_features(self, body, fds):
        return struct.pack('<Q', self.offered)

    def _set_features(self, body, fds):
        self.accepted, = struct.unpack('<Q', body)

    def _get_protocol_features(self, body, fds):
        bits = [REPLY_ACK, NET_MTU, OWN_REQUESTS] + [CONFIG] * self.device.has_config
        return struct.pack('<Q', sum(1 << bit for bit in bits))

    def _set_protocol_features(self, body, fds):
        self.acks = bool(struct.unpack('<Q', body)[0] >> REPLY_ACK & 1)

    def _get_queue_num(self, body, fds):
        return struct.pack('<Q', len(self.rings))

    def _set_mem_table(self, body, fds):
        count, _ = struct.unpack_from('<II', body)
        regions = []
        for i in range(count):
            guest, size, user, offset = struct.unpack_from('<QQQQ', body, 8 + 32 * i)
            regions.append(Region(guest, size, user, offset, fds[i]))
            os.close(fds[i])
        old, self.memory = self.memory, Memory(regions)
        for ring in self.rings:
            if ring.memory is not None:
                ring.base = ring.part.base()
                ring.start(self.memory, self.accepted)
        if old:
            old.close()

    def _set_vring_num(self, body, fds):
        index, num = struct.unpack('<II', body)
        self.rings[index].size = num

    def _set_vring_base(self, body, fds):
        index, base = struct.unpack('<II', body)
        self.rings[index].base = base

    def _get_vring_base(self, body, fds):
        ring = self.rings[struct.unpack_from('<I', body)[0]]
        self._stop(ring)
        for fd in (ring.kick, ring.call):
            if fd is not None:
                os.close(fd)
        ring.kick = ring.call = ring.addresses = None
        ring.enabled = False
        self._places.pop(ring, None)
        if not any(r.memory for r in self.rings):
            self.device.reset()
        return struct.pack('<II', ring.index, ring.base)

    def _set_vring_addr(self, body, fds):
        index, _, desc, used, avail, _ = struct.unpack('<IIQQQQ', body)
        self.rings[index].addresses = desc, avail, used
        self._start_if_ready(self.rings[index])

    def _fd_of(self, name, body, fds):
        what, = struct.unpack('<Q', body)
        ring = self.rings[what & 0xff]
        old = getattr(ring, name)
        if old is not None:
            os.close(old)
        setattr(ring, name, None if what & NO_FD else fds[0])
        return ring

    def _set_vring_kick(self, body, fds):
        ring = self._fd_of('kick', body, fds)
        self._start_if_ready(ring)
        if not self.accepted >> PROTOCOL_FEATURES & 1:
            self._enable(ring)

    def _set_vring_call(self, body, fds):
        self._fd_of('call', body, fds)

    def _set_vring_enable(self, body, fds):
        index, on = struct.unpack('<II', body)
        if on:
            self._enable(self.rings[index])
        else:
            self.rings[index].enabled = False

    def _enable(self, ring):
        ring.enabled = True
        if ring.running():
            self.device.kicked(ring)     # what was made available before

    def _get_config(self, body, fds):
        offset, size, flags = struct.unpack_from('<III', body)
        return struct.pack('<III', offset, size, flags) + \
            self.device.config()[offset:offset + size].ljust(size, b'\0')

    def _set_own_requests(self, body, fds):
        if self._own:
            self._own.close()
        self._own = socket.socket(fileno=fds[0])

    HANDLERS = {
        GET_FEATURES: _get_features, SET_FEATURES: _set_features, SET_OWNER: _nothing,
        RESET_OWNER: _nothing, SET_MEM_TABLE: _set_mem_table, SET_VRING_NUM: _set_vring_num,
        SET_VRING_ADDR: _set_vring_addr, SET_VRING_BASE: _set_vring_base,
        GET_VRING_BASE: _get_vring_base, SET_VRING_KICK: _set_vring_kick,
        SET_VRING_CALL: _set_vring_call, SET_VRING_ERR: _nothing,
        GET_PROTOCOL_FEATURES: _get_protocol_features,
        SET_PROTOCOL_FEATURES: _set_protocol_features, GET_QUEUE_NUM: _get_queue_num,
        SET_VRING_ENABLE: _set_vring_enable, GET_CONFIG: _get_config, SET_MTU: _nothing,
        SET_OWN_REQUESTS: _set_own_requests,
    }
