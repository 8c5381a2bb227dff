# SPDX-License-Identifier: BSD-2-Clause
"""Booting: every transport, wake-up and interrupt controller, CPU, memory size and machine option;
and the ends: exit statuses, bad boot arguments, missing devices.
"""
import itertools
import re
import struct
import subprocess

import pytest

from vireolib import http, images, machine

TRANSPORTS = ('mmio', 'mmio-legacy', 'pci')
MATRIX = list(itertools.product(TRANSPORTS, ('irq', 'poll'), ('2', '3')))


def wakeup(how):
    return 'vireo.poll=1' if how == 'poll' else ''


def page_of(guest, path='/'):
    guest.serving(20)
    return http.get(guest.port(80), path)


@pytest.mark.parametrize('transport, wake, gic', MATRIX)
def test_httpd_on(boot, site_disk, transport, wake, gic):
    """The page comes, through disk and network card, woken in the way that was asked for."""
    guest = boot('httpd', transport=transport, gic=gic, append=wakeup(wake), disks=[site_disk],
                 forwards=[80])
    answer = page_of(guest)
    assert answer.status == 200 and b'<html' in answer.body.lower()
    status = http.status_json(guest.port(80))
    assert len(status['devices']) == 2
    for device in status['devices']:
        assert transport.split('-')[0] in device['transport'].lower()
        assert ('poll' in device['wakeup'].lower()) == (wake == 'poll'), device['wakeup']
        assert wake == 'poll' or http.woken(device)


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_polling_one_device(boot, site_disk, transport):
    guest = boot('httpd', transport=transport, append='vireo.vnet0.poll=1', disks=[site_disk],
                 forwards=[80])
    assert page_of(guest).status == 200
    wakeups = {d['type']: d['wakeup'] for d in http.status_json(guest.port(80))['devices']}
    assert len(wakeups) == 2
    for kind, how in wakeups.items():
        assert ('poll' in how.lower()) == ('net' in kind), wakeups


# ---- the two command lines of the documentation, word for word ----

PLAIN = '-M virt -cpu cortex-a72 -m 64 -nographic -netdev user,id=n,hostfwd=tcp:127.0.0.1:0-:80'


@pytest.mark.parametrize('net, blk', [
    ('virtio-net-device', 'virtio-blk-device'),
    ('virtio-net-pci,romfile=', 'virtio-blk-pci'),
])
@pytest.mark.parametrize('gic', ['', ',gic-version=3'])
def test_plain_command_line(boot, built, site_disk, net, blk, gic):
    """QEMU's own defaults: legacy mmio registers, transitional PCI devices, no semihosting."""
    guest = boot.raw(PLAIN.replace('virt', 'virt' + gic).split() + [
        '-kernel', built('httpd'), '-device', f'{net},netdev=n',
        '-drive', f'if=none,id=d,file={site_disk},format=raw,readonly=on',
        '-device', f'{blk},drive=d'], image=built('httpd'), forwards=[80])
    assert page_of(guest).status == 200


# ---- processors, memory, machine options ----

@pytest.mark.parametrize('cpu', machine.CPUS_OF['aarch64'])
def test_hello_on_cpu(boot, cpu):
    guest = boot('hello', cpu=cpu, net='none')
    assert guest.wait(30) == 0
    assert guest.lines[-1][1] == 'vireo: exit 0'


@pytest.mark.parametrize('smp', ['1', '2', '3', '4', '1,maxcpus=2'])
@pytest.mark.parametrize('gic', machine.GICS)
def test_httpd_with_cpus(boot, site_disk, smp, gic):
    guest = boot('httpd', smp=smp, gic=gic, disks=[site_disk], forwards=[80])
    assert page_of(guest).status == 200


@pytest.mark.parametrize('mem', ['8', '9', '11', '16', '33', '100', '128', '129', '512', '1G', '3G',
                                 '4G', '8G'])
