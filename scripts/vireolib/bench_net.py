# SPDX-License-Identifier: BSD-2-Clause
"""What the network costs and carries, beside a Linux guest in the same QEMU on the same back end:
bulk over TCP, round trips, datagrams, HTTP. Instructions are exact (-icount shift=0 and a counting
plugin): application and interrupts included, idle time not. Rates are medians of runs in which the
guests take turns.
"""
import dataclasses
import os
import statistics

from vireolib import bench_ring, images, netguests, netpeer, report
from vireolib.machine import Unusable

MIB = 1 << 20
BULK = 16 * MIB
RUN_MS = 1000                  # a run whose rate is measured


@dataclasses.dataclass
class Figure:
    """One row."""
    metric: str
    unit: str
    config: str
    measure: object                # guest of netguests -> figure
    counted: bool                  # an exact count, for which one run is enough
    alone: bool = False            # of Vireo, or of this host, only


def of_load(value, counted, net, **load):
    """The measure of a load: value(its numbers, instructions)."""
    return lambda guest: value(*guest.load(net, load, counted))


def of_site(value, counted, net='tap'):
    """The measure of a web server: value(a Site)."""
    def measure(guest):
        with guest.web(net, counted) as site:
            return value(site)
    return measure


def per_mib(result, insns):
    return insns / (result['bytes'] / MIB)


def per_operation(result, insns):
    return insns / result['operations']


def megabytes_s(result, _):
    return result['bytes'] * 1e3 / result['ns']


def operations_s(result, _):
    return result['operations'] * 1e9 / result['ns']


def arrived_s(result, _):
    """Datagrams a second that the peer got."""
    return max(result['peer_operations'] - 1, 0) * 1e9 / max(result['peer_ns'], 1)


# Where instructions are counted a load has an end of its own; else it ends after RUN_MS.
BULKS = (('tcptx', 'sent'), ('tcprx', 'received'))
TRIPS = (('tcprr', 1, 'one byte and its answer over TCP'),
         ('udprr', 64, '64 bytes and their echo over UDP'))
# Without sockets (examples/netperf/load_raw.c); of Vireo only.
CALLBACKS = (('udprr_callback', '64 bytes and their echo over UDP', {'run': 'udprr', 'n': 2000}),
             ('udptx_raw', 'a datagram of 64 bytes sent', {'run': 'udptx', 'n': 10000}),
             ('udprx_burst40_raw', 'a datagram of 64 bytes received, 40 at a time',
              {'run': 'udprx', 'n': 10000, 'rate': 40000}))
IDLE = (500, 10000)            # connections that are open beside the one that asks
TAPS = {'tap': 'tap', 'tap-nooff': 'tap without offloads', 'user': "QEMU's user network"}


POLLED = 'vireo polled'


@dataclasses.dataclass
class Bar:
    """What a figure has to keep: an absolute limit, or a part or a multiple of Linux's."""
    most: float = None
    part: float = None
    times: float = None
    like: str = ''                 # the metric that this one may exceed by a tenth
    ceiling: str = ''              # the metric that this one cannot exceed


