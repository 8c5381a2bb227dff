# SPDX-License-Identifier: BSD-2-Clause
"""The machine around an image: memory in any number of pieces, the seed of the device tree, stacks,
tasks that keep the CPU.
"""
import contextlib
import os
import re
import socket
import struct
import subprocess
import threading
import time

import pytest

from vireolib import images
from vireolib.machine import Disk, Forward

RAM = 0x40000000
BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9


def numa(sizes):
    """QEMU's options for a node of memory of each size; the first one has the CPU."""
    options = []
    for n, size in enumerate(sizes):
        options += ['-object', f'memory-backend-ram,id=m{n},size={size}K', '-numa',
                    f'node,memdev=m{n}' + (',cpus=0' if n == 0 else '')]
    return {'mem': f'{sum(sizes)}K', 'extra': options}


def heap_of(guest):
    """total, taken, taken again, the largest block, in KiB."""
    assert guest.wait(60) == 0
    assert not guest.seen('was changed'), guest.report()
    line, = guest.seen(r'machine: total')
    return [int(n) for n in re.findall(r'(\d+) KiB', line)]


@pytest.mark.parametrize('sizes', [
    [16384] * 9, [1200, 64336], [8192] * 60, [40000, 1200, 296, 90000],
], ids=['nine', 'across_the_image', 'sixty', 'uneven'])
def test_memory_of_numa_nodes(boot, sizes):
    """All nodes are used, as one piece: they touch each other."""
    total, taken, again, largest = heap_of(
        boot('machine', net='none', append='do=heap', **numa(sizes)))
    assert total == sum(sizes)
    assert taken > total - 4096 and again == taken and largest > total - 4096


def test_large_block(boot):
    """One block of more than 2 GiB."""
    largest = heap_of(boot('machine', net='none', mem='3500', append='do=heap size=100000000'))[3]
    assert largest > 3400 * 1024


def test_a_second_free(boot):
    guest = boot('machine', net='none', append='do=twice')
    assert guest.wait() == 134
    assert guest.seen(r'panic in task main: free\(0x[0-9a-f]+\): the block is free already')
    assert guest.seen(r'\bmain\+'), guest.report()


# ---- the seed ----

def value_of(memory, name):
    """The value of a property in the device tree that lies in this memory, and its place."""
    tree = memory.index(struct.pack('>I', 0xd00dfeed))
    structure, strings = struct.unpack_from('>2I', memory, tree + 8)
    at = tree + structure
    while True:
        tag, = struct.unpack_from('>I', memory, at)
        at += 4
        if tag == BEGIN_NODE:
            at = (memory.index(b'\0', at) + 4) & ~3
        elif tag == PROP:
            length, name_at = struct.unpack_from('>2I', memory, at)
            at += 8
            if memory[tree + strings + name_at:].startswith(name + b'\0'):
                return memory[at:at + length], at
            at = (at + length + 3) & ~3
        elif tag == END:
            return None, 0


def dump(guest, path):
    guest.qmp('pmemsave', val=RAM, size=32 << 20, filename=str(path))
    return path.read_bytes()


@pytest.mark.parametrize('entropy', [0, 1])
def test_the_seed_does_not_stay_in_memory(boot, tmp_path, entropy):
    """Neither in the device tree nor in a copy, whether or not random bytes were asked for."""
    guest = boot('machine', net='none', mem='32', append=f'do=wait entropy={entropy}',
                 extra=['-S'])
    seed, place = value_of(dump(guest, tmp_path / 'before'), b'rng-seed')
    assert len(seed) == 32 and any(seed)
    guest.qmp('cont')
    guest.expect('vireo: ready')
    memory = dump(guest, tmp_path / 'after')
    assert memory[place:place + 32] == bytes(32)
    for part in range(0, 32, 8):
        assert seed[part:part + 8] not in memory


# ---- stacks ----

@pytest.mark.parametrize('where, kib, name', [
    ('main', 700, None), ('main', 1100, 'main'), ('main', 9000, 'main'), ('task', 20, None),
    ('task', 37, 'framing'), ('task', 41, 'framing'), ('task', 300, 'framing')])
