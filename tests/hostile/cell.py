# SPDX-License-Identifier: BSD-2-Clause
"""One cell of the table: an image that works on a disk and a network card of ours, one attack on
one of them, and the verdict.

RECOVERED      no call of the image failed, and soon after the attack everything works again: reads,
               syncs and datagrams that began after it are right. Calls may have taken long, and
               datagrams may have been lost.
FAILED-CLEAN   a call failed. The other device works on, and the image ends in order.
SILENT-LOSS    a call succeeded wrongly: wrong bytes were read, or data that a successful fsync
               covers are not on the disk.
HANG           a device neither works nor fails, or the image does not end.
CRASH          the image or QEMU ended, or QEMU found a wrong access of the guest.
MISBEHAVED     the driver broke a rule of the standard in its queues.
NOT-STRUCK     the attack found nothing to attack, or our own device failed: the cell shows nothing.
"""
import contextlib
import dataclasses
import os
import re
import socket
import tempfile
import time

from hostile.card import Card
from hostile.disk import Disk
from vhost.protocol import Backend
from vireolib.guest import Guest, Lost
from vireolib.machine import PCI, Machine

GOOD = ('RECOVERED', 'FAILED-CLEAN')
BAD = ('SILENT-LOSS', 'HANG', 'CRASH', 'MISBEHAVED', 'NOT-STRUCK')
TRANSPORTS = ('mmio', 'pci')
ARGUMENTS = 'ip=10.77.0.99/24 vireo.cache=1 vireo.timeout_ms=250'
START, SETTLE, END = 120.0, 12.0, 60.0       # seconds that a cell waits at most
BEFORE, AFTER = 5, 2                         # operations before and after an attack
WORK = {'blk': ('read', 'sync'), 'net': ('echo',)}
PROGRESS = re.compile(r'^hostage: at=(\d+) read=(\d+)/(\d+)/(\d+) sync=(\d+)/(\d+)/(\d+) '
                      r'echo=(\d+)/(\d+)/(\d+) lost=(\d+)')
ERROR = re.compile(r'^hostage: at=\d+ op=(\w+) result=(-\d+)')
GONE = re.compile(r'^hostage: at=\d+ device=(\w+) state=gone')


@dataclasses.dataclass
class Result:
    verdict: str
    ms: int = -1             # from the attack's end until all works; after an error: from the first
                             # blow to the first error
    works: bool = False      # the attacked device works at the end
    detail: str = ''


class Watch:
    """The image's lines of progress, as numbers."""

    def __init__(self, guest):
        self.guest = guest
        self.read = 0
        self.counts = {}                     # op -> (good, errors, wrong)
        self.history = []                    # (monotonic time, counts)
        self.errors = []                     # (monotonic time, op, result)
        self.gone = set()

    def look(self):
        while self.read < len(self.guest.lines):
            when, text = self.guest.lines[self.read]
            self.read += 1
            self.line(self.guest.started + when, text)

    def line(self, when, text):
        if match := PROGRESS.match(text):
            n = [int(x) for x in match.groups()]
            self.counts = {'read': n[1:4], 'sync': n[4:7], 'echo': n[7:10]}
            self.history.append((when, self.counts))
        elif match := ERROR.match(text):
            self.errors.append((when, match[1], match[2]))
        elif match := GONE.match(text):
            self.gone.add('blk' if match[1].startswith('vblk') else 'net')

    def good(self, ops, least):
        """True if each of the operations has succeeded `least` times."""
        self.look()
        return all(self.counts.get(op, (0,))[0] >= n for op, n in zip(ops, least))

    def since(self, moment, ops):
        """The time at which each of the operations had succeeded AFTER times more than at `moment`,
        or None. The first line behind `moment` may be older than that, so counting begins with the
        second. Of two operations that end after a moment, the second also began after it."""
        self.look()
        later = [(when, counts) for when, counts in self.history if when > moment][1:]
        for when, counts in later:
            if all(counts[op][0] >= later[0][1][op][0] + AFTER for op in ops):
                return when
        return None

    def total(self, place):
        self.look()
        return sum(n[place] for n in self.counts.values())


