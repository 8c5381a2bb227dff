# SPDX-License-Identifier: BSD-2-Clause
"""The one place that knows QEMU command lines: a Machine says which image to boot on which devices,
and becomes an argument list. What can be checked before QEMU starts is checked here, so that the
user reads a sentence that says what to change, not an error of QEMU.
"""
import dataclasses
import functools
import os
import re
import shutil
import socket
import stat
import struct
import subprocess

from vireolib import plugins

TRANSPORTS = ('mmio', 'mmio-legacy', 'pci', 'pci-transitional', 'pci-legacy')
PCI = {'pci': 'disable-legacy=on,disable-modern=off',
       'pci-transitional': 'disable-legacy=off,disable-modern=off',
       'pci-legacy': 'disable-legacy=off,disable-modern=on'}
GICS = ('2', '3', 'max')
# The CPU models that run an image, by the machine that it was built for; the first is the default.
CPUS_OF = {'aarch64': ('cortex-a72', 'cortex-a35', 'cortex-a53', 'cortex-a57', 'cortex-a76',
                       'neoverse-n1', 'a64fx', 'max'),
           'arm': ('cortex-a15', 'cortex-a7')}
CPUS = sum(CPUS_OF.values(), ())
AUTO_PORT = 8080     # where the search for a free port begins
AUTO_PORTS = 100     # number of ports that the search tries
GDB_PORT = 1234      # the same for a debugger
AUTO_GDB = -1
MAC = '52:54:00:12:34:56'
SOCKET_PATH_MAX = 107
ARGUMENTS_MAX = 2047        # bytes of boot arguments (platform/board.h)
RAM = 0x40000000     # where the board's memory begins
PT_LOAD = 1          # an ELF file's part that is loaded


class Unusable(Exception):
    """What the caller asked for is not possible; the text says what to do."""


def named(option, value=''):
    """An option with its value, as the user typed it: `make` says in VIREO_TYPED which of its
    variables became which option ("--mem=MEM=;--smp=SMP=")."""
    for pair in os.environ.get('VIREO_TYPED', '').split(';'):
        ours, equals, theirs = pair.partition('=')
        if equals and ours == option:
            return theirs + (value.removesuffix(':80') if theirs == 'PORT=' else value)
    return f'{option} {value}' if value else option


@dataclasses.dataclass
class Disk:
    """A file that the guest sees as a virtio disk."""
    path: str
    read_only: bool = False
    block: int = 512           # logical block size that the disk reports
    serial: str = ''           # what the guest reads as the disk's id
    drive: str = ''            # further -drive properties
    device: str = ''           # further -device properties

    @classmethod
    def parse(cls, text):
        """FILE[,ro][,bs=N][,id=TEXT]. A comma in the file name is fine: only known words end it."""
        disk = cls(text)
        while True:
            head, comma, word = disk.path.rpartition(',')
            if not comma:
                break
            if word == 'ro':
                disk.read_only = True
            elif re.fullmatch(r'bs=\d+', word):
                disk.block = int(word[3:])
            elif re.fullmatch(r'id=.{1,20}', word):
                disk.serial = word[3:]
            else:
                break
            disk.path = head
        return disk

    def check(self):
        if os.path.isdir(self.path):
            raise Unusable(f'{self.path} is a folder, not a disk image; '
                           f'`make disk DIR={self.path} OUT=FILE` makes a disk of its files')
        if not os.path.isfile(self.path) and not is_block_device(self.path):
            hint = ''
            if ',' in self.path:
                hint = '; what may follow a comma is ro, bs=512..4096 or id=TEXT (20 characters)'
            raise Unusable(f'there is no disk image {self.path}{hint}; '
                           '`make disk` builds build/site.img, `truncate -s 64M FILE` an empty one')
        if self.block not in (512, 1024, 2048, 4096):
            raise Unusable(f'bs={self.block}: a disk block is 512, 1024, 2048 or 4096 bytes')
        if not os.access(self.path, os.R_OK):
            raise Unusable(f'{self.path} cannot be read by this user')
        if not self.read_only and not os.access(self.path, os.W_OK):
            raise Unusable(f'{self.path} cannot be written by this user; add ,ro to attach it '
                           'read-only')

    def format(self):
        with open(self.path, 'rb') as f:
            return 'qcow2' if f.read(4) == b'QFI\xfb' else 'raw'

    def args(self, number, transport):
        drive = f'if=none,id=d{number},file={quote(self.path)},format={self.format()}'
        device = virtio_device('virtio-blk', transport, f'drive=d{number}')
        if self.read_only:
            drive += ',readonly=on'
        if self.block != 512:
            device += f',logical_block_size={self.block},physical_block_size={self.block}'
        if self.serial:
            device += f',serial={quote(self.serial)}'
        return ['-drive', drive + extra(self.drive), '-device', device + extra(self.device)]


