# SPDX-License-Identifier: BSD-2-Clause
"""make soak: a working image, and faults in its devices every few seconds.

tests/apps/soak serves pages from one disk and verifies three others. faults_of() lists the faults,
each with its target; a target has one fault at a time. A seed decides which fault comes when. An
interrupted run starts again.
"""
import collections
import functools
import random
import re
import tempfile
import time
import traceback

from vireolib import images, soak_machine
from vireolib.guest import PATIENCE, Guest, Lost

SIZE = 4 << 20             # bytes of a verified disk
DISKS = ('posix', 'raw', 'rawscratch')
CARD = 'net0'
DEADLINE_MS = 1000         # of a request, so that a crawling disk is reset
EVERY = (0.5, 4.0)         # seconds between the begins of two faults
REPORT = 10.0              # seconds between two lines
STILL = 60.0               # seconds after which a disk without a round hangs
WARM_UP = 3.0              # seconds of work before memory is first read
QUICK = 'vireo.pci.button_ms=100'   # a second press of a slot's button cancels for 0.1 s, not 5 s
WORKS = 'vnet0: works again'
SETTLE = 30.0              # seconds after which memory must be as before
SLACK = 512 * 1024         # bytes more that count as equal: malloc and lwIP keep their peak
AFTERMATH = 10.0           # seconds after a fault of the card in which a connection may still end
RESETS = ('crawl', 'ring')  # faults after which a device needs a reset, or several
CALM = 16.0                # seconds between two of these on one device: a device that does not work
                           # for 10 s between resets is given up after some, as it should be
REST = 12.0                # seconds without faults before the end, over any pause of a retry

Fault = collections.namedtuple('Fault', 'name target begin')


# ---- what can break ----------------------------------------------------------------------------

def crawl(soak, disk, rng):
    soak.faults.throttle(disk, rng.choice((1, 2, 10, 50)))
    return rng.uniform(0.5, 4), functools.partial(soak.faults.throttle, disk, 0)


