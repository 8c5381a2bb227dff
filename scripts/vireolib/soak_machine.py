# SPDX-License-Identifier: BSD-2-Clause
"""A machine that runs tests/apps/soak, with a disk of pages to serve and disks to verify; and the
checks that tests and `make soak` do while they inject faults.
"""
import array
import json
import os
import random
import subprocess
import sys

from vireolib import faults, http, images
from vireolib.machine import Forward, Machine
from vireolib.http_visitors import Visitors

UNIT, ROUND = 4096, 32     # of tests/apps/soak/disk.h
STRIDE, MAGIC = 0x9e3779b97f4a7c15, 0x6b616f736f657256
WORD = (1 << 64) - 1
CONTROL = 7
PAGES = {f'/{n}.bin': 150_000 + n * 1013 for n in range(12)} | {'/big.bin': 700_001, '/one': 1}

# What QEMU may print when a ring was spoilt, and about frames that arrived meanwhile.
SAID = (r'Guest says index 65535 is available', r'zero sized buffers are not allowed',
        r'Invalid size for indirect buffer table',
        r'Slirp: Failed to send packet')


def make_site(directory):
    """A disk with random files, more than the image caches; its path, and {path: content}."""
    folder = os.path.join(directory, 'site')
    os.mkdir(folder)
    pages = {}
    for name, size in PAGES.items():
        pages[name] = random.Random(name).randbytes(size)
        with open(folder + name, 'wb') as f:
            f.write(pages[name])
    disk = os.path.join(directory, 'site.img')
    subprocess.run([sys.executable, os.path.join(images.TREE, 'scripts', 'mkdisk'), folder, disk],
                   check=True, stdout=subprocess.DEVNULL)
    return disk, pages


def machine(image, directory, site, disks=('posix', 'raw'), size=4 << 20, transport='pci',
            ring='split', append='', memory=32, ports=False, extra=()):
    """The Machine. Blank disks of `size` bytes are made in the directory unless they exist. With
    `ports` the card and these disks are in root ports, so that they can be unplugged."""
    properties = ['packed=on'] * (ring == 'packed')
    buses = [['bus=rp%d' % n] * ports for n in range(len(disks) + 1)]
    args = faults.memory_args(memory)
    for name, bus in zip(disks, buses[1:]):
        path = os.path.join(directory, name)
        if not os.path.exists(path):
            with open(path, 'wb') as f:
                f.truncate(size)
        args += faults.FaultDisk(name, path, device=','.join(properties + bus)).args(transport)
    args += faults.FaultDisk('site', site, True, ','.join(properties)).args(transport)
    return Machine(image, transport=transport, mem=str(memory), smp='1,maxcpus=2',
                   forwards=[Forward(0, 80), Forward(0, CONTROL)],
                   append=f'{images.STATIC_IP} vireo.cache=1 {append}',
                   net_device=','.join(['id=net0', *properties, *buses[0]]),
                   ports=len(buses) * ports, extra=[*args, *extra])


class Rig:
    """The running image."""

    def __init__(self, guest, directory, pages):
        """`directory` is the one that machine() was given, `pages` those of the site."""
        self.guest, self.directory, self.pages = guest, directory, pages
        self.faults = faults.Faults(guest)
        self._control = None

    def ready(self):
        """Waits until the image works. The image looks for its file tree on each disk in turn when
        the first page is asked for. A fault of a disk before that would hold every visitor up until
        the disk is given up."""
        self.guest.expect('^vireo: ready')
        http.get(self.guest.port(80), '/one')
        self.guest.until(lambda: all(d['scanned'] for d in self.disks().values()),
                         'end of the first scan', 60)

    # ---- the verifiers ----

    def command(self, letter):
        """Sends one letter to the image's control port, over a connection that stays open."""
        if self._control is None:
            self._control = http.Connection(self.guest.port(CONTROL))
        self._control.send(letter.encode())

    def disks(self):
        """{serial number: the image's figures of that verified disk}."""
        try:
            self.command('s')
            line = self._control._until(b'\n')
        except OSError:
            self.forget_connection()     # a late answer would be read as that to the next command
            raise
        return {d['id']: d for d in json.loads(line)['disks']}

    def forget_connection(self):
        """After a reset of the machine or a failure: the next command connects again."""
        self._control = None

    def goes_on(self, *names, rounds=2, timeout=30.0):
        """Waits until each of these disks has had further rounds acknowledged."""
        before = self.disks()
        self.guest.until(lambda: all(now['rounds'] >= before[name]['rounds'] + rounds
                                     for name, now in self.disks().items()
                                     if name in (names or before)),
                         f'further rounds on {names or "all disks"}', timeout)

    # ---- the rest ----

    def status(self):
        try:
            return http.status_json(self.guest.port(80))
        except ConnectionError:     # QEMU's user network ends connections while the card resets
            return http.status_json(self.guest.port(80))

    def device(self, name):
        """What /status.json says of a device: 'vnet0', or a disk by its serial number."""
        for d in self.status()['devices']:
            if name in (d['name'], d.get('block', {}).get('id')):
                return d
        raise KeyError(name)

    def visiting(self, count=2):
        """A context manager: clients that read and compare pages while it is open."""
        return Visitors(self.guest.port(80), self.pages, count)

    def all_is_well(self, visitors=None):
        """Asserts that every disk and visitor goes on, and that nothing was lost, wrong or
        broken."""
        self.goes_on()
        if visitors:
            before = visitors.answers()
            self.guest.until(lambda: visitors.each_answered(before), 'answer to each visitor', 20)
            visitors.end()
            assert not visitors.trouble and not visitors.total('broken'), visitors.trouble
        assert self.end() == []

    def end(self):
        """Stops the verifiers, ends the image, checks the disks' files; the faults found, as
        sentences."""
        self.command('q')
        self.guest.until(lambda: all(d['stopped'] for d in self.disks().values()),
                         'end of the verifiers', 60)
        disks = self.disks()
        wrong = [f'{name}: {d["bad"]} units are wrong' for name, d in disks.items() if d['bad']]
        self.command('x')
        status = self.guest.wait(30)
        if status:
            wrong.append(f'the image ended with status {status}')
        for name, d in disks.items():
            wrong += lost(os.path.join(self.directory, name), d['rounds'])
        return wrong


# ---- what a disk must hold -----------------------------------------------------------------------

def content(unit, nth):
    """The bytes of a unit after write number `nth` (0: never written), as tests/apps/soak/disk.c
    writes them."""
    if nth == 0:
        return bytes(UNIT)
    x = (nth * STRIDE & WORD) ^ (unit << 40 & WORD)
    words = array.array('Q')
    for _ in range(UNIT // 8):
        words.append((x * STRIDE & WORD) ^ x >> 29)
        x = x + MAGIC & WORD
    words[:3] = array.array('Q', [MAGIC, unit, nth])
    return words.tobytes()


def lost(path, rounds):
    """A sentence for each unit that lacks an acknowledged write, or holds bytes that no write
    made."""
    wrong = []
    with open(path, 'rb') as f:
        units = 1 << (os.path.getsize(path) // UNIT).bit_length() - 1
        inverse = pow(STRIDE, -1, units)
        for unit in range(units):
            data = f.read(UNIT)
            nth = int.from_bytes(data[16:24], 'little')
            first = unit * inverse % units
            writes = rounds * ROUND
            least = (writes - 1 - first) // units * units + first + 1 if writes > first else 0
            if data != content(unit, nth) or nth < least or (nth and (nth - 1 - first) % units):
                wrong.append(f'{os.path.basename(path)}: unit {unit} holds write {nth}, not '
                             f'{least}')
    return wrong
