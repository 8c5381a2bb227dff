# SPDX-License-Identifier: BSD-2-Clause
"""Power cuts. An image writes to a disk whose writes are logged, and says what it acknowledged; the
log becomes disks as cuts at random moments leave them (writelog.py), and a program of the host with
the image's own code (tests/powercut/) judges each: what was acknowledged before the cut is there.
Some of the disks are booted from, too, and go on. Then QEMU is killed at random moments.

What was found is kept in build/powercut/ until the image or these files change, so that an
interrupted run goes on.
"""
import bisect
import concurrent.futures
import dataclasses
import hashlib
import itertools
import json
import os
import random
import re
import struct
import subprocess
import tempfile
import time

from vireolib import datadisk, images, writelog
from vireolib.guest import Guest, Lost
from vireolib.machine import Disk, Machine

MIB = 1 << 20
FOLDER = os.path.join(images.BUILD, 'powercut')
RECORDING, BOOTING = 120, 60            # s, at most
KILL_WITHIN = 0.6                       # s of work before a kill, at most
JOBS = 2
SAVE_EVERY = 5.0                        # s


class Workload:
    """What an image does to a disk, and how a disk is judged. This one: examples/blkcheck."""
    name = 'blkcheck'
    app = 'blkcheck'
    size = 4 * MIB
    acknowledged = r'^blkcheck: acknowledged (\d+)'
    enough, few = 400, 30        # acknowledgements that are recorded, by `make powercut` and a test
    magic = 0x736b6e756f526b62   # examples/blkcheck/rounds.c

    def make(self, path):
        """A new disk."""
        with open(path, 'wb') as f:
            f.truncate(self.size)

    def machine(self, disk, rounds=1000000, acknowledged=0):
        return Machine(images.image(self.app), net='none', disks=[disk],
                       append=f'vireo.{self.name}.mode=rounds vireo.{self.name}.rounds={rounds} '
                              f'vireo.{self.name}.acknowledged={acknowledged}')

    def work(self, guest, done):
        """Has the image work until done(n) is true, after each acknowledgement n."""
        while not done(int(guest.expect(self.acknowledged, BOOTING)[1])):
            pass

    def count(self, acknowledged):
        """How many that is."""
        return acknowledged

    def witness(self, entry):
        """What a write shows to have been acknowledged before it: the round before its own."""
        if not entry.data:
            return 0
        found = (struct.unpack_from('<QQQ', entry.data, at)
                 for at in range(0, len(entry.data) - 24, writelog.SECTOR))
        return max((last - 1 for magic, _, last in found if magic == self.magic), default=0)

    def judge(self, path, acknowledged):
        """'', or what is wrong with a disk, by a program of the host."""
        return judged([self.program(), path, str(acknowledged)])

    def program(self):
        path = os.path.join(images.BUILD, 'host', f'cut-{self.name}')
        if not os.path.isfile(path):
            raise images.Unusable(f'{os.path.relpath(path)} is not built; `make {path}` builds it')
        return path

    def boot(self, path, acknowledged, directory=None, patience=1):
        """'', or what an image finds that boots from the disk, and writes three rounds more."""
        with Guest(self.machine(Disk(path), 3, acknowledged), directory,
                   patience=patience) as guest:
            try:
                status = guest.wait(BOOTING)
            except Lost:
                status = 'none'
            found = guest.seen(rf'^{self.name}: .*good, (\d+) rounds')
            if status != 0 or not found:
                return f'status {status}\n' + guest.report(20)
        rounds = int(re.search(r'(\d+) rounds', found[0])[1])
        return self.judge(path, rounds + 3)


class Fileset(Workload):
    """Files of littlefs: tests/apps/fileset."""
    name = 'fileset'
    app = 'fileset'
    size = MIB
    acknowledged = r'^fileset: acknowledged (\d+)'

    def make(self, path):
        if os.path.exists(path):
            os.unlink(path)
        datadisk.make(path, self.size, 4096, None)

    def witness(self, entry):
        """The records of the log that are written: the round before the last one is whole."""
        found = re.findall(rb'record (\d+)\0', entry.data or b'')
        return max((int(n) - 1 for n in found), default=0)


