# SPDX-License-Identifier: BSD-2-Clause
"""make load: keeps httpd busy on every transport and wake-up, and counts what goes wrong.

For each machine it boots httpd once and runs ab and wrk with 1, 8 and 64 connections, keep-alive
and close, then one upload and one download. Each run must have no failed request and no stall.
After the runs the image must still answer, and have as much free memory as after a warm-up. Results
are kept in build/load/state.json under the image's checksum, so an interrupted series goes on; with
a changed image it starts again.
"""
import hashlib
import itertools
import json
import os
import re
import shutil
import time

from vireolib import clients, http, images
from vireolib.guest import Guest, Lost
from vireolib.machine import Disk, Forward, Machine

DIRECTORY = os.path.join(images.BUILD, 'load')
TRANSPORTS = ('mmio', 'mmio-legacy', 'pci')
CONNECTIONS = (1, 8, 64)
TOOLS = {'ab': clients.ab, 'wrk': clients.wrk}
SETTLE = 180.0             # seconds until closed connections must have freed their memory
SLACK = 256 * 1024         # bytes more behind all runs that need no second look
WARM_UP_REQUESTS, WARM_UP_BYTES = 300, 16 << 20    # of each run, before memory is first read
# Tables and pools keep their peak, and a leak goes on: runs of this size, behind the others, take
# no more than so many bytes.
AGAIN_REQUESTS, AGAIN_BYTES, AGAIN_SLACK = 3000, 16 << 20, 64 * 1024


def machines(quick):
    """(name, transport, wake-up, smp) of each boot."""
    if quick:
        return [('mmio irq smp1', 'mmio', 'irq', '1'),
                ('pci irq maxcpus2', 'pci', 'irq', '1,maxcpus=2')]
    return [(f'{t} {w} {"maxcpus2" if "," in s else "smp1"}', t, w, s)
            for t, w, s in itertools.product(TRANSPORTS, ('irq', 'poll'),
                                             ('1', '1,maxcpus=2'))]


def runs(requests, size):
    """(name, function(port) -> Outcome) of each run on one machine."""
    for tool, keep, connections in itertools.product(TOOLS, (True, False), CONNECTIONS):
        name = f'{tool} {"keep" if keep else "close"} c{connections} n{requests}'
        yield name, lambda port, t=tool, k=keep, c=connections: TOOLS[t](
            f'http://127.0.0.1:{port}/', c, k, requests)
    yield f'upload {size >> 20}M', lambda port: clients.upload(port, size)
    yield f'download {size >> 20}M', lambda port: clients.download(port, size)


def rekicks(status):
    """Notifications that were repeated because a queue made no progress, of all devices."""
    return status['rekicks']


def in_use(status):
    """Bytes of memory in use in the image, without holes between the heap's pieces."""
    memory = status['memory']
    return memory['total'] - memory['free'] - (memory['heap_used'] - memory['heap_live'])


class State:
    """The outcomes of runs, in a file."""

    def __init__(self, path, fresh):
        self.path = path
        self.done = {}
        if not fresh and os.path.exists(path):
            with open(path) as f:
                self.done = json.load(f)

    def put(self, key, value):
        self.done[key] = value
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path + '.new', 'w') as f:
            json.dump(self.done, f, indent=1)
        os.replace(self.path + '.new', self.path)


