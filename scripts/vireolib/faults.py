# SPDX-License-Identifier: BSD-2-Clause
"""Faults in QEMU's own devices, made and undone while an image runs: disks that fail, crawl or
change their size, a cable that is pulled, a machine that stands still, devices that are unplugged
and put back, and rings that are spoilt in the guest's memory until QEMU says that the device needs
a reset.

tests/qemu/test_faults.py, test_hotplug.py and `make soak` use it.
"""
import dataclasses
import json
import mmap
import os
import subprocess

from vireolib.machine import extra, virtio_device

DESC_F_INDIRECT = 4
RAM = 0x40000000           # where the virt board's memory begins
RING_TURNS = 200_000       # how often a ring is spoilt before the device is thought to be deaf


@dataclasses.dataclass
class FaultDisk:
    """A disk whose nodes have names, so that they can be changed while the image runs. `name` is
    its serial number as well."""
    name: str
    path: str
    read_only: bool = False
    device: str = ''

    def args(self, transport):
        """Of QEMU. A request that fails is reported to the guest."""
        file = {'driver': 'file', 'node-name': self.name + '-file', 'filename': self.path,
                'read-only': self.read_only}
        top = {'driver': 'raw', 'node-name': self.name, 'file': file['node-name'],
               'read-only': self.read_only}
        device = virtio_device('virtio-blk', transport, f'drive={self.name},id=dev-{self.name},'
                               f'serial={self.name},werror=report,rerror=report')
        return ['-blockdev', json.dumps(file), '-blockdev', json.dumps(top),
                '-device', device + extra(self.device)]


def memory_args(mib):
    """The guest's memory as a file that others can write: one without a name."""
    return ['-object', f'memory-backend-memfd,id=ram,size={mib}M,share=on',
            '-machine', 'memory-backend=ram']


def open_memory(pid):
    """A descriptor of that file, by way of QEMU's own."""
    folder = f'/proc/{pid}/fd'
    for number in os.listdir(folder):
        if os.readlink(f'{folder}/{number}').startswith('/memfd:memory-backend-memfd'):
            return os.open(f'{folder}/{number}', os.O_RDWR)
    raise FileNotFoundError('QEMU runs without memory_args()')


class Faults:
    """What can be done to the devices of one running guest."""

    def __init__(self, guest):
        self.guest = guest
        self._made = 0
        self._memory = None

    # ---- disks ----

    def throttle(self, disk, iops):
        """So many requests a second; 0: as fast as it goes."""
        self.guest.qmp('block_set_io_throttle', id=self.device('dev-' + disk), iops=iops,
                       iops_rd=0, iops_wr=0, bps=0, bps_rd=0, bps_wr=0)

    def fail(self, disk, *rules):
        """Rules of blkdebug: fail('posix', {'iotype': 'write', 'errno': 5, 'sector': 8})."""
        self._made += 1
        node = f'{disk}-bad{self._made}'
        self.guest.qmp('blockdev-add', **{
            'driver': 'blkdebug', 'node-name': node, 'image': disk + '-file',
            'inject-error': [{'event': 'none', **rule} for rule in rules]})
        self._put_below(disk, node)
        return node

    def heal(self, disk, node):
        """Undoes fail(), which returned the node."""
        self._put_below(disk, disk + '-file')
        self.guest.qmp('blockdev-del', **{'node-name': node})

    def _put_below(self, disk, node):
        self.guest.qmp('blockdev-reopen', options=[
            {'driver': 'raw', 'node-name': disk, 'file': node}])

    def resize(self, disk, size):
        self.guest.qmp('block_resize', **{'node-name': disk, 'size': size})

    # ---- the network and the machine ----

    def link(self, up):
        self.guest.qmp('set_link', name='n0', up=up)

    def announce(self):
        self.guest.qmp('announce-self', initial=50, max=550, rounds=3, step=50)

    def pause(self):
        self.guest.qmp('stop')

    def go_on(self):
        self.guest.qmp('cont')

    def hold(self, seconds):
        """The fault lasts so long; no longer than the image does."""
        try:
            self.guest.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    # ---- hot-plug ----

    def remove(self, name):
        """Presses the button of the device's slot, and waits until the device is out. While the
        slot is busy with what was just plugged in, QEMU presses no button."""
        def pressed():
            try:
                self.guest.qmp('device_del', id=name)
            except RuntimeError as e:
                if 'blinking' not in str(e):
                    raise
                return False
            return True

        self.guest.until(pressed, f'slot of {name} that is ready', 15)
        self.guest.until(lambda: name not in self.plugged(), f'end of {name}', 15)

    def add(self, **properties):
        """A device of QEMU, with what -device takes. QEMU lets go of what a device used a moment
        after it lets go of the device."""
        def added():
            try:
                self.guest.qmp('device_add', **properties)
            except RuntimeError as e:
                if 'Permission conflict' not in str(e) and 'in use' not in str(e):
                    raise
                return False
            return True

        self.guest.until(added, f'room for {properties["id"]}', 10)

    def put_back(self, name):
        """What remove() took, just as the command line has it."""
        line = next(word for word in self.guest.args if f'id={name}' in word.split(','))
        driver, *properties = line.split(',')
        self.add(driver=driver, **dict(p.split('=', 1) for p in properties))

    def plugged(self):
        """The ids of all devices that were given one."""
        return {o['name'] for o in self.guest.qmp('qom-list', path='/machine/peripheral')}

    # ---- rings ----

    def device(self, name):
        """QEMU's path of the virtio device with that id."""
        paths = [d['path'] for d in self.guest.qmp('x-query-virtio')]
        return next(path for path in paths if name in path.split('/'))

    def spoil(self, name, queue):
        """Writes nonsense into the ring of a queue, again and again, until QEMU meets it: then it
        says what it thinks of it, sets NEEDS_RESET and touches the device's queues no more. What
        QEMU said: nothing if the queue was not used meanwhile."""
        path = self.device(name)
        ring = self.guest.qmp('x-query-virtio-queue-status', path=path, queue=queue)
        if not ring['vring-avail']:
            return []                    # the device is being reset at this moment
        features = self.guest.qmp('x-query-virtio-status', path=path)['guest-features']
        packed = any('RING_PACKED' in name for name in features['transports'])
        spoiler = spoil_packed if packed else spoil_split
        before = len(self.guest.stderr())
        size = self.guest.stderr_size()
        for _ in range(RING_TURNS):
            spoiler(self.memory(), ring)
            if self.guest.stderr_size() > size:
                self.guest.until(lambda: len(self.guest.stderr()) > before, 'whole line of QEMU')
                break
        return self.guest.stderr()[before:]

    def memory(self):
        """The guest's memory, as bytes that can be changed."""
        if self._memory is None:
            fd = open_memory(self.guest.process.pid)
            self._memory = mmap.mmap(fd, 0)
            os.close(fd)
        return self._memory


def spoil_split(memory, ring):
    """Each entry of the available ring names a descriptor that does not exist."""
    count = ring['vring-num']
    at = ring['vring-avail'] - RAM + 4
    memory[at:at + 2 * count] = b'\xff' * (2 * count)


def spoil_packed(memory, ring):
    """Each descriptor has no bytes, and each table one: over an empty one QEMU 7.2 aborts. Not for
    disks: over such a ring it loops for ever."""
    start = ring['vring-desc'] - RAM
    for at in range(start, start + 16 * ring['vring-num'], 16):
        is_table = bool(memory[at + 14] & DESC_F_INDIRECT)
        memory[at + 8:at + 12] = bytes((is_table, 0, 0, 0))