@pytest.mark.parametrize('kind', ['img', 'elf'])
def test_httpd_with_memory(boot, site_disk, mem, kind):
    guest = boot('httpd', mem=mem, kind=kind, disks=[site_disk], forwards=[80])
    assert page_of(guest).status == 200
    total = http.status_json(guest.port(80))['memory']['total']
    asked = int(mem.rstrip('G')) << (30 if mem.endswith('G') else 20)
    assert asked * 0.9 <= total <= asked


@pytest.mark.parametrize('mem', ['5', '6', '7'])
def test_hello_with_little_memory(boot, mem):
    guest = boot('hello', mem=mem, net='none')
    assert guest.wait() == 0


@pytest.mark.parametrize('count', [7, 60])
def test_reserved_ranges(boot, tmp_path, count):
    """Entries of the tree's reservation block are noted, as many as that."""
    path = tmp_path / 'virt.dtb'
    subprocess.run([machine.find_qemu(), '-M', f'virt,dumpdtb={path}', '-cpu', 'cortex-a72', '-m',
                    '64', '-display', 'none'], check=True, capture_output=True, timeout=120)
    data = path.read_bytes()
    head = list(struct.unpack('>10I', data[:40]))
    used = max(head[2] + head[9], head[3] + head[8])    # then QEMU leaves a megabyte of room
    head[4] = used + 7 & ~7                             # where the block comes to lie
    block = b''.join(struct.pack('>2Q', 0x42000000 + (n << 16), 1 << 16) for n in range(count))
    head[1] = head[4] + len(block) + 16
    path.write_bytes(struct.pack('>10I', *head) + data[40:used].ljust(head[4] - 40, b'\0') + block +
                     bytes(16))
    guest = boot('hello', mem='64', net='none', extra=['-dtb', str(path)])
    assert guest.wait() == 0
    taken = re.search(r'(\d+) KiB of them taken', guest.text)
    assert int(taken[1]) >= count * 64, guest.report()


@pytest.mark.parametrize('app', ['hello', 'httpd'])
@pytest.mark.parametrize('mem', ['2', '3', '4', '5'])
def test_too_little_memory_is_said(boot, site_disk, app, mem):
    """Below the floor: an exit that says so, or QEMU's own refusal; never a silent hang."""
    guest = boot(app, mem=mem, disks=[site_disk] if app == 'httpd' else ())
    guest.until(lambda: guest.seen('ready') or not guest.alive(), 'word of it', 20)
    if guest.alive() or guest.wait() == 0:
        return                                   # enough for it
    said = guest.text + '\n'.join(guest.stderr())
    assert re.search(r'memory|Not enough space', said), said
    if guest.stderr():
        boot.expect_qemu_says('Not enough space|memory')


@pytest.mark.parametrize('options', ['highmem=off', 'virtualization=on', 'secure=on'])
@pytest.mark.parametrize('transport', ['mmio', 'pci'])
@pytest.mark.parametrize('gic', ['2', '3'])
@pytest.mark.parametrize('kind', ['img', 'elf'])
def test_httpd_on_machine(boot, site_disk, options, transport, gic, kind):
    guest = boot('httpd', transport=transport, gic=gic, disks=[site_disk], forwards=[80],
                 kind=kind, extra=['-machine', options])
    assert page_of(guest).status == 200


@pytest.mark.parametrize('options', ['virtualization=on', 'secure=on',
                                     'virtualization=on,secure=on'])
@pytest.mark.parametrize('kind', ['img', 'elf'])
def test_exit_status_on_machine(boot, options, kind):
    """The image starts in another exception level and still ends with its status."""
    guest = boot('ends', kind=kind, append='end=exit status=42', net='none',
                 extra=['-machine', options])
    assert guest.wait() == 42


def test_both_transports_at_once(boot, site_disk):
    """The network card on PCI, the disk on mmio: the image looks everywhere."""
    guest = boot('httpd', transport='pci', forwards=[80], extra=[
        '-drive', f'if=none,id=dx,file={site_disk},format=raw,readonly=on',
        '-device', 'virtio-blk-device,drive=dx'])
    assert page_of(guest).status == 200