def judged(command):
    said = subprocess.run(command, capture_output=True, text=True)
    return '' if said.returncode == 0 else (said.stdout + said.stderr).strip()


# ---- the log -------------------------------------------------------------------------------------

@dataclasses.dataclass
class Recording:
    """A log, and what had been acknowledged when."""
    base: bytes
    entries: list
    acks: list                   # (entries of the log by then, number), in order

    def acknowledged(self, cut):
        """The number that was acknowledged before the cut."""
        at = bisect.bisect_right(self.acks, (cut, float('inf')))
        return self.acks[at - 1][1] if at else 0


def record(workload, folder, enough=None, patience=1):
    """Lets the image work on a new disk until so much was acknowledged; the Recording."""
    disk, log = os.path.join(folder, 'disk'), os.path.join(folder, 'log')
    workload.make(disk)
    with open(disk, 'rb') as f:
        base = f.read()
    seen = []

    def done(n):
        seen.append((writelog.position(log), n))
        return workload.count(n) >= (enough or workload.enough)

    with Guest(workload.machine(writelog.LoggedDisk(disk, log)), patience=patience) as guest:
        workload.work(guest, done)
        guest.process.kill()
    return recording(workload, base, writelog.read(log), seen)


def recording(workload, base, entries, seen):
    """seen: (bytes of the log, number) of each acknowledgement."""
    ends = [entry.end for entry in entries]
    acks = [(bisect.bisect_right(ends, at), n) for at, n in seen]
    acks += [(n + 1, shown) for n, entry in enumerate(entries)
             if (shown := workload.witness(entry))]
    acks.sort()
    most = list(itertools.accumulate((n for _, n in acks), max))
    return Recording(base, entries, [(at, n) for (at, _), n in zip(acks, most)])


# ---- what is tried -------------------------------------------------------------------------------

def cuts(recorded, count, seed):
    """(n, acknowledged, disk) of so many cuts, in the order of the log."""
    rng = random.Random(seed)
    places = sorted(rng.randrange(1, len(recorded.entries) + 1) for _ in range(count))
    cutter = writelog.Cutter(recorded.base, recorded.entries)
    for n, place in enumerate(places):
        yield n, recorded.acknowledged(place), cutter.disk(place, random.Random(f'{seed} {n}'))


def try_cut(workload, disk, acknowledged, boots):
    """'', or what was wrong."""
    with tempfile.NamedTemporaryFile(prefix='cut-', dir=memory()) as f:
        f.write(disk)
        f.flush()
        wrong = workload.judge(f.name, acknowledged)
        return wrong or (workload.boot(f.name, acknowledged) if boots else '')


def try_kill(workload, rng, patience=1):
    """'', or what was wrong with the disk of an image whose QEMU was killed."""
    with tempfile.NamedTemporaryFile(prefix='cut-', dir=memory()) as f:
        workload.make(f.name)
        until, acknowledged = None, 0

        def done(n):
            nonlocal until, acknowledged
            acknowledged = n
            until = until or time.monotonic() + rng.random() * KILL_WITHIN
            return time.monotonic() >= until

        with Guest(workload.machine(Disk(f.name)), patience=patience) as guest:
            workload.work(guest, done)
            guest.process.kill()
        wrong = workload.judge(f.name, acknowledged)
        return wrong or workload.boot(f.name, acknowledged, patience=patience)


def memory():
    return '/dev/shm' if os.path.isdir('/dev/shm') else None


# ---- the run -------------------------------------------------------------------------------------

