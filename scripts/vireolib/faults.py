# SPDX-License-Identifier: BSD-2-Clause
"""Faults in QEMU's devices, made and undone while an image runs: disks that fail, are slow or
change their size, a pulled cable, a stopped machine, devices that are unplugged and put back, and
rings that are overwritten in the guest's memory until QEMU sets DEVICE_NEEDS_RESET.

tests/qemu/test_faults.py, test_hotplug.py and `make soak` use it.
"""
import dataclasses
import json
import mmap
import os
import subprocess
import time

from vireolib.machine import extra, virtio_device

DESC_F_INDIRECT = 4
RAM = 0x40000000           # where the virt board's memory begins
SPOIL_SECONDS = 1.0        # how long a ring is spoilt before the queue counts as not in use


@dataclasses.dataclass
class FaultDisk:
    """A disk whose block nodes have names, so that they can be changed while the image runs. `name`
    is its serial number, too."""
    name: str
    path: str
    read_only: bool = False
    device: str = ''

    def args(self, transport):
        """QEMU's options. A request that fails is reported to the guest."""
        file = {'driver': 'file', 'node-name': self.name + '-file', 'filename': self.path,
                'read-only': self.read_only, 'discard': 'unmap'}
        top = {'driver': 'raw', 'node-name': self.name, 'file': file['node-name'],
               'read-only': self.read_only, 'discard': 'unmap'}
        device = virtio_device('virtio-blk', transport, f'drive={self.name},id=dev-{self.name},'
                               f'serial={self.name},werror=report,rerror=report')
        return ['-blockdev', json.dumps(file), '-blockdev', json.dumps(top),
                '-device', device + extra(self.device)]


def memory_args(mib):
    """QEMU's options for guest memory in a nameless file, which other processes can map."""
    return ['-object', f'memory-backend-memfd,id=ram,size={mib}M,share=on',
            '-machine', 'memory-backend=ram']


def open_memory(pid):
    """A descriptor of that file, through QEMU's own in /proc."""
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
        """`iops`: requests a second; 0: no limit."""
        self.guest.qmp('block_set_io_throttle', id=self.device('dev-' + disk), iops=iops,
                       iops_rd=0, iops_wr=0, bps=0, bps_rd=0, bps_wr=0)

    def fail(self, disk, *rules):
        """Makes requests fail by rules of blkdebug, such as fail('posix', {'iotype': 'write',
        'errno': 5, 'sector': 8}); the node, for heal()."""
        self._made += 1
        node = f'{disk}-bad{self._made}'
        self.guest.qmp('blockdev-add', **{
            'driver': 'blkdebug', 'node-name': node, 'image': disk + '-file',
            'discard': 'unmap',
            'inject-error': [{'event': 'none', **rule} for rule in rules]})
        self._put_below(disk, node)
        return node

    def heal(self, disk, node):
        """Undoes fail(), which returned the node."""
        self._put_below(disk, disk + '-file')
        self.guest.qmp('blockdev-del', **{'node-name': node})

    def _put_below(self, disk, node):
        self.guest.qmp('blockdev-reopen', options=[
            {'driver': 'raw', 'node-name': disk, 'file': node, 'discard': 'unmap'}])

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
        """Waits that many seconds, or until QEMU ends."""
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
        """Plugs in a device with the properties of -device. A disk or network that a removed device
        used is free a moment after the device is gone, so try again."""
        typed = self._typed(properties)

        def added():
            try:
                self.guest.qmp('device_add', **typed)
            except RuntimeError as e:
                if 'Permission conflict' not in str(e) and 'in use' not in str(e):
                    raise
                return False
            return True

        self.guest.until(added, f'room for {properties["id"]}', 10)

    def _typed(self, properties):
        """Words of a command line as QMP wants them: from QEMU 9.2 on, `device_add` refuses text
        where a property is a truth value or a number."""
        kinds = {p['name']: p['type'] for p in self.guest.qmp('device-list-properties',
                                                              typename=properties['driver'])}
        typed = {}
        for name, value in properties.items():
            kind = kinds.get(name, '')
            if isinstance(value, str) and kind == 'bool':
                value = value == 'on'
            elif isinstance(value, str) and kind.lstrip('u').startswith('int'):
                value = int(value, 0)
            typed[name] = value
        return typed

    def put_back(self, name):
        """Plugs in a removed device again, as it is on the command line."""
        line = next(word for word in self.guest.args if f'id={name}' in word.split(','))
        driver, *properties = line.split(',')
        self.add(driver=driver, **dict(p.split('=', 1) for p in properties))

    def plugged(self):
        """The ids of all devices that have one."""
        return {o['name'] for o in self.guest.qmp('qom-list', path='/machine/peripheral')}

    # ---- rings ----

    def device(self, name):
        """QEMU's path of the virtio device with that id."""
        paths = [d['path'] for d in self.guest.qmp('x-query-virtio')]
        return next(path for path in paths if name in path.split('/'))

    def spoil(self, name, queue):
        """Overwrites the ring of a queue with invalid entries until QEMU reads them: then QEMU
        prints a line, sets NEEDS_RESET and leaves the device's queues alone. The lines of QEMU;
        none if nothing used the queue meanwhile."""
        path = self.device(name)
        ring = self.guest.qmp('x-query-virtio-queue-status', path=path, queue=queue)
        if not ring['vring-avail']:
            return []                    # the device is being reset at this moment
        features = self.guest.qmp('x-query-virtio-status', path=path)['guest-features']
        packed = any('RING_PACKED' in name for name in features['transports'])
        spoiler = spoil_packed if packed else spoil_split
        before = len(self.guest.stderr())
        size = self.guest.stderr_size()
        end = time.monotonic() + SPOIL_SECONDS * self.guest.patience
        while time.monotonic() < end:
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
    """Makes each entry of the available ring name a descriptor that does not exist."""
    count = ring['vring-num']
    at = ring['vring-avail'] - RAM + 4
    memory[at:at + 2 * count] = b'\xff' * (2 * count)


def spoil_packed(memory, ring):
    """Sets the length of every second descriptor to 0, and that of a table to 1 (QEMU 7.2 aborts at
    an empty table): a card whose frames may take several buffers looks at none before there is room
    enough in all. Not for disks: QEMU 7.2 loops for ever on such a ring."""
    start = ring['vring-desc'] - RAM
    for at in range(start, start + 16 * ring['vring-num'], 32):
        is_table = bool(memory[at + 14] & DESC_F_INDIRECT)
        memory[at + 8:at + 12] = bytes((is_table, 0, 0, 0))