@dataclasses.dataclass(frozen=True)
class Cell:
    attack: type
    target: str
    transport: str
    ring: str

    @property
    def attack_name(self):
        return f'{self.target}-{self.attack.name}'

    @property
    def name(self):
        return f'{self.attack_name} {self.transport} {self.ring}'

    @property
    def victim(self):
        return 'blk' if self.target == 'blk' else 'net'

    def machine(self, image, disk, card, directory):
        pci = ',' + PCI['pci'] if self.transport == 'pci' else ''
        kind = {'mmio': ('', '-device'), 'pci': ('-pci', '-pci')}[self.transport]
        packed = 'packed=on' if self.ring == 'packed' else 'packed=off'
        # QEMU 7.2 without KVM crashes at MSI-X messages of a vhost-user network card.
        of = {'blk': packed, 'net': packed + ',vectors=0' * bool(pci)}
        of[self.victim] += ',' * bool(self.attack.properties) + self.attack.properties
        extra = ['-object', 'memory-backend-memfd,id=mem,size=64M,share=on',
                 '-machine', 'memory-backend=mem']
        for name, backend in (('disk', disk.backend), ('card', card.backend)):
            extra += ['-chardev', f'socket,id={name},path={backend.path},reconnect=1']
        extra += ['-device', f'vhost-user-blk{kind[0]},chardev=disk,num-queues=1,config-wce=off,'
                             f'{of["blk"]}{pci}',
                  '-chardev', f'socket,id=stop,path={directory}/stop,server=on,wait=off',
                  '-device', f'virtio-serial{kind[1]}{pci}',
                  '-device', 'virtserialport,chardev=stop,name=stop']
        return Machine(image, transport=self.transport, smp='1,maxcpus=2', mem='64',
                       append=f'{ARGUMENTS} {self.attack.append}'.strip(),
                       netdev_line='vhost-user,id=n0,chardev=card',
                       net_device=of['net'], extra=extra)


