# SPDX-License-Identifier: BSD-2-Clause
"""The figures of TCP over paths that lose, reorder and delay: an image and a Linux guest take turns
on the same relay (scripts/relay.c), the other end being this host's kernel.

Each row is measured in both directions with the same seeds for both guests, so that the same frames
of a path are lost. The guests send and receive through sockets, 64 KiB a call, without offloads.
"""
import dataclasses
import os
import re
import statistics

from vireolib import images, paths, report
from vireolib.machine import Unusable

LEAST = 0.8              # of Linux's throughput
TIMEOUT_MS = 200         # the shortest retransmission timeout, beside the round trip
MUCH_LOST = 100_000      # of a million
BUSY = 7 / 6             # by which a timeout may be longer than that
FAIR = (30, 70)          # percent of a bottleneck that each of two flows gets
SHARED_BITS = 20_000_000


@dataclasses.dataclass
class Case:
    """One row of the table, in one direction and the other."""
    name: str
    words: str
    path: dict
    seconds: float = 4
    least: float = LEAST

    @property
    def round_trip_ms(self):
        return self.path['delay_us'] / 500

    @property
    def two_timeouts_ms(self):
        """The second timeout is twice as long as the first. A busy machine makes both longer."""
        return 3 * BUSY * (TIMEOUT_MS + self.round_trip_ms)

    def longest_pause(self, linux):
        """The limit of pauses in ms, where Linux paused that long. None where so much is lost that
        several losses of one segment in a row are usual, and each doubles the timeout."""
        if self.path.get('loss_ppm', 0) > MUCH_LOST:
            return None
        return max(self.two_timeouts_ms, linux)


def lossy(percent, seconds=4):
    return Case(f'loss_{percent:g}', f'10 ms round trip, {percent:g} % lost',
                {'delay_us': 5000, 'loss_ppm': percent * 10_000}, seconds)


CASES = [
    # Where a fifth is lost, a few timeouts decide a short transfer: rates of 16 s differ by 8 to 1.
    lossy(0.1, 6), lossy(1), lossy(5), lossy(20, 40),
    Case('reorder_5', '10 ms round trip, 5 % arrive 3.25 ms late',
         {'delay_us': 5000, 'late_ppm': 50_000, 'late_us': 3250}),
    Case('rtt_50', '50 ms round trip, nothing lost', {'delay_us': 25_000}, least=1),
    Case('thin', '10 ms round trip, 10 Mbit/s with a queue of 50 ms',
         {'delay_us': 5000, 'bits_per_s': 10_000_000, 'queue_us': 50_000}),
]
WAYS = {'out': 'the guest sends', 'in': 'the guest receives'}


@dataclasses.dataclass
class Shared:
    """Two flows that guests send through one bottleneck."""
    partner: str
    round_trip_ms: int
    ramp: float
    seconds: float

    @property
    def name(self):
        return f'share_{self.round_trip_ms}.{self.partner}'

    @property
    def path(self):
        return {'delay_us': self.round_trip_ms * 500, 'bits_per_s': SHARED_BITS,
                'queue_us': max(20, self.round_trip_ms) * 1000}

    @property
    def words(self):
        return (f'{self.round_trip_ms} ms round trip, 20 Mbit/s with a queue of '
                f'{max(20, self.round_trip_ms)} ms: the part of ' +
                ('the smaller of two flows from Vireo' if self.partner == 'vireo'
                 else "Vireo's flow beside one from Linux"))


SHARED = [Shared(partner, *times) for times in ((10, 2, 8), (100, 8, 16))
          for partner in ('vireo', 'linux')]


def capture(folder, *words):
    """Path of a record of frames in that folder, or None where none are wanted."""
    if not folder:
        return None
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, '-'.join(str(word) for word in words) + '.pcap')


def turns(n):
    """(seed, the guests in turn), n times; who is first alternates."""
    both = (('vireo', paths.VIREO_IP), ('linux', paths.LINUX_IP))
    return [(seed, both if seed % 2 else both[::-1]) for seed in range(1, n + 1)]


def measure(bench, case, way, n, folder):
    """The rows of a case in one direction: throughput, and the longest pause."""
    done = {'vireo': [], 'linux': []}
    for seed, guests in turns(n):
        for who, ip in guests:
            pcap = capture(folder, case.name, way, who, seed)
            done[who].append(bench.transfer(ip, way, case.seconds, case.path, seed, pcap))
    rates = {who: [round(t.rate / 1e6, 4) for t in ts] for who, ts in done.items()}
    pauses = {who: max(round(t.pause * 1e3, 1) for t in ts) for who, ts in done.items()}
    linux = statistics.median(rates['linux'])
    print(f'  {case.name}.{way}: ' + ', '.join(
        f'{who} {" ".join(f"{rate:.3g}" for rate in rates[who])} MB/s, pause {pauses[who]:.0f} ms'
        for who in rates), flush=True)
    words = f'{case.words}; {WAYS[way]}, {case.seconds:g} s'
    return [report.median_row(f'paths.{case.name}.{way}_MBps', 'MB/s', rates['vireo'], linux=linux,
                              least=round(case.least * linux, 4), config=words),
            report.Row(f'paths.{case.name}.{way}_pause_ms', 'ms', pauses['vireo'], n=n,
                       linux=pauses['linux'], limit=case.longest_pause(pauses['linux']),
                       config='the longest pause of all seeds')]


def measure_share(bench, shared, n, folder):
    partner = paths.VIREO_IP if shared.partner == 'vireo' else paths.LINUX_IP
    parts = []
    for seed in range(1, n + 1):
        part = 100 * bench.share([paths.VIREO_IP, partner], shared.seconds, shared.ramp,
                                 shared.path, seed, capture(folder, shared.name, seed))
        parts.append(round(min(part, 100 - part) if shared.partner == 'vireo' else part, 1))
    print(f'  {shared.name}: {" ".join(map(str, parts))} %', flush=True)
    return [report.median_row(f'paths.{shared.name}_percent', '%', parts, least=FAIR[0],
                              limit=FAIR[1], config=f'{shared.words}, {shared.seconds:g} s')]


def jobs(pattern):
    """The measurements whose names match, as functions of (bench, n, folder)."""
    every = [(f'{case.name}.{way}', lambda *a, c=case, w=way: measure(a[0], c, w, *a[1:]))
             for case in CASES for way in WAYS]
    every += [(shared.name, lambda *a, s=shared: measure_share(a[0], s, *a[1:]))
              for shared in SHARED]
    chosen = [job for name, job in every if re.search(pattern, name)]
    if not chosen:
        raise Unusable(f'--rows {pattern}: no row matches; there is ' +
                       ', '.join(name for name, _ in every))
    return chosen


def main(n, document=False, pattern='', folder=None):
    """n: seeds behind each median. pattern: the rows to measure. folder: for records of all
    frames."""
    if document and pattern:
        raise Unusable('--readme writes the whole table, and goes with no --rows')
    chosen = jobs(pattern)
    rows = []
    with paths.Bench(images.image('bulk')) as bench:
        for job in chosen:
            rows += job(bench, n, folder)
    return report.finish('paths', os.path.join(images.BUILD, 'bench', 'paths.json'), rows, document)