@dataclasses.dataclass
class Forward:
    """A port of the host that leads to one of the guest (user network only)."""
    host_port: int             # 0: QEMU takes a free one
    guest_port: int
    addr: str = '127.0.0.1'
    proto: str = 'tcp'
    auto: bool = False         # AUTO_PORT, or the next free one

    @classmethod
    def parse(cls, text):
        """[udp:][ADDR:]PORT:GUESTPORT; PORT may be `auto`."""
        match = re.fullmatch(r'(?:(tcp|udp):)?(?:(\d+\.\d+\.\d+\.\d+):)?(\d+|auto):(\d+)', text)
        if not match:
            raise Unusable(named('--forward', text) + ': write HOST:GUEST, such as 8080:80, '
                           'auto:80, 0.0.0.0:8080:80 or udp:5353:53')
        proto, addr, host, guest = match.groups()
        auto = host == 'auto'
        forward = cls(0 if auto else int(host), int(guest), addr or '127.0.0.1', proto or 'tcp',
                      auto)
        if forward.host_port > 65535 or not 0 < forward.guest_port < 65536:
            raise Unusable(named('--forward', text) + ': a port is a number from 1 to 65535 '
                           '(HOST may be 0 or auto: a free one)')
        if any(int(byte) > 255 for byte in forward.addr.split('.')):
            raise Unusable(named('--forward', text) + f': {forward.addr} is not an address')
        return forward

    def resolve(self, others=()):
        """Settles which port of the host it is; `others` have settled theirs. A sentence for the
        user, or None."""
        if self.auto:
            self.auto = False
            for port in range(AUTO_PORT, AUTO_PORT + AUTO_PORTS):
                self.host_port = port
                if not self.rival(others) and not taken(self.addr, port, self.proto):
                    return None if port == AUTO_PORT else \
                        f'port {AUTO_PORT} of {self.addr} is taken: using {port}'
            raise Unusable(f'the ports {AUTO_PORT} to {AUTO_PORT + AUTO_PORTS - 1} of {self.addr} '
                           'are all taken; choose one with ' +
                           named('--forward', f'N:{self.guest_port}'))
        rival = self.rival(others)
        if rival:
            raise Unusable(f'{self.proto} port {self.host_port} of {self.addr} leads to port '
                           f'{rival.guest_port} of the image already, and cannot lead to '
                           f'{self.guest_port}; give one of the two another port')
        why = self.host_port and taken(self.addr, self.host_port, self.proto)
        if why:
            raise Unusable(f'port {self.host_port} of {self.addr} cannot be used: {why}; '
                           'choose another with ' +
                           named('--forward', f'N:{self.guest_port}') + ', or ' +
                           named('--forward', f'auto:{self.guest_port}') + ' for a free one')
        return None

    def rival(self, others):
        """The one of `others` that has the same port of the host, or None."""
        for other in others:
            same = (other.proto, other.host_port) == (self.proto, self.host_port)
            if same and self.host_port and (other.addr == self.addr or
                                            '0.0.0.0' in (other.addr, self.addr)):
                return other
        return None

    def __str__(self):
        where = f'{self.addr}:{self.host_port}'
        if self.proto == 'tcp' and self.guest_port in (80, 8080):
            shown = '127.0.0.1' if self.addr == '0.0.0.0' else self.addr
            return f'open http://{shown}:{self.host_port}/'
        return f'{self.proto} {where} leads to port {self.guest_port} of the image'


def taken(addr, port, proto='tcp'):
    """Why nothing can listen on that port now, or None."""
    kind = socket.SOCK_STREAM if proto == 'tcp' else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((addr, port))
            if proto == 'tcp':
                s.listen(1)
        except PermissionError:
            return 'this user may not listen there (ports below 1024 are reserved)'
        except OSError as e:
            return 'another program listens there' if e.errno == 98 else e.strerror.lower()
    return None


