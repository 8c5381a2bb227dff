# SPDX-License-Identifier: BSD-2-Clause
"""What the network costs and carries, beside a Linux guest in the same QEMU on the same back end:
bulk over TCP, round trips, datagrams, HTTP. Instructions are exact (-icount shift=0 and a counting
plugin): application and interrupts included, idle time not. Rates are medians of runs in which the
guests take turns.
"""
import dataclasses
import os
import re
import statistics

from vireolib import images, netguests, netpeer, report
from vireolib.machine import Unusable

MIB = 1 << 20
BULK = 16 * MIB
RUN_MS = 1000                  # a run whose rate is measured


@dataclasses.dataclass
class Figure:
    """One row: what is run, and what of it is the figure."""
    metric: str
    unit: str
    net: str
    load: dict
    value: object              # (numbers of the load, instructions) -> figure
    config: str
    counted: bool = True
    limit: float = None


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


# name, what is counted, what is timed, unit of the rate, words. Where instructions are counted the
# load has an end of its own; where rates are measured it ends after RUN_MS.
BULKS = (('tcptx', 'sent'), ('tcprx', 'received'))
TRIPS = (('tcprr', 1, 'one byte and its answer over TCP'),
         ('udprr', 64, '64 bytes and their echo over UDP'))
RECEIVED_RATES = (20000, 40000, 80000, 160000)    # a second; the most that came is the figure
TAPS = {'tap': 'tap', 'tap-nooff': 'tap without offloads', 'user': "QEMU's user network"}


def prefix(net):
    """Of the metrics on that network, but for bulk, which always has one."""
    return '' if net == 'tap' else net + '.'


def counted_figures(net):
    on, pre = TAPS[net], prefix(net)
    for run, words in BULKS:
        yield Figure(f'{net}.net.{run}.insn_MiB', 'instructions', net, {'run': run, 'n': BULK},
                     per_mib, f'{on}; a MiB {words} over TCP')
    for run, size, words in TRIPS:
        yield Figure(f'{pre}net.{run}.insn_op', 'instructions', net,
                     {'run': run, 'size': size, 'n': 2000}, per_operation, f'{on}; {words}')
    yield Figure(f'{pre}net.udptx.insn_op', 'instructions', net,
                 {'run': 'udptx', 'size': 64, 'n': 10000}, per_operation,
                 f'{on}; a datagram of 64 bytes sent')
    yield Figure(f'{pre}net.udprx_burst40.insn_op', 'instructions', net,
                 {'run': 'udprx', 'size': 64, 'n': 10000, 'rate': 40000}, per_operation,
                 f'{on}; a datagram of 64 bytes received, 40 at a time')


def timed_figures(net):
    on, pre = TAPS[net], prefix(net)
    for run, words in BULKS:
        yield Figure(f'{net}.net.{run}.MBps', 'MB/s', net, {'run': run, 'ms': RUN_MS}, megabytes_s,
                     f'{on}; {words} over TCP', counted=False)
    for run, size, words in TRIPS:
        yield Figure(f'{pre}net.{run}.ops_s', 'a second', net,
                     {'run': run, 'size': size, 'ms': RUN_MS}, operations_s, f'{on}; {words}',
                     counted=False)
    yield Figure(f'{pre}net.udptx.rcvd_pps', 'a second', net,
                 {'run': 'udptx', 'size': 64, 'ms': RUN_MS}, arrived_s,
                 f'{on}; datagrams of 64 bytes sent that arrive', counted=False)


def every_figure():
    return [f for net in netpeer.NETS for make in (counted_figures, timed_figures)
            for f in make(net)]


def chosen(pattern):
    """The figures whose metric matches."""
    found = [f for f in every_figure() if re.search(pattern, f.metric)]
    if not found:
        raise Unusable(f'--rows {pattern}: no row matches; there is ' +
                       ', '.join(f.metric for f in every_figure()))
    return found


def measure(figure, guests, n):
    """The row of a figure. guests: by name, of vireo and perhaps linux."""
    times = 1 if figure.counted else n
    values = {name: [] for name in guests}
    for turn in range(times):
        for name in list(guests)[::1 if turn % 2 else -1]:
            values[name].append(figure.value(
                *guests[name].load(figure.net, figure.load, figure.counted)))
    found = {name: statistics.median(taken) for name, taken in values.items()}
    print('  ' + figure.metric + ': ' + ', '.join(
        f'{name} {report.number(float(value))}' for name, value in found.items()), flush=True)
    return report.Row(figure.metric, figure.unit, round(found['vireo'], 1),
                      linux=round(found['linux'], 1) if 'linux' in found else None, n=times,
                      config=figure.config, samples=tuple(values['vireo']))


def main(n, document=False, pattern='', alone=False):
    """pattern: the rows to measure. alone: without Linux."""
    if document and (pattern or alone):
        raise Unusable('--readme writes the whole table, and goes with neither --rows nor --alone')
    figures = chosen(pattern)
    with netpeer.network():
        guests = {'vireo': netguests.Vireo()}
        rows = [measure(figure, guests, n) for figure in figures]
    return report.finish('net', os.path.join(images.BUILD, 'bench', 'net.json'), rows, document)
