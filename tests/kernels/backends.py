# SPDX-License-Identifier: BSD-2-Clause
"""vhost-user back-ends for kernels/vhost-user: a disk and a card of our own, and Debian's
qemu-storage-daemon.
"""
import os
import struct
import subprocess

from hostile.card import HEADER, RX, TX, Card
from hostile.disk import SECTOR, Disk
from vireolib.guest import PATIENCE

import boards

ROUTER = bytes.fromhex('52550a000202')
ARP, IPV4 = 0x0806, 0x0800


class EmptyDisk(Disk):
    """1 MiB of zeros. With `dies`: the back-end ends the connection at that request."""

    def __init__(self, dies=None):
        super().__init__()
        self.durable = bytearray(1 << 20)
        self.capacity = len(self.durable) // SECTOR
        self.id = boards.SERIAL.encode()
        self.dies = dies

    def request(self, *about):
        if self.dies is not None:
            self.dies -= 1
            if self.dies == 0:
                self.backend.do(lambda: self.backend.vanish(3600))
        return super().request(*about)


class RouterCard(Card):
    """A card on the cable of the router of QEMU's user network, which answers ARP alone."""
    features = ()

    def sent(self, chain):
        frame = chain.read()[HEADER.size:]
        kind, operation = struct.unpack_from('>H6xH', frame, 12)
        if kind == ARP and operation == 1 and frame[38:42] == bytes([10, 0, 2, 2]):
            self.deliver(frame[6:12] + ROUTER + frame[12:20] + b'\0\2' + ROUTER + frame[38:42] +
                         frame[22:32] + bytes(18))
        return 0


class StorageDaemon:
    """qemu-storage-daemon with a disk image, until the end of the `with`."""

    def __init__(self, folder, disk):
        self.path = os.path.join(folder, 's')
        pid = os.path.join(folder, 'pid')
        # With --daemonize it returns when the socket is there.
        self.said = subprocess.run(
            ['qemu-storage-daemon', '--daemonize', '--pidfile', pid,
             '--blockdev', f'driver=file,node-name=f,filename={disk}', '--export',
             f'type=vhost-user-blk,id=e,addr.type=unix,addr.path={self.path},node-name=f,'
             'writable=on'], capture_output=True, text=True, timeout=30 * PATIENCE)
        assert self.said.returncode == 0, self.said.stderr
        with open(pid) as f:
            self.pid = int(f.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, 15)