def test_a_large_frame(boot, where, kib, name):
    """A frame that reaches over the guard page ends the image, with the name of its task: nothing
    that lies beyond is overwritten."""
    guest = boot('machine', net='none',
                 append=f'do=frame kib={kib} task={int(where == "task")}')
    assert guest.wait() == (134 if name else 0)
    assert not guest.seen('was changed'), guest.report()
    if name:
        assert guest.seen(f'fault in task {name}: stack overflow in task {name}'), guest.report()
    else:
        assert guest.seen(rf'a frame of {kib} KiB'), guest.report()


def bare_frames(arch, text):
    """Instructions that lower the stack pointer by a page or more, or by a register's number, in
    code that does not write to each page in between. `text` is objdump's."""
    bare = []
    for n, line in enumerate(text):
        lowered = re.search(r'\tsub(?:\.w|w)?\tsp, sp, (\S+)(?:, lsl #(\d+))?', line)
        if not lowered:
            continue
        by, shift = lowered[1].rstrip(','), int(lowered[2] or 0)
        size = int(by[1:], 0) << shift if by[0] == '#' else 4096
        if size < 4096:
            continue
        if arch == 'aarch64':      # pages one by one, each written with the zero register
            good = size == 4096 and any(re.search(r'\tstr\txzr, \[sp', after)
                                        for after in text[n + 1:n + 4])
        else:                      # written before, or just behind
            good = any(re.search(r'\tstr\tr\d+, \[(ip|lr|sp|r\d+)(, #-?\d+)?\]', near)
                       for near in text[n - 12:n + 4])
        if not good:
            bare.append(line)
    return bare


@pytest.mark.parametrize('arch, compiler', [('aarch64', 'aarch64-linux-gnu-'),
                                            ('arm', 'arm-none-eabi-')])
def test_no_frame_reaches_over_a_guard_page(built, tmp_path, arch, compiler):
    """In all code that is linked, libraries too: what lowers the stack pointer by a page or more
    writes there before it goes on."""
    def disassembled(path):
        return subprocess.run([compiler + 'objdump', '-d', '--no-show-raw-insn', path], check=True,
                              capture_output=True, text=True).stdout.splitlines()

    source = tmp_path / 'large.c'
    source.write_text('void use(char *); void large(void) { char b[41000]; use(b); }\n'
                      'void any(unsigned long n) { use(__builtin_alloca(n)); }\n')
    for option, count in (('-fno-stack-clash-protection', 2), ('-fstack-clash-protection', 0)):
        subprocess.run([compiler + 'gcc', '-O2', option, '-fno-omit-frame-pointer',
                        '--param=stack-clash-protection-guard-size=12', '-c', source, '-o',
                        tmp_path / 'large.o'] + (['-marm'] if arch == 'arm' else []), check=True)
        assert len(bare_frames(arch, disassembled(tmp_path / 'large.o'))) == count
    text = disassembled(built('httpd', 'elf', arch))
    assert len(text) > 10_000 and not bare_frames(arch, text)


def test_a_task_that_keeps_the_cpu(boot):
    """It is named while it does, and again when it parks."""
    guest = boot('machine', net='none', append='do=hog ms=2500')
    assert guest.wait(30) == 0
    assert guest.seen(r'warning: task grinder keeps the CPU: for \d{4} ms'), guest.report()
    assert guest.seen(r'warning: task grinder kept the CPU for \d{4} ms'), guest.report()