class Series:
    """All runs of one image."""

    def __init__(self, state, options):
        self.state = state
        self.options = options
        # Copies, so that a build meanwhile changes nothing; the disk may be in use, too.
        self.image = os.path.join(DIRECTORY, 'httpd.img')
        self.disk = os.path.join(DIRECTORY, 'site.img')
        os.makedirs(DIRECTORY, exist_ok=True)
        shutil.copyfile(images.image('httpd'), self.image)
        shutil.copyfile(images.site_disk(), self.disk)
        with open(self.image, 'rb') as f:
            self.image_id = hashlib.sha256(f.read()).hexdigest()[:12]
        self.rows = []

    def key(self, name):
        return f'{self.image_id} {self.options.append} {name}'

    def machine(self, transport, wake, smp):
        append = [images.STATIC_IP, self.options.append] + ['vireo.poll=1'] * (wake == 'poll')
        return Machine(self.image, transport=transport, smp=smp,
                       disks=[Disk(self.disk, read_only=True)],
                       forwards=[Forward(0, 80)], append=' '.join(filter(None, append)))

    def done(self, name):
        return self.state.done.get(self.key(name), {}).get('ok', False)

    def on(self, name, *how):
        """All runs of one machine that have not yet succeeded."""
        asked = [(f'{name}: {run}', work) for run, work in runs(self.options.requests,
                                                                self.options.mib << 20)]
        asked = [(run, work) for run, work in asked if re.search(self.options.only, run)]
        if not asked:
            return
        end = f'{name}: end'
        todo = [(run, work) for run, work in asked if not self.done(run)]
        if todo or not self.done(end):
            self.boot(todo, end, self.machine(*how))
        for run in [run for run, _ in asked] + [end]:
            self.rows.append((run, self.state.done.get(self.key(run), NEVER_RUN)))

    def boot(self, todo, end, machine):
        with Guest(machine) as guest:
            try:
                guest.serving(20)
                port = guest.port(80)
                for _, work in runs(WARM_UP_REQUESTS, WARM_UP_BYTES):
                    work(port)
                before = settled(port, None)
                kicks = rekicks(before)
                for run, work in todo:
                    kicks = self.one(run, work, port, kicks)
                self.finish(end, guest, port, in_use(before))
            except (Lost, OSError, ValueError, KeyError) as e:
                self.record(end, result(trouble=f'{e!r}\n{guest.report(30)}'))

    def one(self, run, work, port, kicks):
        """One run; the image must answer after it. Returns the counter of rekicks then."""
        outcome = work(port)
        status = http.status_json(port, timeout=clients.STALL)
        self.record(run, result(outcome.trouble, outcome.done, outcome.failed, outcome.seconds,
                                rekicks(status) - kicks))
        return rekicks(status)

    def finish(self, end, guest, port, before):
        after = in_use(settled(port, before))
        trouble = ''
        if after - before > SLACK:
            trouble = self.leak(port, after - before)
        said = guest.guest_errors() + guest.stderr()
        if said:
            trouble = 'QEMU said: ' + ' / '.join(said[:3])
        self.record(end, dict(result(trouble), grown=after - before))

    def leak(self, port, grown):
        """What is wrong when memory goes on growing; '' when it stays at its peak."""
        for _ in range(2):               # the first round may still find a higher peak
            before = in_use(settled(port, None))
            for _, work in runs(AGAIN_REQUESTS, AGAIN_BYTES):
                work(port)
            more = in_use(settled(port, before, AGAIN_SLACK)) - before
            if more <= AGAIN_SLACK:
                return ''
        return f'memory in use grew by {grown} bytes, and by {more} in as many runs of ' \
               f'{AGAIN_REQUESTS} requests more'

    def record(self, run, outcome):
        self.state.put(self.key(run), outcome)
        show(run, outcome)


def result(trouble='', done=0, failed=0, seconds=0.0, kicks=0):
    return dict(ok=not trouble, trouble=trouble, done=done, failed=failed, seconds=seconds,
                rate=done / seconds if seconds else 0.0, rekicks=kicks)


NEVER_RUN = result('not run: the image had failed before')


def settled(port, wanted, slack=SLACK):
    """/status.json as soon as memory in use is at most `wanted` bytes and the slack (None: has
    stopped to fall), or after SETTLE seconds."""
    deadline = time.monotonic() + SETTLE
    status = http.status_json(port, timeout=clients.STALL)
    best = in_use(status)
    steady = 0
    while time.monotonic() < deadline:
        if wanted is not None and in_use(status) <= wanted + slack:
            break
        steady = steady + 1 if in_use(status) >= best else 0
        if wanted is None and steady >= 3:
            break
        best = min(best, in_use(status))
        idle_second(port)
        status = http.status_json(port, timeout=clients.STALL)
    return status


def idle_second(port):
    """Waits a second, with one silent connection open."""
    with http.Connection(port, timeout=1.0) as c:
        try:
            c.closed()
        except OSError:
            pass


def show(run, outcome):
    text = f'{outcome["rate"]:10,.0f} /s'
    if 'load' in run:
        text = f'{outcome["rate"] / 1e6:10,.1f} MB/s'
    if 'grown' in outcome:
        text = f'memory {outcome["grown"]:+,} B'
    word = 'ok' if outcome['ok'] else 'FAILED: ' + outcome['trouble']
    print(f'{run:42s} {text:16s} rekicks {outcome["rekicks"]:4d}  {word}', flush=True)


def main(options):
    options.requests = options.requests or (2000 if options.quick else 50_000)
    options.mib = options.mib or (64 if options.quick else 1024)
    series = Series(State(os.path.join(DIRECTORY, 'state.json'), options.fresh), options)
    for name, *how in machines(options.quick):
        series.on(name, *how)
    print(f'\nload: image {series.image_id}, all runs:')
    for run, outcome in series.rows:
        show(run, outcome)
    bad = sum(not outcome['ok'] for _, outcome in series.rows)
    kicks = sum(outcome['rekicks'] for run, outcome in series.rows if 'maxcpus2' in run)
    print(f'load: runs={len(series.rows)} failed={bad} rekicks_maxcpus2={kicks}')
    return 1 if bad or kicks or not series.rows else 0
