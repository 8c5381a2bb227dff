# SPDX-License-Identifier: BSD-2-Clause
"""Runs a kernel of kernels/ in its QEMU machine, with a disk and a network card, and reads what its
checks say (kernels/common/check_*.c).
"""
import glob
import os
import re
import shutil
import subprocess

import pytest

from conftest import TREE
from vireolib.guest import PATIENCE

LIMIT = 15                  # seconds for a run that takes less than one
SERIAL = 'a7b'              # of the disk

# What QEMU may say of a board with a sound device, on a machine without sound.
NO_FAULT = re.compile(r'qemu: module audio-\S+ not found|(ALSA lib|alsa:|audio:) ')

# Transports and rings: devices of before virtio 1.0 have split rings only.
CELLS = [('mmio', 'split'), ('mmio', 'packed'), ('mmio-legacy', 'split'),
         ('pci', 'split'), ('pci', 'packed'), ('pci-transitional', 'split'),
         ('pci-legacy', 'split')]
# Transport -> (suffix of the devices' names, their properties, options of the machine)
TRANSPORTS = {
    'mmio': ('device', '', ['-global', 'virtio-mmio.force-legacy=false']),
    'mmio-legacy': ('device', '', ['-global', 'virtio-mmio.force-legacy=true']),
    'pci': ('pci', ',disable-legacy=on', []),
    'pci-transitional': ('pci', ',disable-legacy=off,disable-modern=off', []),
    'pci-legacy': ('pci', ',disable-legacy=off,disable-modern=on', []),
}


def name_of(transport):
    """As the drivers name it: a transitional function is driven as a modern one."""
    return 'pci' if transport == 'pci-transitional' else transport


def devices(transport, ring, disk, more=''):
    """QEMU's options for a disk and a card; `more`: further properties of both."""
    suffix, properties, options = TRANSPORTS[transport]
    properties += more
    if ring == 'packed':
        properties += ',packed=on'
    return [*options, '-drive', f'if=none,id=d,format=raw,file={disk}', '-netdev', 'user,id=n',
            '-device', f'virtio-blk-{suffix},drive=d,serial={SERIAL}{properties}',
            '-device', f'virtio-net-{suffix},netdev=n{properties}']


class Run:
    """A run of a program to its end: status, what it said, and the checks."""

    def __init__(self, program, options):
        result = subprocess.run([program, *options], stdin=subprocess.DEVNULL, text=True,
                                capture_output=True, errors='replace', timeout=LIMIT * PATIENCE,
                                env={**os.environ, 'QEMU_AUDIO_DRV': 'none'})
        self.status = result.returncode
        self.said = result.stdout
        self.found_fault = ''.join(line for line in result.stderr.splitlines(True)
                                   if not NO_FAULT.match(line))

    def check(self, name):
        """What the check of 'blk' or 'net' said: transport, ring, wake-up, and the counts."""
        found = re.search(rf'^check: {name} (\S+) (\S+) (\S+): (.*)$', self.said, re.M)
        assert found, self.said
        return found[1], found[2], found[3], dict(re.findall(r'(\w+)=(\S+)', found[4]))

    def passed(self, status=0):
        """The run is good: the kernel says so, with its status too, and QEMU has no complaint."""
        assert self.status == status and re.search(r'^check: passed$', self.said, re.M), self.said
        assert not self.found_fault, self.found_fault
        return True


class QemuRun(Run):
    """The run of a kernel in QEMU."""

    def __init__(self, qemu, machine, folder, more=(), words=''):
        """`machine`: QEMU's options; `more`: devices; `words`: of the boot."""
        errors = os.path.join(folder, 'guest_errors.txt')
        super().__init__(qemu, [*machine, *more, *(['-append', words] if words else []),
                                '-display', 'none', '-monitor', 'none', '-serial', 'stdio',
                                '-d', 'guest_errors,unimp', '-D', errors])
        if os.path.exists(errors):
            with open(errors, errors='replace') as f:
                self.found_fault += f.read()


def drives_both(run, transport, ring, wakeup, status=0):
    """Both devices were driven like that; every request ended, and as it should."""
    assert run.passed(status)
    for name in ('blk', 'net'):
        *how, counts = run.check(name)
        assert tuple(how) == (transport, ring, wakeup), run.said
        assert wakeup == 'polled' or int(counts['interrupts']), run.said
        if name == 'blk':
            assert (counts['rounds'], counts['id'], counts['beyond']) == ('16', SERIAL, '-5')
        else:
            assert (counts['answers'], counts['router']) == ('20', '52:55:0a:00:02:02')
    return True


def is_written(content):
    """Is the pattern of the check's last round in the disk?"""
    return content[(8 + 8 * 15) * 512:][:64 * 512] == \
        bytes((i * 13 + i // 512 + 15 * 101) & 0xff for i in range(64 * 512))


def written(disk):
    with open(disk, 'rb') as f:
        return is_written(f.read())


def compiler(name):
    """The program that compiles the kernel."""
    for made in glob.glob(os.path.join(TREE, 'kernels', '*', 'kernel.mk')):
        with open(made) as f:
            found = re.search(rf'^CC_{name} := (\S+)$', f.read(), re.M)
        if found:
            return found[1]
    raise AssertionError(f'no kernel.mk has CC_{name}')


_built = set()


def build(builder, name):
    """The path of the kernel, which is built once in a run of the tests."""
    target = f'build/kernels/{name}.elf'
    if name not in _built:
        if os.path.exists('/etc/fedora-release') and not shutil.which(compiler(name)):
            pytest.skip(f'Fedora has no {compiler(name)}')
        builder(target)
        _built.add(name)
    return os.path.join(TREE, target)


def new_disk(folder):
    """An empty disk of 1 MiB."""
    path = os.path.join(folder, 'disk.img')
    with open(path, 'wb') as f:
        f.truncate(1 << 20)
    return path