class State:
    """What is known already. Use as a context manager: leaving it saves it."""

    def __init__(self, name, digest):
        self._path = os.path.join(FOLDER, name, 'state.json')
        self._digest, self._saved, self.done = digest, time.monotonic(), {}
        if os.path.exists(self._path):
            with open(self._path) as f:
                known = json.load(f)
            if known['digest'] == digest:
                self.done = known['done']

    def note(self, what, verdict):
        self.done[what] = verdict
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def save(self):
        self._saved = time.monotonic()
        with open(self._path + '.new', 'w') as f:
            json.dump({'digest': self._digest, 'done': self.done}, f)
        os.replace(self._path + '.new', self._path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.save()


def digest(*paths):
    state = hashlib.sha256()
    for path in paths:
        with open(path, 'rb') as f:
            state.update(hashlib.sha256(f.read()).digest())
    return state.hexdigest()


def recorded_before(workload, folder, known):
    """The Recording that an interrupted run has left, or a new one."""
    disk, log = os.path.join(folder, 'base'), os.path.join(folder, 'log')
    acks = os.path.join(folder, 'acks.json')
    if not (known and os.path.exists(acks)):
        made = record(workload, folder)
        with open(disk, 'wb') as f:
            f.write(made.base)
        with open(acks, 'w') as f:
            json.dump(made.acks, f)
        return made
    with open(disk, 'rb') as f, open(acks) as a:
        return Recording(f.read(), writelog.read(log), [tuple(ack) for ack in json.load(a)])


def run(workload, options):
    """Everything of one workload; how many were bad."""
    folder = os.path.join(FOLDER, workload.name)
    os.makedirs(folder, exist_ok=True)
    now = digest(images.image(workload.app), workload.program(), __file__, writelog.__file__)
    with State(workload.name, f'{now} {options.seed} {options.cuts}') as state:
        recorded = recorded_before(workload, folder, state.done)
        writes, written, flushes = writelog.size_of(recorded.entries)
        print(f'{workload.name}: {writes:,} writes of {written / 1e6:.1f} MB and {flushes:,} '
              f'flushes, {workload.count(recorded.acks[-1][1])} acknowledged', flush=True)
        state.note('recorded', '')
        for word, count in (('cut', options.cuts), ('boot', options.boots),
                            ('kill', options.kills)):
            try_all(workload, state, recorded, options, word, count)
        bad = {what: wrong for what, wrong in state.done.items() if wrong}
    for what, wrong in list(bad.items())[:5]:
        print(f'{workload.name}: {what}: {wrong}')
    return len(bad)


def try_all(workload, state, recorded, options, word, count):
    """Those of a kind that have not been tried yet."""
    began, left = time.monotonic(), 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        running = set()
        for n, attempt in attempts(workload, recorded, options, word, count):
            if f'{word} {n}' in state.done:
                continue
            left += 1
            running.add(pool.submit(lambda what=f'{word} {n}', one=attempt: (what, one())))
            while len(running) >= 2 * JOBS:
                ended, running = concurrent.futures.wait(
                    running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in ended:
                    state.note(*future.result())
        for future in running:
            state.note(*future.result())
    bad = sum(1 for what, wrong in state.done.items() if wrong and what.startswith(word))
    print(f'{workload.name}: {word}s={count} bad={bad} ({time.monotonic() - began:.0f} s, {left} '
          'of them now)', flush=True)


def attempts(workload, recorded, options, word, count):
    """(number, function that tries) of each."""
    if word == 'kill':
        for n in range(count):
            yield n, lambda n=n: try_kill(workload, random.Random(f'{options.seed} {n}'))
        return
    for n, acknowledged, disk in cuts(recorded, count, f'{options.seed} {word}'):
        yield n, lambda *a, d=disk, k=acknowledged: try_cut(workload, d, k, word == 'boot')


def main(options, workloads):
    """Of the workloads, {name: Workload}, those that the options name."""
    bad = sum(run(workloads[name], options) for name in options.workloads or workloads)
    count = len(options.workloads or workloads)
    print(f'powercut: workloads={count} cuts={count * options.cuts} '
          f'boots={count * options.boots} kills={count * options.kills} bad={bad}')
    return 1 if bad else 0
