# SPDX-License-Identifier: BSD-2-Clause
"""The Linux guest that benches compare an image with: Debian 12's arm64 cloud kernel with a few of
its modules, tuned, and tests/paths/linux_bulk.c as /init.

scripts/fetch-source gets the kernel. The variable LINUX_GUEST names a folder with another one:
boot/vmlinuz-* and lib/modules/, as a kernel's package has them.
"""
import glob
import os
import shutil
import stat
import subprocess

from vireolib.machine import Machine, Unusable

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(TREE, 'build', 'linux-guest')
SOURCE = os.path.join(TREE, 'tests', 'paths', 'linux_bulk.c')
MODULES = ('virtio_ring', 'virtio', 'virtio_mmio', 'failover', 'net_failover', 'virtio_net')
# What makes Linux fastest on this machine; nokaslr, since kaslr makes each call flush the TLB.
TUNED = ('console=ttyAMA0 quiet mitigations=off nokaslr kpti=off audit=0 apparmor=0 '
         'init_on_alloc=0 randomize_kstack_offset=off nohz=off')
READY = r'^linux_bulk: ready'
WARNINGS = ['-Wall']


def find_kernel():
    """The kernel's folder; Debian's is fetched unless it is there."""
    folder = os.environ.get('LINUX_GUEST')
    if folder:
        if not glob.glob(os.path.join(folder, 'boot', 'vmlinuz-*')):
            raise Unusable(f'LINUX_GUEST={folder}: there is no boot/vmlinuz-* in it; give a folder '
                           'in which a kernel package for arm64 is unpacked')
        return folder
    if not os.path.exists(os.path.join(FOLDER, '.version')):
        fetch = subprocess.run([os.path.join(TREE, 'scripts', 'fetch-source'), 'linux', FOLDER])
        if fetch.returncode:
            raise Unusable('there is no Linux guest to compare with')
    return FOLDER


def kernel(folder):
    """Path of the kernel."""
    return sorted(glob.glob(os.path.join(folder, 'boot', 'vmlinuz-*')))[-1]


def module(folder, name):
    """A module's bytes, or None: it is built into the kernel."""
    found = glob.glob(os.path.join(folder, 'lib', 'modules', '*', 'kernel', '**', name + '.ko'),
                      recursive=True)
    if not found:
        return None
    with open(found[0], 'rb') as f:
        return f.read()


def compiled_init():
    """/init, compiled."""
    compiler = os.environ.get('CROSS', 'aarch64-linux-gnu-') + 'gcc'
    if not shutil.which(compiler):
        raise Unusable(f'{compiler} is not installed; `make setup` installs it')
    path = os.path.join(FOLDER, f'init.{os.getpid()}')
    os.makedirs(FOLDER, exist_ok=True)
    subprocess.run([compiler, '-O2', *WARNINGS, '-ffreestanding', '-nostdlib', '-static',
                    '-fno-pic', '-no-pie', '-fno-stack-protector', '-o', path, SOURCE],
                   check=True)
    with open(path, 'rb') as f:
        data = f.read()
    os.unlink(path)
    return data


def cpio(entries):
    """An archive, as the kernel unpacks into its first file system. entries: (name, mode, data)."""
    out = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ('TRAILER!!!', 0, b'')]):
        major, minor = (5, 1) if stat.S_ISCHR(mode) else (0, 0)
        fields = (number + 1, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0)
        out += b'070701' + b''.join(b'%08x' % field for field in fields) + name.encode() + b'\0'
        out += b'\0' * (-len(out) % 4) + data
        out += b'\0' * (-len(out) % 4)
    return bytes(out)


def initrd(folder, path):
    """Writes the guest's files to `path`."""
    modules = [data for data in (module(folder, name) for name in MODULES) if data]
    entries = [(name, stat.S_IFDIR | 0o755, b'') for name in ('dev', 'proc', 'm')]
    entries += [('dev/console', stat.S_IFCHR | 0o600, b''),
                ('init', stat.S_IFREG | 0o755, compiled_init())]
    entries += [(f'm/{n}.ko', stat.S_IFREG | 0o644, data) for n, data in enumerate(modules)]
    with open(path, 'wb') as f:
        f.write(cpio(entries))
    return path


def machine(ip, directory, **more):
    """The guest with that address; its initrd is made in `directory`."""
    folder = find_kernel()
    return Machine(kernel(folder), initrd=initrd(folder, os.path.join(directory, 'linux.cpio')),
                   append=f'{TUNED} guest_ip={ip}', **more)