MOST_IDLE = 1.1
BARS = {
    'tap.net.tcptx.insn_MiB': Bar(part=0.4), 'tap.net.tcprx.insn_MiB': Bar(part=0.5),
    'tap-nooff.net.tcptx.insn_MiB': Bar(part=0.4), 'tap-nooff.net.tcprx.insn_MiB': Bar(part=0.4),
    'net.tcprr.insn_op': Bar(4000), 'net.udprr.insn_op': Bar(3000),
    'net.udprr_raw.insn_op': Bar(1600),
    'net.udptx.insn_op': Bar(1000), 'net.udptx_batch32.insn_op': Bar(700),
    'net.udprx_burst40.insn_op': Bar(1000),
    'net.udptx_raw.insn_op': Bar(500), 'net.udprx_burst40_raw.insn_op': Bar(600),
    'vnet.tx.insn_frame': Bar(120), 'vnet.rx.insn_frame': Bar(120),
    'vnet.tx.packed.insn_frame': Bar(120), 'vnet.rx.packed.insn_frame': Bar(120),
    'http.close.insn_req': Bar(18000), 'http.keepalive.insn_req': Bar(6000),
    'http.keepalive_open500.insn_req': Bar(like='http.keepalive.insn_req'),
    'http.keepalive_open10000.insn_req': Bar(like='http.keepalive.insn_req'),
    'http.file10M.insn_MiB': Bar(300000),
    'tap.net.tcptx.MBps': Bar(times=1.2, ceiling='ceiling.veth.tcptx.MBps'),
    'tap.net.tcprx.MBps': Bar(times=1.2, ceiling='ceiling.veth.tcptx.MBps'),
    'tap-nooff.net.tcptx.MBps': Bar(times=2), 'tap-nooff.net.tcprx.MBps': Bar(times=2),
    'user.net.tcptx.MBps': Bar(times=2), 'user.net.tcprx.MBps': Bar(times=2),
    'net.tcprr.ops_s': Bar(times=2, ceiling='ceiling.rawecho.udprr.ops_s'),
    'net.udprr.ops_s': Bar(times=2, ceiling='ceiling.rawecho.udprr.ops_s'),
    'net.udptx.rcvd_pps': Bar(times=2, ceiling='ceiling.veth.udptx.rcvd_pps'),
    'http.close_c1_rps': Bar(times=2),
    'http.keepalive_c1_rps': Bar(times=2, ceiling='ceiling.rawecho.udprr.ops_s'),
    'http.keepalive_c16_rps': Bar(times=4),
}


def prefix(net):
    """Of the metrics on that network, but for bulk, which always has one."""
    return '' if net == 'tap' else net + '.'


def counted_figures(net):
    on, pre = TAPS[net], prefix(net)

    def row(metric, config, value, alone=False, **load):
        return Figure(metric, 'instructions', f'{on}; {config}', of_load(value, True, net, **load),
                      True, alone)

    for run, words in BULKS:
        yield row(f'{net}.net.{run}.insn_MiB', f'a MiB {words} over TCP', per_mib, run=run, n=BULK)
    for run, size, words in TRIPS:
        yield row(f'{pre}net.{run}.insn_op', words, per_operation, run=run, size=size, n=2000)
    yield row(f'{pre}net.udptx.insn_op', 'a datagram of 64 bytes sent', per_operation, run='udptx',
              size=64, n=10000)
    yield row(f'{pre}net.udptx_batch32.insn_op', 'likewise, 32 with each sendmmsg',
              per_operation, run='udptx', size=64, n=9984, batch=32)
    yield row(f'{pre}net.udprx_burst40.insn_op', 'a datagram of 64 bytes received, 40 at a time',
              per_operation, run='udprx', size=64, n=10000, rate=40000)
    for metric, words, load in CALLBACKS:
        yield row(f'{pre}net.{metric}.insn_op', f"{words}, by lwIP's callbacks", per_operation,
                  True, size=64, raw=1, **load)


def timed_figures(net):
    on, pre = TAPS[net], prefix(net)

    def row(metric, unit, config, value, **load):
        return Figure(metric, unit, f'{on}; {config}',
                      of_load(value, False, net, ms=RUN_MS, **load), False)

    for run, words in BULKS:
        yield row(f'{net}.net.{run}.MBps', 'MB/s', f'{words} over TCP', megabytes_s, run=run)
    for run, size, words in TRIPS:
        yield row(f'{pre}net.{run}.ops_s', 'a second', words, operations_s, run=run, size=size)
    yield row(f'{pre}net.udptx.rcvd_pps', 'a second', 'datagrams of 64 bytes sent that arrive',
              arrived_s, run='udptx', size=64)


