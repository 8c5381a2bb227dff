# SPDX-License-Identifier: BSD-2-Clause
"""The Linux guest that benches compare an image with: Debian 12's arm64 cloud kernel with a few of
its modules, tuned, and a program of tests/paths/ as /init.

scripts/fetch-source gets the kernel. The variable LINUX_GUEST names a folder with another one:
boot/vmlinuz-* and lib/modules/, as a kernel's package has them; LINUX_WEB likewise one with
lighttpd and its libraries.
"""
import dataclasses
import glob
import os
import shutil
import stat
import subprocess

from vireolib.machine import Machine, Unusable

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(TREE, 'build', 'linux-guest')
WEB_FOLDER = os.path.join(TREE, 'build', 'linux-web')
MODULES = ('virtio_ring', 'virtio', 'virtio_mmio', 'failover', 'net_failover', 'virtio_net')
BLK_MODULES = ('virtio_ring', 'virtio', 'virtio_mmio', 'virtio_blk')
# What makes Linux fastest on this machine; nokaslr, since kaslr makes each call flush the TLB.
TUNED = ('console=ttyAMA0 quiet mitigations=off nokaslr kpti=off audit=0 apparmor=0 '
         'init_on_alloc=0 randomize_kstack_offset=off nohz=off')
WARNINGS = ['-Wall']
LIGHTTPD = """server.modules = ()
server.document-root = "/www"
server.port = 80
server.max-fds = 24000
server.max-connections = 12000
server.listen-backlog = 1024
server.max-keep-alive-requests = 100000000
server.max-keep-alive-idle = 120
mimetype.assign = ( ".html" => "text/html", "" => "application/octet-stream" )
"""


@dataclasses.dataclass
class Init:
    """A program that is the guest's first."""
    sources: tuple             # relative to the tree
    flags: tuple
    ready: str                 # matches the line that says so
    modules: tuple = MODULES   # of the kernel, in the order in which they are loaded


BULK = Init(('tests/paths/linux_bulk.c',),
            ('-ffreestanding', '-nostdlib', '-fno-pic', '-no-pie', '-fno-stack-protector'),
            r'^linux_bulk: ready')
NET = Init(('tests/paths/linux_net.c', 'examples/netperf/load.c'), (), r'^linux_net: ready')
BLK = Init(('tests/paths/linux_blk.c', 'examples/blkperf/files.c'), (),
           r'^linux_blk: ready', BLK_MODULES)
SQLITE = os.environ.get('SQLITE_DIR') or os.path.join('build', 'sqlite')
# As an image has it (sqlite/sqlite_options.h), but on Linux' files.
SQLITE_OPTIONS = ('THREADSAFE=1', 'TEMP_STORE=3', 'DQS=0', 'DEFAULT_MEMSTATUS=0',
                  'LIKE_DOESNT_MATCH_BLOBS=1', 'OMIT_DEPRECATED=1', 'OMIT_SHARED_CACHE=1',
                  'OMIT_LOAD_EXTENSION=1', 'MAX_MMAP_SIZE=0', 'MAX_WORKER_THREADS=0')
SQL = Init((*BLK.sources, 'tests/paths/linux_sql.c', os.path.join(SQLITE, 'sqlite3.c')),
           ('-w', '-I' + os.path.join(TREE, SQLITE),
            *('-DSQLITE_' + option for option in SQLITE_OPTIONS)), BLK.ready, BLK_MODULES)


def fetched(variable, name, folder, member):
    """The folder that the variable names, else `folder`, which is fetched unless it is there.
    member: a file that must be in it."""
    given = os.environ.get(variable)
    if given:
        if not glob.glob(os.path.join(given, member)):
            raise Unusable(f'{variable}={given}: there is no {member} in it; give a folder in '
                           'which such packages for arm64 are unpacked')
        return given
    if not os.path.exists(os.path.join(folder, '.version')):
        fetch = subprocess.run([os.path.join(TREE, 'scripts', 'fetch-source'), name, folder])
        if fetch.returncode:
            raise Unusable('there is no Linux guest to compare with')
    return folder


def find_kernel():
    """The kernel's folder."""
    return fetched('LINUX_GUEST', 'linux', FOLDER, 'boot/vmlinuz-*')


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


def compiled(init):
    """The program, compiled."""
    compiler = os.environ.get('CROSS', 'aarch64-linux-gnu-') + 'gcc'
    if not shutil.which(compiler):
        raise Unusable(f'{compiler} is not installed; `make setup` installs it')
    path = os.path.join(TREE, 'build', f'linux-init.{os.getpid()}')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    made = subprocess.run([compiler, '-O2', *WARNINGS, *init.flags, '-static', '-o', path,
                           *(os.path.join(TREE, source) for source in init.sources)])
    if made.returncode:
        raise Unusable(f'{init.sources[0]} cannot be compiled with {compiler}; '
                       '`scripts/setup bench` installs the C library for it')
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


def web(pages):
    """lighttpd with its libraries and those pages, {name: bytes}, as entries of an archive."""
    folder = fetched('LINUX_WEB', 'lighttpd', WEB_FOLDER, 'usr/sbin/lighttpd')
    yield from ((name, stat.S_IFDIR | 0o755, b'') for name in ('etc', 'lib', 'sbin', 'tmp', 'www'))
    files = {'sbin/lighttpd': 'usr/sbin/lighttpd'}
    for name in ('ld-linux-aarch64.so.1', 'libc.so.6', 'libnettle.so.8', 'libpcre2-8.so.0',
                 'libxxhash.so.0'):
        found = glob.glob(os.path.join(folder, '**', name), recursive=True)
        if not found:
            raise Unusable(f'{folder} has no {name}: remove the folder, it is fetched again')
        files['lib/' + name] = os.path.relpath(found[0], folder)
    for name, path in files.items():
        with open(os.path.join(folder, path), 'rb') as f:
            yield name, stat.S_IFREG | 0o755, f.read()
    yield 'etc/lighttpd.conf', stat.S_IFREG | 0o644, LIGHTTPD.encode()
    yield from (('www/' + name, stat.S_IFREG | 0o644, data) for name, data in pages.items())


def initrd(folder, path, init, more):
    """Writes the guest's files to `path`; more: further entries."""
    modules = [data for data in (module(folder, name) for name in init.modules) if data]
    entries = [(name, stat.S_IFDIR | 0o755, b'') for name in ('dev', 'proc', 'sys', 'm')]
    entries += [('dev/console', stat.S_IFCHR | 0o600, b''),
                ('init', stat.S_IFREG | 0o755, compiled(init))]
    entries += [(f'm/{n}.ko', stat.S_IFREG | 0o644, data) for n, data in enumerate(modules)]
    with open(path, 'wb') as f:
        f.write(cpio([*entries, *more]))
    return path


def machine(ip, directory, init=BULK, files=(), **more):
    """The guest with that address; its initrd is made in `directory`. files: further entries."""
    folder = find_kernel()
    archive = initrd(folder, os.path.join(directory, 'linux.cpio'), init, files)
    return Machine(kernel(folder), initrd=archive, append=f'{TUNED} guest_ip={ip}', **more)