# ---- what is not there ----

def test_missing_disk(boot):
    guest = boot('httpd', forwards=[80])
    answer = page_of(guest)
    assert answer.status == 404 and b'disk' in answer.body
    assert http.get(guest.port(80), '/status').status == 200


def test_missing_network(boot, site_disk):
    guest = boot('httpd', disks=[site_disk], net='none')
    status = guest.wait(30)
    assert status != 0
    assert guest.seen('no network'), guest.report()


def test_missing_disk_for_blkcheck(boot):
    guest = boot('blkcheck', net='none')
    assert guest.wait() != 0
    assert guest.seen('(?i)no .*disk|disk.*(missing|not)|vblk0'), guest.report()


# ---- boot arguments ----

def test_bad_boot_arguments_are_said(boot, site_disk):
    guest = boot('httpd', disks=[site_disk], forwards=[80],
                 append='vireo.pol=1 vireo.poll=banana vireo.vnet0.nosuch=3 ip=999.1.2.3 x=y')
    guest.serving(30)
    for words in ('vireo.pol=?1?', 'banana', 'nosuch', '999'):
        assert guest.seen(words), f'{words} is not in the log\n' + guest.report()
    assert len(guest.seen('banana')) == 1


@pytest.mark.parametrize('name', ['cache', 'vblk0.cache'])
def test_size_of_the_cache_is_a_boot_argument(boot, site_disk, name):
    """Known although no disk was opened yet, and heeded when one is."""
    guest = boot('httpd', disks=[site_disk], forwards=[80], append=f'vireo.{name}=1')
    guest.serving(30)
    assert not guest.seen('not known'), guest.report()
    assert http.get(guest.port(80), '/').status == 200
    disk, = (d for d in http.status_json(guest.port(80))['devices'] if d['name'] == 'vblk0')
    assert disk['cache']['cache_max_blocks'] == 256


def test_very_long_boot_arguments(boot):
    guest = boot('hello', net='none', append='x=' + 'a' * 1800 + ' vireo.nosuch=1')
    assert guest.wait() == 0


# ---- ends ----

@pytest.mark.parametrize('how, number', [('return', 0), ('return', 3), ('exit', 1), ('exit', 42),
                                         ('exit', 255), ('_exit', 7)])
@pytest.mark.parametrize('kind', ['img', 'elf'])
def test_exit_status(boot, how, number, kind):
    guest = boot('ends', kind=kind, net='none',
                 append=f'{"" if how == "return" else "end=" + how} status={number}')
    assert guest.wait() == number
    assert guest.lines[-1][1] == f'vireo: exit {number}'


def test_exit_without_semihosting(boot, built):
    """The last line still tells; QEMU ends by the power-off call, with 0."""
    guest = boot.raw(['-M', 'virt', '-cpu', 'cortex-a72', '-nographic', '-nic', 'none', '-kernel',
                      built('ends'), '-append', 'end=exit status=5'], image=built('ends'))
    assert guest.wait() == 0
    assert guest.lines[-1][1] == 'vireo: exit 5'


def test_hello(boot):
    guest = boot('hello')
    assert guest.wait() == 0
    assert guest.seen('(?i)hello')


def test_same_start_same_instructions(boot, built, tmp_path):
    """With the randomness of the device tree fixed, two boots execute the same instructions."""
    counts = []
    for n in range(2):
        out = tmp_path / f'marks{n}'
        guest = boot('hello', net='none', plugin=f'{images.plugin()},out={out}',
                     extra=['-machine', 'dtb-randomness=off'])
        assert guest.wait() == 0
        counts.append(images.marks(out)[images.MARK_MAIN])
    assert max(counts) - min(counts) <= max(counts) // 100
    assert max(counts) <= 200_000