def resolve_all(forwards):
    """Settles the ports of all; those that name a port go first. Sentences for the user."""
    notes, settled = [], []
    for forward in sorted(forwards, key=lambda f: f.auto):
        notes.append(forward.resolve(settled))
        settled.append(forward)
    return [note for note in notes if note]


def is_block_device(path):
    return os.path.exists(path) and stat.S_ISBLK(os.stat(path).st_mode)


def check_read(path, what):
    """Raises Unusable when the file cannot be read as `what` ("initrd")."""
    if os.path.isdir(path):
        raise Unusable(f'{path} is a folder, not an {what}')
    if not os.path.isfile(path):
        raise Unusable(f'there is no {what} {path}')
    if not os.access(path, os.R_OK):
        raise Unusable(f'{path} cannot be read by this user')


def check_write(option, path, is_ours):
    """Raises Unusable when QEMU could not make the file, or would destroy one of another kind:
    is_ours() says whether an existing file may be replaced."""
    folder = os.path.dirname(path) or '.'
    if os.path.isdir(path):
        raise Unusable(f'{named(option, path)}: it is a folder; give a file')
    if not os.path.isdir(folder):
        raise Unusable(f'{named(option, path)}: there is no folder {folder}')
    if os.path.lexists(path) and not is_ours():
        raise Unusable(f'{named(option, path)}: there is a file of another kind, which would be '
                       'lost; give another name')
    if not os.access(folder, os.W_OK):
        raise Unusable(f'{named(option, path)}: this user may not write in {folder}')


def is_capture(path):
    """Is the file empty, or a record of network traffic, or no file but a pipe?"""
    if not os.path.isfile(path):
        return True
    with open(path, 'rb') as f:
        return f.read(4) in (b'', b'\xd4\xc3\xb2\xa1', b'\xa1\xb2\xc3\xd4')


def debug_port(port):
    """The port of --gdb, which may be AUTO_GDB: GDB_PORT or the next free one."""
    if port == AUTO_GDB:
        for free in range(GDB_PORT, GDB_PORT + AUTO_PORTS):
            if not taken('127.0.0.1', free):
                return free
        raise Unusable(f'the ports from {GDB_PORT} to {GDB_PORT + AUTO_PORTS - 1} are all taken; '
                       'choose one with --gdb PORT')
    why = taken('127.0.0.1', port) if 0 < port < 65536 else 'a port is a number from 1 to 65535'
    if why:
        raise Unusable(f'--gdb {port}: {why}; give another port')
    return port


def quote(text):
    """A value inside a QEMU option list: commas are doubled."""
    return text.replace(',', ',,')


def virtio_device(name, transport, properties=''):
    """The -device of a virtio device on that transport."""
    if transport in PCI:
        return f'{name}-pci{extra(properties)},{PCI[transport]}'
    return f'{name}-device{extra(properties)}'


def extra(text):
    return ',' + text if text else ''


def find_qemu():
    """QEMU's path: the variable QEMU, else the PATH."""
    name = os.environ.get('QEMU') or 'qemu-system-aarch64'
    path = shutil.which(name)
    if path:
        return path
    if os.environ.get('QEMU'):
        raise Unusable(f'QEMU={name} is not a program; unset it, or give the path of '
                       'qemu-system-aarch64')
    raise Unusable('qemu-system-aarch64 is not installed; `make setup` installs what is missing, '
                   'or install the Debian package qemu-system-arm, or set QEMU=PATH')


@functools.cache
def qemu_version():
    """QEMU's version, such as (7, 2, 22); () if it does not tell one."""
    said = subprocess.run([find_qemu(), '--version'], capture_output=True, text=True).stdout
    match = re.search(r'version (\d+)\.(\d+)\.(\d+)', said)
    return tuple(map(int, match.groups())) if match else ()


