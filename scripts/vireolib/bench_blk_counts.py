# SPDX-License-Identifier: BSD-2-Clause
"""What requests of a disk cost besides instructions. By QEMU's trace: accesses of the device's
registers, each of which is an exit of a virtual machine; the kicks among them; and interrupts. A
guest that finds a request done needs no interrupt of it, so these depend on the host's speed. By a
log of the writes (writelog.py): what the disk is given.
"""
import collections
import os
import re
import tempfile

from vireolib import linux_guest, netguests, writelog
from vireolib.guest import Guest, Lost

EVENTS = ('memory_region_ops_read', 'memory_region_ops_write', 'virtio_notify')
# A kick is then an access like others: QEMU 8 and later take it elsewhere otherwise.
EXTRA = ['-global', 'virtio-mmio.ioeventfd=off']
WINDOW, NOTIFY = 0x200, 0x50        # bytes of a device's registers, and the one that kicks
UNITS = {'exits': 'exits', 'kicks': 'kicks', 'irqs': 'interrupts'}
LOADS = (('randread', '4k', 1), ('randread', '4k', 32), ('randwrite', '4k', 1),
         ('randwrite', '4k', 32), ('seqread', '128k', 32), ('flush', '4k', 1))
OPERATIONS = 1280
WRITTEN = {'writes': ('writes', 'requests that write'), 'kB': ('kB', 'written'),
           'flushes': ('flushes', 'flushes')}


def count(lines):
    """{kind: number} of a trace."""
    found = dict.fromkeys(UNITS, 0)
    for line in lines:
        if line.startswith('virtio_notify '):
            found['irqs'] += 1
        elif line.startswith(EVENTS[:2]) and "'virtio-mmio'" in line:
            at = int(re.search(r'addr (0x[0-9a-f]+)', line)[1], 16)
            found['exits'] += 1
            found['kicks'] += line.startswith(EVENTS[1]) and at % WINDOW == NOTIFY
    return found


class Counts:
    """The figures of a load share its runs: the n-th one of each is of the n-th run."""

    def __init__(self):
        self._runs, self._used = {}, collections.Counter()

    def of(self, figure, run):
        load = str(sorted(figure.load.items()))
        runs, n = self._runs.setdefault(load, []), self._used[load, figure.traced]
        if n == len(runs):
            runs.append(run())
        self._used[load, figure.traced] += 1
        return runs[n][figure.traced] / OPERATIONS


class Vireo(Counts):
    """machine(words) is that of an image of examples/blkperf."""

    def __init__(self, machine):
        super().__init__()
        self._machine = machine

    def _trace(self, load, operations):
        how = self._machine({**load, 'n': operations})
        how.extra = EXTRA + [word for event in EVENTS for word in ('-trace', event)]
        with Guest(how) as guest:
            if guest.wait(netguests.PATIENCE) != 0:
                raise Lost(f'blkperf failed: {how.append}\n' + guest.report())
            return count(guest.trace())

    def measure(self, figure):
        """Of OPERATIONS more than are out at a time: the difference of two runs is without the
        boot."""
        def run():
            least, most = (self._trace(figure.load, figure.load['depth'] + more)
                           for more in (0, OPERATIONS))
            return {kind: most[kind] - least[kind] for kind in UNITS}
        return self.of(figure, run)


class Linux(Counts):
    """The Linux guest, traced while it works; it is started when it is needed, and ends with the
    stack. disk() is its disk."""

    def __init__(self, disk, mem, stack):
        super().__init__()
        self._disk, self._mem, self._stack, self._guest = disk, mem, stack, None

    def _start(self):
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix='vb-'))
        inside = os.path.join(folder, 'guest')
        os.mkdir(inside)
        self._guest = self._stack.enter_context(Guest(linux_guest.machine(
            '', folder, linux_guest.BLK, mem=self._mem, net='none', disks=[self._disk()],
            extra=EXTRA), inside))
        self._guest.expect(linux_guest.BLK.ready, netguests.PATIENCE)

    def _switch(self, on):
        for event in EVENTS:
            self._guest.qmp('trace-event-set-state', name=event, enable=on)

    def _run(self, words):
        if not self._guest:
            self._start()
        else:
            self._guest.qmp('cont')
        before = len(self._guest.trace())
        self._switch(True)
        self._guest.send(words + '\n')
        if self._guest.expect(r'^linux_blk: status (\d+)', netguests.PATIENCE)[1] != '0':
            raise Lost(f'the Linux guest failed: {words}\n' + self._guest.report())
        self._switch(False)
        self._guest.qmp('stop')
        return count(self._guest.trace()[before:])

    def measure(self, figure, words_of):
        return self.of(figure, lambda: self._run(words_of({**figure.load, 'n': OPERATIONS}, 0)))


def written(machine, figure, disk):
    """A figure of what a load has its disk, at that path, write. machine(words, disk) as in
    bench_blk."""
    log = disk + '.log'
    with Guest(machine(figure.load, writelog.LoggedDisk(disk, log))) as guest:
        if guest.wait(netguests.PATIENCE) != 0:
            raise Lost('the image failed\n' + guest.report())
    writes, written_bytes, flushes = writelog.size_of(writelog.read(log))
    return {'writes': writes, 'kB': written_bytes / 1000, 'flushes': flushes}[figure.logged]