class Run:
    def __init__(self, cell, image, directory, stack):
        self.cell = cell
        self.directory = directory
        kind = cell.attack
        options = {'event_idx': kind.event_idx, 'indirect': kind.indirect,
                   'packed': cell.ring == 'packed'}
        self.disk, self.card = Disk(), Card()
        self.backends = [Backend(d, **options) for d in (self.disk, self.card)]
        for backend in self.backends:
            stack.callback(backend.shut)
        self.victim = self.disk if cell.victim == 'blk' else self.card
        self.attack = kind(self.victim, cell.target)
        self.victim.attack = self.attack
        if kind.at_boot:
            self.attack.prepare()
        self.guest = stack.enter_context(
            Guest(cell.machine(image, self.disk, self.card, directory), directory))
        self.watch = Watch(self.guest)
        self.own = WORK[cell.victim]
        self.others = WORK['net' if cell.victim == 'blk' else 'blk']

    def until(self, holds, seconds):
        """Waits; False if holds() is not true in time, or the image has ended."""
        try:
            self.guest.until(holds, 'progress', seconds)
            return True
        except Lost:
            return False

    # ---- the steps ----

    def play(self):
        """Runs the cell; its Result."""
        if not self.begin():
            return self.verdict_early('HANG', 'the image did not begin to work')
        settled = self.settle()
        if not self.guest.alive():
            return self.verdict_early('CRASH', 'the image ended')
        self.fallen = [b.error for b in self.backends if b.error]
        return self.judge(settled, self.end())

    def failed(self):
        """The failed calls on the attacked device."""
        self.watch.look()
        return [e for e in self.watch.errors if e[1] in self.own]

    def begin(self):
        """Waits until both devices work, then begins the attack and waits for its end. False if the
        image did not begin to work."""
        if self.attack.at_boot:
            started = self.until(lambda: self.watch.good(self.others, (BEFORE, BEFORE)) and
                                 (self.watch.good(self.own, (BEFORE, BEFORE)) or self.failed()),
                                 START)
            self.attack.first_at = self.attack.over_at = self.guest.started
            self.attack.hits = int(self.attack.believed() or bool(self.failed()))
            return started
        if not self.until(lambda: self.watch.good(('read', 'sync', 'echo'), (BEFORE,) * 3), START):
            return False
        self.victim.backend.do(self.attack.begin)
        self.until(lambda: self.attack.over.is_set() or self.given_up(), self.attack.patience)
        return True

    def given_up(self):
        return self.cell.victim in self.watch.gone and self.failed()

    def moment(self):
        """The time at which the attack ended, or else began, or now."""
        return self.attack.over_at or self.attack.first_at or time.monotonic()

    def settle(self):
        """Waits until both devices work again, or the attacked one is given up and the other works.
        The time at which both worked, or None."""
        moment = self.moment()

        def settled():
            self.watch.look()
            return self.watch.since(moment, self.others) and \
                (self.watch.since(moment, self.own) or self.given_up())
        self.until(settled, SETTLE)
        return self.watch.since(moment, self.own + self.others)

    def end(self):
        """Tells the image to end; True if it did, with its last line."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f'{self.directory}/stop')
            s.sendall(b'x')
            try:
                self.guest.wait(END)
            except Lost:
                return False
        self.watch.look()
        # 74: not all that was written is on the disk, since the attack had it given up.
        return bool(self.guest.seen(r'^vireo: exit (0|1|74)$'))

    # ---- the verdict ----

    def losses(self):
        promised = {}
        for text in self.guest.seen('^hostage: blocks '):
            words = text.split()
            for n, pair in enumerate(words[3:]):
                promised[int(words[2]) + n] = tuple(map(int, pair.split('-')))
        return self.disk.losses(promised)

    def complaints(self):
        """QEMU's lines, without those that this attack may cause."""
        said = [line for line in self.guest.stderr()
                if not any(re.search(p, line) for p in self.attack.says)]
        return said + self.guest.guest_errors()

    def verdict_early(self, verdict, detail):
        if not self.guest.alive():
            verdict = 'CRASH'
        return Result(verdict, detail=detail)

    def judge(self, settled, ended):
        """`settled`: the time at which both devices worked again, or None. `ended`: the image ended
        in order. The first verdict of the list that holds counts."""
        first = min((e[0] for e in self.watch.errors), default=None)
        other = self.watch.since(self.moment(), self.others) is not None
        clean = first is not None and other
        ms = -1
        if settled and first is None:
            ms = int((settled - self.moment()) * 1000)
        elif first is not None:
            ms = max(0, int((first - self.attack.first_at) * 1000)) if self.attack.first_at else -1
        works = settled is not None and self.cell.victim not in self.watch.gone
        for verdict, holds, detail in (
                ('CRASH', self.guest.seen(r'panic|exception') and self.guest.status != 0, 'panic'),
                ('HANG', not ended, 'the image did not end'),
                ('CRASH', complaints := self.complaints(), (complaints or [''])[0]),
                ('SILENT-LOSS', self.watch.total(2) and not self.attack.alters, 'wrong bytes'),
                ('SILENT-LOSS', losses := self.losses(), (losses or [''])[0]),
                ('SILENT-LOSS', self.card.station.wrong, 'wrong bytes were sent'),
                ('MISBEHAVED', self.cell.ring not in self.attack.breaks
                 and self.violations(),
                 '; '.join(self.violations()[:2])),
                ('NOT-STRUCK', self.fallen, f'our own device failed: {self.fallen!r}'),
                ('NOT-STRUCK', not self.attack.hits, ''),
                ('RECOVERED', works and first is None, ''),
                ('FAILED-CLEAN', clean, f'{len(self.watch.errors)} kinds of errors'),
                ('HANG', True, 'neither works nor fails')):
            if holds:
                return Result(verdict, ms, works, detail)
        raise AssertionError('no verdict')

    def violations(self):
        return self.disk.violations + self.card.violations


def report(run, result):
    """The log of a cell."""
    lines = [f'{run.cell.name}: {result.verdict}, {result.ms} ms, works={result.works}, '
             f'{result.detail}',
             f'hits {run.attack.hits}, first at {seconds(run, run.attack.first_at)}, over at '
             f'{seconds(run, run.attack.over_at)}; resets of the disk {run.disk.resets} '
             f'({run.disk.lost} sectors lost), of the card {run.card.resets}']
    lines += ['violation: ' + text for text in run.violations()[:20]]
    lines += ['QEMU: ' + text for text in run.complaints()]
    lines += [f'error of a device here: {b.error!r}' for b in run.backends if b.error]
    return '\n'.join(lines) + '\n' + run.guest.report(100000) + '\n'


def seconds(run, moment):
    return f'{moment - run.guest.started:.3f}' if moment else '-'


def run(cell, image, log=None):
    """Boots, attacks, judges. `log`: a file for the serial log and the figures of the attack."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix='vh-'))
        run = Run(cell, image, directory, stack)
        result = run.play()
        run.guest.stop()
        if log:
            os.makedirs(os.path.dirname(log), exist_ok=True)
            with open(log, 'w') as f:
                f.write(report(run, result))
        return result
