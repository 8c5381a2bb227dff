# SPDX-License-Identifier: BSD-2-Clause
"""The boot figures: instructions, memory, size and time from reset to main() and the first answer.

The figures of a Linux guest (Debian's 6.1 arm64 cloud kernel, tuned, on the same QEMU 7.2,
cortex-a72, one CPU, static address, modules in the initramfs) were measured once, with the same
plugin:
"""
import os
import time

from vireolib import http, images, report
from vireolib.guest import Guest, Lost
from vireolib.machine import Disk, Forward, Machine
from vireolib.tinyimage import image as tiny

LINUX_INIT_INSN = 868_000_000      # reset to /init
LINUX_HTTPD_INSN = 901_000_000     # reset to network up and httpd started
LINUX_MIN_MEM = 52                 # MiB, httpd answers
LINUX_HTTP_S = 1.35                # QEMU's start to the first answer 200

LIMITS = {
    'boot.hello_main_insn': 200_000,
    'boot.httpd_listen_insn': 2_000_000,
    'boot.hello_img_B': images.LIMITS['hello', 'aarch64'],
    'boot.httpd_img_B': images.LIMITS['httpd', 'aarch64'],
    'boot.hello_min_mem_MiB': 5,
    'boot.httpd_min_mem_MiB': 8,
}
MEM_TRIED = 64                     # MiB; the search for the floor ends there


def hello(**more):
    more.setdefault('net', 'none')
    return Machine(images.image('hello'), **more)


def httpd(append=images.STATIC_IP, **more):
    return Machine(images.image('httpd'), disks=[Disk(images.site_disk(), read_only=True)],
                   forwards=[Forward(0, 80)], append=append, **more)


def counted(machine, work, wanted):
    """Instructions of one run up to the mark `wanted`, or 'total'. The run ends when work(guest)
    has returned."""
    path = os.path.join(images.BUILD, 'bench', f'marks.{os.getpid()}.txt')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    machine.plugin = f'{images.plugin()},out={path}'
    try:
        with Guest(machine) as guest:
            work(guest)
            if wanted == images.MARK_READY:      # it is passed just after the line is written
                guest.until(lambda: wanted in images.marks(path), f'mark {wanted}')
        found = images.marks(path)
        if wanted not in found:
            raise Lost(f'the image passed no mark {wanted}\n' + guest.report())
        return found[wanted]
    finally:
        if os.path.exists(path):
            os.unlink(path)


def ends(guest):
    guest.wait(20)


def ready(guest):
    guest.expect(r'^vireo: ready', 20)


def answers(guest):
    """The first request is answered; seconds from QEMU's start."""
    guest.serving()
    answer = http.get(guest.port(80), '/')
    when = time.monotonic() - guest.started
    if answer.status != 200:
        raise Lost(f'the first answer is {answer.status}\n' + guest.report())
    return when


def instructions(n):
    rows = []
    add = lambda *a, **k: rows.append(report.median_row(*a, **k))   # noqa: E731
    add('boot.hello_main_insn', 'instructions',
        [counted(hello(), ends, images.MARK_MAIN) for _ in range(n)],
        linux=LINUX_INIT_INSN, config='no devices; Linux: to /init')
    for transport, suffix in (('mmio', ''), ('mmio-legacy', '.mmio_legacy'), ('pci', '.pci')):
        add('boot.httpd_listen_insn' + suffix, 'instructions',
            [counted(httpd(transport=transport), ready, images.MARK_READY) for _ in range(n)],
            linux=LINUX_HTTPD_INSN, config=f'{transport}, disk, static address',
            limit=LIMITS['boot.httpd_listen_insn'])
    add('boot.http_Minsn', 'million instructions',
        [counted(httpd(), answers, 'total') / 1e6 for _ in range(n)],
        linux=LINUX_HTTPD_INSN / 1e6,
        config='mmio, static, first answer sent; Linux: to httpd started')
    return rows


def works_with(machine, mem, work):
    machine.mem = str(mem)
    try:
        with Guest(machine) as guest:
            work(guest)
            return guest.status in (None, 0)
    except (Lost, OSError):
        return False


def least_memory(make, work):
    """The smallest -m in MiB with which the image works; it works with the next three sizes,
    too."""
    for mem in range(1, MEM_TRIED):
        if all(works_with(make(), mem + more, work) for more in range(4)):
            return mem
    raise Lost(f'the image does not work with less than {MEM_TRIED} MiB')


def memory():
    return [report.Row('boot.hello_min_mem_MiB', 'MiB', least_memory(hello, ends),
                       linux=LINUX_MIN_MEM, config='-m; exit status 0'),
            report.Row('boot.httpd_min_mem_MiB', 'MiB', least_memory(httpd, answers),
                       linux=LINUX_MIN_MEM, config='-m; mmio, static, first page answered')]


def sizes():
    return [report.Row(f'boot.{app}_img_B', 'bytes', os.path.getsize(images.image(app)),
                       config=f'{app}.img') for app in ('hello', 'httpd')]


def times(n):
    """Wall times. The images take turns, so that a busy moment of the host hits each of them."""
    path = os.path.join(images.BUILD, 'bench', 'empty.img')
    with open(path, 'wb') as f:
        f.write(tiny())
    taken = {'http': [], 'dhcp': [], 'empty': [], 'hello': []}
    for _ in range(n):
        machine = httpd()
        machine.image = path
        taken['empty'].append(run_to_end(machine))
        taken['hello'].append(run_to_end(hello()))
        for key, append in (('http', images.STATIC_IP), ('dhcp', '')):
            with Guest(httpd(append)) as guest:
                taken[key].append(answers(guest))
    add = report.median_row
    return [add('boot.http_s', 's', taken['http'], linux=LINUX_HTTP_S,
                config='QEMU start to first answer, mmio, static'),
            add('boot.http_dhcp_s', 's', taken['dhcp'], config='the same with DHCP'),
            add('boot.hello_s', 's', taken['hello'], config='hello, start to end'),
            add('boot.qemu_empty_s', 's', taken['empty'],
                config='QEMU with these devices and an image that only ends')]


def run_to_end(machine):
    """Seconds from QEMU's start to its end."""
    with Guest(machine, qmp=False) as guest:
        guest.wait(20)
        return time.monotonic() - guest.started


def main(n, document=False):
    rows = instructions(n) + sizes() + memory() + times(max(n, 7))
    for row in rows:
        row.limit = row.limit or LIMITS.get(row.metric)
    return report.finish('boot', os.path.join(images.BUILD, 'bench', 'boot.json'), rows,
                         document)