def web_figures():
    def count(metric, config, value):
        return Figure(f'http.{metric}', 'instructions', f'tap; {config}', of_site(value, True),
                      True)

    def rate(metric, config, value):
        return Figure(f'http.{metric}', 'a second', f'tap; {config}', of_site(value, False), False)

    yield count('close.insn_req', '1 KiB, a connection each', lambda s: s.close_insns(300))
    yield count('keepalive.insn_req', '1 KiB, one connection', lambda s: s.keepalive_insns(1000))
    for idle in IDLE:
        yield count(f'keepalive_open{idle}.insn_req', f'likewise, beside {idle:,} that are open',
                    lambda s, n=idle: s.keepalive_insns(1000, n))
    yield count('file10M.insn_MiB', '10 MiB of a file, a MiB', lambda s: s.file_insns(3))
    yield rate('close_c1_rps', '1 KiB, a connection each', lambda s: s.close_rate(RUN_MS / 1e3))
    for n in (1, 16):
        yield rate(f'keepalive_c{n}_rps', f'1 KiB, {n} connections at a time',
                   lambda s, n=n: s.keepalive_rate(n, RUN_MS // 1000))


def driver_figures():
    """The driver alone; of Vireo only."""
    for ring, infix in (('split', ''), ('packed', 'packed.')):
        for i, (way, words) in enumerate((('tx', 'sent'), ('rx', 'received'))):
            yield Figure(f'vnet.{way}.{infix}insn_frame', 'instructions',
                         f'the driver alone, {ring} ring; a frame of 64 bytes {words}, of 32',
                         lambda _, r=ring, i=i: bench_ring.frames(r)[i], True, True)


# What no guest can exceed: a metric, its unit, and the figures that need not reach more than
# ENOUGH of it, whatever a multiple of Linux's would be.
VETH_BULK, VETH_DATAGRAMS, TRIPS_MOST = ('ceiling.veth.tcptx.MBps', 'ceiling.veth.udptx.rcvd_pps',
                                         'ceiling.rawecho.udprr.ops_s')
ENOUGH = 0.85


def ceiling_figures():
    def veth(value, run, size):
        def measure(_):
            with netpeer.veth() as (far, ip):
                return value(netguests.result_of(
                    run, netpeer.host_load(far, run, ip, size, RUN_MS)), None)
        return measure

    def echoes():
        return netguests.result_of('udprr', netpeer.host_load(
            [], 'udprr', netpeer.guest_ip('vireo', 'tap'), 64, RUN_MS))

    def rawecho(guest):
        with guest.running('rawecho', 'tap-nooff', 'vireo.poll=1'):
            return operations_s(echoes(), None)

    def counted(guest):
        with guest.running('rawecho', 'tap-nooff', '', True) as (image, counter):
            echoes()
            counter.begin(image)
            n = echoes()['operations']
            return counter.end(image, n) / n

    yield Figure(VETH_BULK, 'MB/s', 'a pair of virtual cards, no guest', veth(
        megabytes_s, 'tcptx', 1), False, True)
    yield Figure(VETH_DATAGRAMS, 'a second', 'a pair of virtual cards, no guest', veth(
        arrived_s, 'udptx', 64), False, True)
    yield Figure(TRIPS_MOST, 'a second', 'an image that sends frames back, polled, without a stack',
                 rawecho, False, True)
    yield Figure('net.udprr_raw.insn_op', 'instructions',
                 'tap without offloads; 64 bytes and their echo, without a stack', counted, True,
                 True)


# What is counted a MiB or an operation: run, load, unit behind the name, words, events.
EVENTS = (('tcptx', {'n': 32 * MIB}, 'MiB', 'a MiB sent over TCP', ('exits', 'kicks', 'irqs')),
          ('tcprx', {'n': 32 * MIB}, 'MiB', 'a MiB received over TCP',
           ('exits', 'kicks', 'irqs', 'acks')),
          ('tcprr', {'size': 1, 'n': 1000}, 'op', 'one byte and its answer over TCP',
           ('exits', 'kicks', 'irqs')),
          ('udptx', {'size': 64, 'n': 5000}, 'op', 'a datagram of 64 bytes sent',
           ('exits', 'kicks', 'irqs')))
EVENT_WORDS = {'exits': 'accesses to registers', 'kicks': 'notifications of queues',
               'irqs': 'interrupts of the card', 'acks': 'acknowledgements without data'}


def event_figures():
    """Of one watched run for all of a load."""
    for run, load, each, words, names in EVENTS:
        kept = {}

        def measure(guest, name, kept=kept, load={'run': run, **load}, each=each):
            if guest.name not in kept:
                kept[guest.name] = guest.events('tap', load)
            return kept[guest.name][name] * (MIB if each == 'MiB' else 1)

        for name in names:
            yield Figure(f'{"tap." if each == "MiB" else ""}net.{run}.{name}_{each}', 'times',
                         f'tap; {EVENT_WORDS[name]}; {words}',
                         lambda guest, name=name, measure=measure: measure(guest, name), True)


def copy_figures():
    """How often a byte is copied on its way, headers and all that happens meanwhile included."""
    for net in ('tap', 'tap-nooff'):
        for run, words in BULKS:
            yield Figure(f'{net}.net.{run}.copies_byte', 'bytes',
                         f'{TAPS[net]}; copied, for each byte {words} over TCP',
                         lambda guest, net=net, run=run: guest.copies(net, {'run': run, 'n': BULK}),
                         True, True)


def every_figure():
    return [*driver_figures(), *ceiling_figures(), *(f for net in netpeer.NETS
                                 for make in (counted_figures, timed_figures)
                                 for f in make(net)), *web_figures(), *event_figures(),
            *copy_figures()]


def measure(figure, guests, n):
    """{name: figure} of the guests, which take turns."""
    names = [name for name in guests if name == 'vireo' or
             not (figure.alone or figure.counted and name == POLLED)]
    values = {name: [] for name in names}
    for turn in range(1 if figure.counted else n):
        for name in names[::1 if turn % 2 else -1]:
            guests[name].figure = figure.metric
            values[name].append(figure.measure(guests[name]))
    found = {name: median(taken) for name, taken in values.items()}
    print('  ' + figure.metric + ': ' + ', '.join(
        f'{name} {report.number(value)}' for name, value in found.items()), flush=True)
    return found


def row_of(figure, found, n, others):
    """The row; of Vireo polled and by interrupt, the better counts. others: rows so far."""
    vireo, polled = found['vireo'], found.get(POLLED)
    config = figure.config
    if polled and polled > (vireo or 0):
        vireo, config = polled, f'{config}; polled'
    row = report.Row(figure.metric, figure.unit, vireo, linux=found.get('linux'),
                     n=1 if figure.counted else n, config=config)
    bar = BARS.get(figure.metric, Bar())
    same = next((r.vireo for r in others if r.metric == bar.like), None)
    part = round(bar.part * row.linux, 1) if row.linux and bar.part else None
    row.limit = bar.most or part or (same and round(MOST_IDLE * same, 1))
    row.least = round(bar.times * row.linux, 1) if row.linux and bar.times else None
    most = next((r.vireo for r in others if r.metric == bar.ceiling), None)
    if row.least and most:
        row.least = min(row.least, round(ENOUGH * most, 1))
    return row


def median(values):
    """None: one of them could not be measured."""
    return None if None in values else round(float(statistics.median(values)), 2)


def main(n, document=False, pattern='', alone=False, append='', profile_in=None):
    """pattern: the rows to measure. alone: without Linux. append: further boot arguments of Vireo.
    profile_in: a folder for a profile of each row that is counted, of Vireo alone."""
    if document and (pattern or alone or append or profile_in):
        raise Unusable('--readme writes the whole table, and goes with none of --rows, --alone, '
                       '--append, --profile')
    figures = [f for f in report.chosen(every_figure(), pattern) if f.counted or not profile_in]
    if profile_in:
        os.makedirs(profile_in, exist_ok=True)
    with netpeer.network(), netguests.Linux() as linux:
        guests = {'vireo': netguests.Vireo(append, profile_in=profile_in),
                  POLLED: netguests.Vireo(f'{append} vireo.poll=1'.strip()), 'linux': linux}
        if alone or profile_in:
            del guests['linux']
        rows = []
        for figure in figures:
            found = measure(figure, guests, n)
            rows.append(row_of(figure, found, n, rows))
    if profile_in:
        print(f'bench: net profiles={len(rows)} ({profile_in})')
        return 0
    return report.finish('net', os.path.join(images.BUILD, 'bench', 'net.json'), rows, document)