def check_image(path):
    """The machine that an image was built for, a key of CPUS_OF. Unusable: QEMU would load the
    file, and the CPU would run garbage."""
    if os.path.isdir(path):
        raise Unusable(f'{path} is a folder, not an image; `make image APP=FOLDER` builds '
                       'build/ARCH/NAME.img of a folder with a main.c')
    if not os.path.isfile(path):
        raise Unusable(f'there is no image {path}; `make image APP=hello` builds '
                       'build/aarch64/hello.img')
    if not os.access(path, os.R_OK):
        raise Unusable(f'{path} cannot be read by this user')
    with open(path, 'rb') as f:
        head = f.read(64)
    if head[56:60] == b'ARM\x64':
        return 'aarch64'
    if head[:4] == b'\x27\x05\x19\x56' and head[28:31] == b'\x05\x02\x02':
        return 'arm'                     # a uImage: Linux, Arm, kernel
    if head[:4] == b'\x7fELF':
        machine = struct.unpack_from('<H', head, 18)[0] if len(head) >= 20 else 0
        for arch, ident in ('aarch64', (b'\x02\x01', 183)), ('arm', (b'\x01\x01', 40)):
            if (head[4:6], machine) == ident:
                return arch
        raise Unusable(f'{path} is an ELF file, but not for little-endian 64-bit or 32-bit Arm')
    raise Unusable(f'{path} is neither an arm64 Image nor a uImage nor an ELF file for Arm; give '
                   'build/ARCH/APP.img or APP.elf')


def elf_end(path):
    """How many bytes above the start of memory a loaded ELF file ends; 0: it is none."""
    with open(path, 'rb') as f:
        data = f.read(4096)
    if data[:4] != b'\x7fELF' or len(data) < 64:
        return 0
    wide = data[4] == 2
    headers, = struct.unpack_from('<Q' if wide else '<I', data, 32 if wide else 28)
    size, count = struct.unpack_from('<HH', data, 54 if wide else 42)
    header = struct.Struct('<II6Q' if wide else '<8I')
    end = RAM
    for at in range(headers, headers + size * count, size or 1):
        if at + header.size > len(data):
            break
        kind, *fields = header.unpack_from(data, at)
        address, length = (fields[3], fields[5]) if wide else (fields[2], fields[4])
        if kind == PT_LOAD:
            end = max(end, address + length)
    return end - RAM