@pytest.mark.parametrize('transport', ['mmio', 'pci'])
def test_services_fit_on_the_least_stack(boot, site_disk, transport):
    """What TASK_STACK_SERVICES promises: DHCP, TCP both ways, UDP, a disk, a device's reset."""
    guest = boot('stacks', transport=transport, disks=[site_disk], rng=True,
                 forwards=[7, Forward(0, 7, proto='udp')], append='vireo.log=debug')
    guest.expect('vireo: ready')
    data = bytes(range(256)) * 1024
    for _ in range(3):
        clients = [socket.create_connection(('127.0.0.1', guest.port(7)), 20) for _ in range(4)]
        for client in clients:
            sender = threading.Thread(target=client.sendall, args=(data,))
            sender.start()
            got = b''
            while len(got) < len(data):
                got += client.recv(65536)
            sender.join()
            assert got == data
            client.close()
    guest.qmp('set_link', name='n0', up=False)
    guest.qmp('set_link', name='n0', up=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        def ended():
            s.sendto(b'end', ('127.0.0.1', guest.port(7, 'udp')))
            return not guest.alive()
        guest.until(ended, 'the end')
    assert guest.wait() == 0
    took, size = (int(n) for n in re.search(r'took (\d+) of (\d+) bytes', guest.text).groups())
    assert 1000 < took <= constant('TASK_STACK_SERVICES'), guest.report()
    assert size >= constant('TASK_STACK_MIN') >= 2 * constant('TASK_STACK_SERVICES')


def constant(name):
    """A size in bytes of vireo/task.h."""
    with open(f'{images.TREE}/platform/vireo/task.h') as f:
        number = re.search(rf'#define {name} +\((\d+)u \* 1024u\)', f.read())
    return int(number[1]) * 1024


# ---- the clock of the day ----

def clocks(guest):
    """Wall clock of the image minus that of the host, monotonic clock, in seconds, now."""
    guest.expect(r'machine: wall')             # whatever was printed by now
    told = guest.expect(r'machine: wall (\d+) monotonic (\d+)')
    return int(told[1]) / 1000 - time.time(), int(told[2]) / 1000


def right(guest):
    """The wall clock becomes the host's within seconds, to a fraction of a second."""
    guest.until(lambda: abs(clocks(guest)[0]) < 0.3, 'a clock that is right')


def passes(guest, seconds):
    """That time passes while the machine stands still, or runs on."""
    end = time.monotonic() + seconds
    guest.until(lambda: time.monotonic() > end, 'end of the time', seconds + 60)


def last_monotonic(guest):
    return int(guest.seen(r'machine: wall')[-1].split()[-1]) / 1000


def test_the_clock_after_a_pause(boot):
    guest = boot('machine', net='none', append='do=clock')
    right(guest)
    guest.qmp('stop')
    passes(guest, 3)
    guest.qmp('cont')
    right(guest)


def test_the_clock_after_a_snapshot(boot, tmp_path):
    """A machine that goes back to what was saved three seconds ago."""
    guest = boot('machine', net='none', append='do=clock', mem='32')
    disk = tmp_path / 'state.qcow2'
    disk.touch()
    guest.qmp('blockdev-add', driver='file', filename=str(disk), **{'node-name': 'raw'})
    guest.qmp('blockdev-create', **{
        'job-id': 'made', 'options': {'driver': 'qcow2', 'file': 'raw', 'size': 64 << 20}})
    guest.until(lambda: guest.qmp('query-jobs')[0]['status'] == 'concluded', 'a disk')
    guest.qmp('blockdev-add', driver='qcow2', file='raw', **{'node-name': 'disk'})
    right(guest)
    assert not guest.hmp('savevm a')
    passes(guest, 3)
    assert not guest.hmp('loadvm a')
    right(guest)


def test_the_clock_after_a_migration(boot, tmp_path):
    first = boot('machine', net='none', append='do=clock', mem='32')
    right(first)
    path = tmp_path / 'state'
    first.qmp('migrate', uri=f'exec:cat >{path}')
    first.until(lambda: first.qmp('query-migrate').get('status') == 'completed', 'the end')
    monotonic = last_monotonic(first)
    passes(first, 3)
    second = boot('machine', net='none', append='do=clock', mem='32',
                  extra=['-incoming', f'exec:cat {path}'])
    right(second)
    assert clocks(second)[1] >= monotonic


# ---- the power button ----

@pytest.fixture
def disk(tmp_path):
    path = tmp_path / 'disk'
    path.write_bytes(bytes(65536))
    return path


def press_power(guest):
    """QEMU may end with the image before it has answered."""
    with contextlib.suppress(ConnectionError):
        guest.qmp('system_powerdown')


@pytest.mark.parametrize('hook', [0, 3])
@pytest.mark.parametrize('transport', ['mmio', 'pci'])
def test_the_power_button(boot, disk, hook, transport):
    """The image ends in order: atexit(), streams, disks; also while main() is in getchar()."""
    guest = boot('machine', net='none', transport=transport, append=f'do=power hook={hook}',
                 disks=[Disk(str(disk))])
    guest.expect('vireo: ready')
    press_power(guest)
    assert guest.wait() == 0
    assert guest.seen('power button: the image ends') and guest.seen('machine: atexit')
    assert guest.seen('machine: not flushed yet')
    assert guest.lines[-1][1] == 'vireo: exit 0'
    assert disk.read_bytes()[8192:8204] == b'written late'


def test_a_handler_for_the_power_button(boot):
    """The application decides, at each press, and by its own status."""
    guest = boot('machine', net='none', append='do=power hook=1')
    guest.expect('vireo: ready')
    press_power(guest)
    guest.expect('machine: signal 15 in task power, 1')
    passes(guest, 0.3)                  # QEMU holds the button for a tenth of a second
    press_power(guest)
    guest.expect('machine: signal 15 in task power, 2')
    assert guest.wait() == 7


def test_an_ignored_power_button(boot):
    guest = boot('machine', net='none', append='do=power hook=2')
    guest.expect('vireo: ready')
    press_power(guest)
    guest.expect('power button: SIGTERM is ignored')
    assert guest.alive()


def test_the_power_button_of_an_image_that_waits(boot, site_disk):
    guest = boot('httpd', disks=[site_disk], forwards=[80], gic='3')
    guest.serving()
    press_power(guest)
    assert guest.wait() == 0


# ---- another boot loader ----

def uboot():
    """Where Debian and Fedora have it."""
    places = [f'/usr/{folder}/qemu_arm64/u-boot.bin' for folder in ('lib/u-boot', 'share/uboot')]
    return next((path for path in places if os.path.exists(path)), places[0])


def test_booti_of_uboot(boot, built):
    """U-Boot moves the image to where its header says, beside the tree at the start of RAM."""
    guest = boot.raw(['-M', 'virt', '-cpu', 'cortex-a72', '-m', '256', '-nographic', '-nic', 'none',
                      '-bios', uboot(), '-device',
                      f'loader,file={built("hello")},addr=0x42000000,force-raw=on'],
                     image=built('hello'))
    guest.expect('Net: ', 60)
    guest.send('\n')
    guest.send('booti 0x42000000 - 0x40000000\n')
    guest.expect('vireo: exit 0', 60)
    assert guest.seen('Hello. 256 MiB'), guest.report()


# ---- devices that nobody drives ----

# QEMU's devices, without -device or -pci, and their types (virtio 1.4, section 5).
UNCLAIMED = {'scsi': 8, 'gpu': 16, 'keyboard': 18, 'mouse': 18, 'tablet': 18, 'serial': 3}


@pytest.mark.parametrize('transport, suffix, copies', [
    ('mmio', 'device', 4), ('mmio-legacy', 'device', 1), ('pci', 'pci', 4)])
@pytest.mark.parametrize('level', ['debug', ''])
def test_devices_without_a_driver(boot, transport, suffix, copies, level):
    """A line each, at level debug alone; no register of theirs is written."""
    devices = [f'virtio-{name}-{suffix}' for name in [*UNCLAIMED] * copies + ['balloon']]
    guest = boot('machine', net='none', transport=transport,
                 append='do=wait' + (f' vireo.log={level}' if level else ''),
                 extra=[word for device in devices for word in ('-device', device)])
    guest.expect('vireo: ready')
    said = [int(n) for line in guest.seen('left alone')
            for n in re.findall(r'a device of type (\d+) is left alone: no driver', line)]
    assert sorted(said) == (sorted([*UNCLAIMED.values()] * copies + [5]) if level else [])
    assert not guest.seen('warning|error')
    paths = guest.qmp('x-query-virtio')
    assert len(paths) == len(devices)
    for path in (device['path'] for device in paths):
        assert not guest.qmp('x-query-virtio-status', path=path)['status']['statuses']