def errors(soak, disk, rng):
    """Reads or writes of one sector or of all fail, and perhaps the next flushes."""
    rules = []
    for _ in range(rng.randint(1, 3)):
        rule = {'iotype': rng.choice(('read', 'write')), 'errno': rng.choice((5, 28))}
        if rng.random() < 0.7:
            rule['sector'] = rng.randrange(SIZE // 512)
        rules.append(rule)
    rules += [{'iotype': 'flush', 'errno': 5, 'once': True}] * rng.randint(0, 3)
    node = soak.faults.fail(disk, *rules)
    return rng.uniform(0.5, 3), functools.partial(soak.mend, disk, node)


def resize(soak, disk, rng):
    soak.faults.resize(disk, SIZE * rng.randint(2, 5))
    return rng.uniform(0.1, 3), functools.partial(soak.faults.resize, disk, SIZE)


def spoil(soak, device, rng, queues=1):
    """A ring that is not in use while it is spoilt is no fault: that is counted in `missed`."""
    if not soak.faults.spoil(device, rng.randrange(queues)):
        soak.missed += 1
    return 0, lambda: None


def pull(soak, _, rng):
    soak.faults.link(False)
    return rng.uniform(0.2, 3), functools.partial(soak.faults.link, True)


def announce(soak, _, rng):
    soak.faults.announce()
    return 0, lambda: None


def stand_still(soak, _, rng):
    soak.faults.pause()
    soak.faults.hold(rng.uniform(0.1, 3 * DEADLINE_MS / 1000))
    soak.faults.go_on()
    return 0, lambda: None


def unplug(soak, target, rng):
    """By the slot's button: the image is asked first. Calls fail until the device is put back."""
    device = target if target == CARD else 'dev-' + target
    soak.faults.remove(device)
    return rng.uniform(0.1, 4), functools.partial(soak.put_back, device)


def faults_of(ring, transport):
    """All faults of such a machine. Devices of PCI alone can be unplugged. A disk's packed ring is
    not spoilt: QEMU 7.2 would loop for ever."""
    net_rings = functools.partial(spoil, queues=2)
    all_faults = [Fault('crawl', disk, crawl) for disk in ('site', *DISKS)]
    all_faults += [Fault('errors', disk, errors) for disk in DISKS]
    all_faults += [Fault('resize', 'rawscratch', resize)] * 2
    all_faults += [Fault('ring', CARD, net_rings)] * 2
    all_faults += [Fault('link', CARD, pull), Fault('announce', CARD, announce)]
    all_faults += [Fault('pause', 'machine', stand_still)]
    if transport == 'pci':
        all_faults += [Fault('unplug', target, unplug) for target in (CARD, *DISKS)]
    if ring == 'split':
        all_faults += [Fault('ring', disk, lambda s, d, rng: spoil(s, 'dev-' + d, rng))
                       for disk in ('site', *DISKS)]
    return all_faults


# ---- the run -----------------------------------------------------------------------------------

class Soak:
    def __init__(self, rig, options):
        self.rig, self.options = rig, options
        self.guest, self.faults = rig.guest, rig.faults
        self.random = random.Random(options.seed)
        self.pending = []            # (when to undo, target, how, when it began)
        # QEMU 7.2 miscounts when it drops the frames in a packed ring, and then asks for a reset.
        self.resets = (*RESETS, 'link') if options.ring == 'packed' else RESETS
        self.calm = collections.defaultdict(float)   # target: when it may be reset again
        self.counts = collections.Counter()
        self.seconds = 0             # of the run so far
        self.missed = 0              # rings that were spoilt while nothing used them
        self.bad = []
        self.visitors = None
        self.upsets = []             # (begin, end) of faults that may end a connection
        self.rounds = {}             # disk: (rounds, when they were last seen to grow)

    # ---- faults ----

    def busy(self, target):
        return any(entry[1] == target for entry in self.pending)

    def mend(self, disk, node):
        """QEMU flushes before it changes a disk's nodes; that may be the flush that is to fail, so
        try again."""
        for _ in range(5):
            try:
                return self.faults.heal(disk, node)
            except RuntimeError as e:
                if 'flush' not in str(e):
                    raise
        raise Lost(f'{disk} cannot be mended')

    def put_back(self, device):
        """While the card is away the image ends its connections and cannot tell the clients, so the
        clients hang up."""
        before = len(self.guest.seen(WORKS))
        self.faults.put_back(device)
        if device == CARD:
            self.guest.until(lambda: len(self.guest.seen(WORKS)) > before, 'card that works')
            self.visitors.hang_up()
            self.rig.forget_connection()

    def may(self, fault):
        """True if the target has no fault now, and a further reset would not make its driver give
        up."""
        calm = fault.name not in self.resets or time.monotonic() >= self.calm[fault.target]
        return calm and not self.busy(fault.target)

    def strike(self):
        """Begins one fault."""
        fault = self.random.choice([f for f in faults_of(self.options.ring, self.options.transport)
                                    if self.may(f)])
        begun = time.monotonic()
        seconds, undo = fault.begin(self, fault.target, self.random)
        self.counts[fault.name] += 1
        if fault.name in self.resets:
            self.calm[fault.target] = time.monotonic() + seconds + CALM
        self.pending.append((time.monotonic() + seconds, fault.target, undo, begun))

    def undo(self, now):
        for entry in [e for e in self.pending if e[0] <= now]:
            _, target, undo, begun = entry
            undo()
            self.pending.remove(entry)
            if target in (CARD, 'machine'):
                self.upsets.append((begun, time.monotonic()))

    # ---- watching ----

    def look(self, now):
        """Notes each disk that had no round for STILL seconds. Needs the network."""
        for name, disk in self.rig.disks().items():
            rounds, when = self.rounds.get(name, (-1, now))
            if disk['rounds'] > rounds:
                self.rounds[name] = disk['rounds'], now
            elif now - when > STILL:
                self.bad.append(f'{name}: no round in {STILL:g} s')
                self.rounds[name] = rounds, now

    def unexplained(self, breaks):
        """A sentence if connections ended although card and machine had no fault then, nor in the
        AFTERMATH seconds before."""
        broken = [t for t in breaks if not any(begin <= t <= end + AFTERMATH
                                               for begin, end in self.upsets)]
        return [f'{len(broken)} connections broke, and nothing was wrong with the network card'
                ] * bool(broken)

    def tell(self, began, visitors):
        disks = ' '.join(f'{name} {rounds}' for name, (rounds, _) in sorted(self.rounds.items()))
        print(f'{time.monotonic() - began:6.0f} s  faults {sum(self.counts.values()):4d}  '
              f'pages {visitors.total("answers"):6d}  slowest {visitors.slowest:5.1f} s  '
              f'reconnects {visitors.total("broken"):3d}  rounds: {disks}  bad {len(self.bad)}',
              flush=True)

    def run(self, visitors):
        self.visitors = visitors
        began = time.monotonic()
        end, strike_at, tell_at, look_at = began + self.options.time, began, began, began
        while (now := time.monotonic()) < end and self.guest.alive():
            self.seconds = round(now - began)
            self.undo(now)
            if now >= strike_at and now < end - min(REST, self.options.time / 3):
                self.strike()
                strike_at = time.monotonic() + self.random.uniform(*EVERY)
            if now >= look_at and not self.busy(CARD):
                self.look(now)
                look_at = now + 1
            if now >= tell_at:
                self.tell(began, visitors)
                tell_at += REPORT
            self.faults.hold(0.05)
        self.seconds = round(min(now, end) - began)
        self.undo(float('inf'))
        self.tell(began, visitors)


# ---- memory ------------------------------------------------------------------------------------

def at_rest(status):
    """Figures that must be the same before and after the faults: bytes, and numbers of objects."""
    net = next(d['net'] for d in status['devices'] if d['type'] == 'net')
    return {'memory': status['memory']['total'] - status['memory']['free'],
            'stack': status['network']['mem_used'], 'sockets': status['network']['sockets'],
            'receive buffers': net['rx_buffers'], 'held': net['rx_held']}


def settled(rig, before=None):
    """at_rest() as soon as it is as before, or after SETTLE seconds. Without `before`: after 5
    s."""
    now = at_rest(rig.status())
    deadline = time.monotonic() + (SETTLE if before else 5)
    while time.monotonic() < deadline and (not before or grown(before, now)):
        rig.faults.hold(0.5)
        now = at_rest(rig.status())
    return now


def grown(before, after):
    slack = {'memory': SLACK, 'stack': SLACK, 'sockets': 0, 'receive buffers': 0, 'held': 0}
    return [f'{what}: {before[what]} before, {after[what]} after' for what in before
            if after[what] > before[what] + slack[what] or
            (what == 'receive buffers' and after[what] != before[what])]


# ---- all of it ---------------------------------------------------------------------------------

def judge(soak, before):
    """After the last fault: memory, the state of each device, the disks' content, QEMU's
    messages."""
    rig, bad = soak.rig, soak.bad
    bad += grown(before, settled(rig, before))
    for device in rig.status()['devices']:
        name = device.get('block', {}).get('id', device['name'])
        print(f'{name:12s} {device["state"]:5s} resets {device["resets"]:4d}, '
              f'recoveries {device["recoveries"]:4d}  {device["cause"]}')
        if device['state'] != 'ok':
            bad.append(f'{name} is {device["state"]}: {device["cause"]}')
    bad += rig.end()
    expected = [re.compile(p) for p in soak_machine.SAID]
    if soak.options.ring == 'packed':
        expected.append(re.compile('Virtqueue size exceeded'))
    bad += ['QEMU said: ' + line for line in rig.guest.stderr() + rig.guest.guest_errors()
            if not any(p.search(line) for p in expected)]


def work(options, directory):
    site, pages = soak_machine.make_site(directory)
    machine = soak_machine.machine(
        images.image('soak'), directory, site, disks=DISKS, size=SIZE, ring=options.ring,
        transport=options.transport, ports=options.transport == 'pci',
        append=f'vireo.timeout_ms={DEADLINE_MS} {QUICK} {options.append}')
    with Guest(machine, patience=PATIENCE) as guest:
        rig = soak_machine.Rig(guest, directory, pages)
        soak = Soak(rig, options)
        try:
            rig.ready()
            with rig.visiting(options.clients):
                rig.faults.hold(WARM_UP)
            before = settled(rig)
            with rig.visiting(options.clients) as visitors:
                soak.run(visitors)
            soak.bad += visitors.trouble
            soak.bad += soak.unexplained(visitors.breaks)
            judge(soak, before)
        except (Lost, OSError, RuntimeError, KeyError, ValueError) as e:
            where = ''.join(traceback.format_tb(e.__traceback__))
            soak.bad.append(f'{e!r}\n{where}{guest.report(40)}')
    return soak


def main(options):
    print(f'soak: {options.time} s on {options.transport} with {options.ring} rings, seed '
          f'{options.seed}', flush=True)
    with tempfile.TemporaryDirectory(prefix='vireo-soak-') as directory:
        soak = work(options, directory)
    for text in soak.bad[:40]:
        print('bad: ' + text)
    faults = sum(soak.counts.values())
    print('faults: ' + ', '.join(f'{name} {n}' for name, n in sorted(soak.counts.items())) +
          f'; rings that were not in use: {soak.missed}')
    print(f'soak: seconds={soak.seconds} faults={faults} bad={len(soak.bad)}')
    return 1 if soak.bad or not faults else 0