@dataclasses.dataclass
class Machine:
    """An image, and the machine that it boots on."""
    image: str
    transport: str = 'mmio'
    gic: str = '2'
    cpu: str = ''              # '': the first of CPUS_OF for the image
    smp: str = '1'             # N or N,maxcpus=M
    mem: str = '64'            # MiB, or a number with K, M or G
    disks: list = dataclasses.field(default_factory=list)
    net: str = 'user'          # user, none or tap=NAME
    forwards: list = dataclasses.field(default_factory=list)
    rng: bool = False          # an entropy device
    append: str = ''
    args: list = dataclasses.field(default_factory=list)   # argv[1..] of main()
    initrd: str = ''
    gdb: int | None = None     # port on which to wait for a debugger, or AUTO_GDB
    pcap: str = ''
    qmp: str = ''              # path of a QMP socket
    icount: str = ''
    plugin: str = ''           # FILE.so,key=value...
    guest_errors: str = ''     # file for what QEMU says of a guest's wrong accesses
    net_device: str = ''       # further properties of the network card
    netdev: str = ''           # further properties of the user network
    netdev_line: str = ''      # a whole -netdev, with id=n0, in place of what `net` says
    serial: str = 'stdio'
    serial_log: str = ''       # file that gets a copy of what the image writes to stdio
    vsock: str = ''            # a CID for the kernel's vhost-vsock, or a vhost-user socket
    balloon: bool = False
    ports: int = 0             # number of PCIe root ports rp0, rp1 ..., for hot-plug
    extra: list = dataclasses.field(default_factory=list)

    def check(self):
        """Raises Unusable when the machine cannot be as asked for."""
        choose('--transport', self.transport, TRANSPORTS)
        choose('--gic', self.gic, GICS)
        self.check_size()
        self.check_arguments()
        self.check_net()
        if self.gdb is not None:
            self.gdb = debug_port(self.gdb)
        self.check_vsock()
        arch = check_image(self.image)
        if self.cpu and self.cpu not in CPUS_OF[arch]:
            raise Unusable(f'{named("--cpu", self.cpu)}: {self.image} is an image for {arch}; it '
                           f'runs on {", ".join(CPUS_OF[arch])}')
        self.cpu = self.cpu or CPUS_OF[arch][0]
        self.check_fits()
        if self.initrd:
            self.check_initrd()
        for disk in self.disks:
            disk.check()
        if self.plugin:
            check_read(self.plugin.partition(',')[0], 'TCG plugin')
        if self.qmp:
            check_write('--qmp', self.qmp, lambda: stat.S_ISSOCK(os.lstat(self.qmp).st_mode))
            if len(os.fsencode(self.qmp)) > SOCKET_PATH_MAX:
                raise Unusable(f'{named("--qmp", self.qmp)}: the path of a socket has at most '
                               f'{SOCKET_PATH_MAX} bytes')

    def boot_arguments(self):
        """`append`, and behind it `args` with the quotes that the image takes off again."""
        if not self.args:
            return self.append
        words = [a if re.fullmatch(r'[^\s"\'\\]+', a) else
                 '"' + re.sub(r'(["\\])', r'\\\1', a) + '"' for a in self.args]
        begun = re.search(r'(^|\s)--(\s|$)', self.append)
        return ' '.join(filter(None, [self.append, '' if begun else '--', *words]))

    def check_arguments(self):
        size = len(os.fsencode(self.boot_arguments()))
        if size > ARGUMENTS_MAX:
            raise Unusable(f'boot arguments of {size} bytes: an image takes {ARGUMENTS_MAX}, those '
                           'of --append and --args together')

    def check_size(self):
        match = re.fullmatch(r'([1-9]\d{0,2})(?:,maxcpus=([1-9]\d{0,2}))?', self.smp)
        if not match or int(match[1]) > int(match[2] or match[1]):
            raise Unusable(f'{named("--smp", self.smp)}: write the number of CPUs, such as 1 or '
                           '1,maxcpus=2')
        if not re.fullmatch(r'[1-9]\d*[kKmMgG]?', self.mem):
            raise Unusable(f'{named("--mem", self.mem)}: write MiB, or a number with K, M or G, '
                           'such as 64 or 1G')

    def check_fits(self):
        """QEMU starts an ELF file, in silence, where there is no memory for it."""
        least = (elf_end(self.image) + 1023) // 1024
        shift = {'K': 0, 'G': 20}.get(self.mem[-1].upper(), 10)
        if int(self.mem.rstrip('kKmMgG')) << shift < least:
            raise Unusable(f'{named("--mem", self.mem)}: {self.image} needs more: its end is '
                           f'{least} KiB above the start of memory')

    def check_net(self):
        if not re.fullmatch(r'user|none|tap=[\w.-]{1,15}', self.net):
            raise Unusable(f'--net {self.net}: it is user, none or tap=NAME (a tap interface that '
                           'exists)')
        if self.net.startswith('tap='):
            self.check_tap(self.net[4:])
        if self.forwards and self.net != 'user':
            raise Unusable(f'--forward works with --net user only, not with {self.net}')
        if self.pcap and self.net == 'none':
            raise Unusable('--pcap records the network, and --net none has none')
        if self.pcap:
            check_write('--pcap', self.pcap, lambda: is_capture(self.pcap))

    @staticmethod
    def check_tap(name):
        make = f'as root: ip tuntap add dev {name} mode tap && ip link set {name} up'
        if not os.path.isdir('/sys/class/net/' + name):
            raise Unusable(f'there is no interface {name}; {make}')
        if not os.path.exists(f'/sys/class/net/{name}/tun_flags'):
            raise Unusable(f'{name} is an interface of another kind, not a tap; take another name, '
                           f'and {make.replace(name, "NAME")}')

    def check_initrd(self):
        check_read(self.initrd, 'initrd')
        if not os.path.getsize(self.initrd):
            raise Unusable(f'the initrd {self.initrd} is empty; `make disk DIR=FOLDER OUT=FILE` '
                           'makes one of a folder')
        with open(self.image, 'rb') as f:
            if f.read(4) == b'\x7fELF':
                raise Unusable(f'--initrd: QEMU hands an initrd to no ELF file; take '
                               f'{os.path.splitext(self.image)[0]}.img')

    def check_shared(self):
        """Raises Unusable when QEMU could not open a disk because it has it open already."""
        for n, disk in enumerate(self.disks):
            for other in self.disks[:n]:
                if os.path.samefile(disk.path, other.path) and \
                        not (disk.read_only and other.read_only):
                    raise Unusable(f'the disk {disk.path} is given twice; that works with ,ro at '
                                   'both only')

    def check_vsock(self):
        if not self.vsock:
            return
        if self.transport == 'pci-legacy':
            raise Unusable('--vsock: the socket device has no legacy interface; take another '
                           '--transport')
        if self.vsock.isdigit():
            if not 2 < int(self.vsock) < 0xffffffff:
                raise Unusable(f'--vsock {self.vsock}: a CID is a number from 3 to 4294967294')
            if not os.path.exists('/dev/vhost-vsock'):
                raise Unusable(f'--vsock {self.vsock}: there is no /dev/vhost-vsock; as root: '
                               'modprobe vhost_vsock, or give the socket of a vhost-user back-end')
        elif not os.path.exists(self.vsock) or not stat.S_ISSOCK(os.stat(self.vsock).st_mode):
            raise Unusable(f'--vsock {self.vsock}: there is no such socket; it is a CID (3 and '
                           'up) or the path of a vhost-user back-end, which must run already')

    def command(self):
        """QEMU's argument list."""
        args = [find_qemu(), '-M', f'virt,gic-version={self.gic}', '-cpu', self.cpu,
                '-smp', self.smp, '-m', self.mem, '-nodefaults', '-display', 'none',
                *self.serial_args(), '-no-reboot',
                '-semihosting-config', 'enable=on,target=native', '-kernel', self.image]
        if self.transport == 'mmio':
            args += ['-global', 'virtio-mmio.force-legacy=false']
        for option, value in (('initrd', self.initrd), ('append', self.boot_arguments()),
                              ('icount', self.icount), ('plugin', self.plugin)):
            if value:
                args += ['-' + option, value]
        for n in range(self.ports):
            args += ['-device', f'pcie-root-port,id=rp{n},chassis={n + 1},slot={n + 1}']
        args += self.net_args()
        for number, disk in enumerate(self.disks):
            args += disk.args(number, self.transport)
        args += self.vsock_args()
        if self.balloon:
            args += ['-device', self.device('virtio-balloon') + ',id=balloon']
        if self.rng:
            args += ['-device', self.device('virtio-rng')]
        if self.gdb is not None:
            args += ['-S', '-gdb', f'tcp:127.0.0.1:{self.gdb}']
        if self.qmp:
            args += ['-qmp', f'unix:{quote(self.qmp)},server=on,wait=off']
        if self.guest_errors:
            args += ['-d', 'guest_errors', '-D', self.guest_errors]
        return args + plugins.visited_args(self.image) + self.extra

    def serial_args(self):
        if self.serial != 'stdio' or not self.serial_log:
            return ['-serial', self.serial]
        return ['-chardev', f'stdio,id=serial0,logfile={quote(self.serial_log)}', '-serial',
                'chardev:serial0']

    def device(self, name):
        """The -device type of a virtio device on the transport in use, with its properties."""
        return virtio_device(name, self.transport)

    def net_args(self):
        if self.net == 'none':
            return ['-nic', 'none']
        if self.netdev_line:
            netdev = self.netdev_line
        elif self.net == 'user':
            netdev = 'user,id=n0' + extra(self.netdev)
            for f in self.forwards:
                netdev += f',hostfwd={f.proto}:{f.addr}:{f.host_port}-:{f.guest_port}'
        else:
            netdev = f'tap,id=n0,ifname={self.net[4:]},script=no,downscript=no'
        device = virtio_device('virtio-net', self.transport, f'netdev=n0,mac={MAC}')
        if self.transport in PCI:        # romfile=: the guest needs no boot ROM, nor its package
            device += ',romfile='
        args = ['-netdev', netdev, '-device', device + extra(self.net_device)]
        if self.pcap:
            args += ['-object', f'filter-dump,id=dump0,netdev=n0,file={quote(self.pcap)}']
        return args

    def vsock_device(self, name, properties):
        suffix = '-pci' if self.transport in PCI else '-device'    # on PCI always a modern device
        return ['-device', f'{name}{suffix},{properties}']

    def vsock_args(self):
        if not self.vsock:
            return []
        if self.vsock.isdigit():
            return self.vsock_device('vhost-vsock', f'guest-cid={self.vsock}')
        # Another process reads and writes the guest's memory, so the memory has to be a file.
        mem = self.mem + 'M' if self.mem.isdigit() else self.mem
        return ['-object', f'memory-backend-memfd,id=mem,size={mem},share=on',
                '-machine', 'memory-backend=mem',
                '-chardev', f'socket,id=vsock,path={quote(self.vsock)}',
                *self.vsock_device('vhost-user-vsock', 'chardev=vsock')]


def choose(option, value, known):
    if value not in known:
        raise Unusable(f'{named(option, value)}: it is one of {", ".join(known)}')
