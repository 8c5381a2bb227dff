# SPDX-License-Identifier: BSD-2-Clause
"""The costs of a queue: guest instructions for each buffer, of a submit with its notification and
of a reap, and accesses to registers for each notification; and those of the driver of network cards
for each frame. The images are tests/apps/ringcost and tests/apps/vnetcost; with -icount shift=0
their counter of retired instructions is exact, so one run is enough.
"""
import os
import re

from vireolib import images, report
from vireolib.guest import Guest, Lost
from vireolib.machine import Machine

# metric, transport, boot arguments, the most accesses that a kick may take
KICKS = (('mmio', 'mmio', '', 1), ('mmio-legacy', 'mmio-legacy', '', 1), ('pci', 'pci', '', 1),
         ('pci-transitional', 'pci-transitional', '', 1), ('pci-legacy', 'pci-legacy', '', 1),
         ('pci-window', 'pci', 'vireo.pci.window=1', None))
# QEMU's names of the regions that a kick may touch
KICK_REGION = re.compile('virtio|pci', re.I)
SEGMENTS = {'1': 'one segment', '3': 'three segments, indirect'}


def machine(image, transport, extra, append=''):
    return Machine(images.image(image), transport=transport, net='none', icount='shift=0',
                   append=f'vireo.poll=1 {append}'.strip(), extra=extra)


def console(transport, packed, append='', trace=None):
    device = 'virtio-serial-device' if transport.startswith('mmio') else 'virtio-serial-pci'
    extra = ['-chardev', 'null,id=c', '-device',
             f'{device},max_ports=1,packed={"on" if packed else "off"}' +
             (',ioeventfd=off' if device.endswith('pci') else ''),
             '-device', 'virtconsole,chardev=c', '-global', 'virtio-mmio.ioeventfd=off']
    if trace:
        extra += ['-trace', 'memory_region_ops_*', '-D', trace]
    return machine('ringcost', transport, extra, append)


def cards(packed):
    """Two network cards on a hub, on which the one sends to the other."""
    extra = ['-global', 'virtio-mmio.ioeventfd=off']
    for n in range(2):
        extra += ['-netdev', f'hubport,hubid=0,id=hub{n}', '-device',
                  f'virtio-net-device,netdev=hub{n},mac=52:54:00:12:34:1{n},'
                  f'packed={"on" if packed else "off"}']
    return machine('vnetcost', 'mmio', extra)


def run(how):
    with Guest(how) as guest:
        if guest.wait(30) != 0:
            raise Lost('the image failed\n' + guest.report())
        return guest.text


def costs(ring):
    """{(batch, segments): (submit, reap)} of one ring."""
    text = run(console('mmio', ring == 'packed'))
    if f'ring={ring} ' not in text:
        raise Lost(f'the image did not use the {ring} ring\n{text}')
    found = re.findall(r'cost batch=(\d+) segs=(\d+) submit=([\d.]+) reap=([\d.]+) kicks=1\.00',
                       text)
    if len(found) != 4:
        raise Lost(f'ringcost did not print its four lines of costs\n{text}')
    return {(batch, segs): (float(submit), float(reap)) for batch, segs, submit, reap in found}


def frames(ring):
    """(sent, received): instructions of the network driver for each frame, from entry to exit."""
    found = re.search(rf'cost ring={ring} send=([\d.]+) complete=([\d.]+) receive=([\d.]+) '
                      r'kicks=1\.00,([\d.]+)', run(cards(ring == 'packed')))
    if not found:
        raise Lost(f'vnetcost did not print its costs, with one kick a batch, of the {ring} ring')
    if float(found[4]) > 1:
        raise Lost(f'{found[4]} kicks for each batch of receive buffers')
    return float(found[1]) + float(found[2]), float(found[3])


def accesses(transport, append=''):
    """Accesses to registers for each notification, by QEMU's trace of one run, between two lines
    that the image writes to the serial port."""
    path = os.path.join(images.BUILD, 'bench', f'trace.{os.getpid()}.txt')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        run(console(transport, False, append, path))
        with open(path, errors='replace') as f:
            return count_accesses(f)
    finally:
        if os.path.exists(path):
            os.unlink(path)


def count_accesses(trace):
    said, count = '', 0
    for line in trace:
        match = re.search(r"memory_region_ops_(read|write) .*value (0x[0-9a-f]+) .*name '([^']*)'",
                          line)
        if not match:
            continue
        if match[3] == 'pl011':
            said += chr(int(match[2], 16) & 0x7f) if match[1] == 'write' else ''
        elif 'kicks begin\n' in said.replace('\r', '') and 'kicks end' not in said:
            count += bool(KICK_REGION.search(match[3]))
    kicks = re.search(r'kicks end: (\d+)', said)
    if not kicks:
        raise Lost('the trace does not show the end of ringcost')
    return count / int(kicks[1])


def main(_, document=False):
    rows = []
    for ring in ('split', 'packed'):
        for (batch, segs), (submit, reap) in costs(ring).items():
            name, config = f'ring.{ring}.b{batch}', f'{SEGMENTS[segs]}, batches of {batch}'
            name += '' if segs == '1' else f'.s{segs}'
            rows += [report.Row(f'{name}.submit_insn', 'instructions', submit, config=config),
                     report.Row(f'{name}.reap_insn', 'instructions', reap, config=config)]
        for name, insns in zip(('tx', 'rx'), frames(ring)):
            name += '' if ring == 'split' else '.packed'
            rows.append(report.Row(f'vnet.{name}.insn_frame', 'instructions', insns,
                                   config=f'{ring} ring, 64-byte frames in batches of 32'))
    for name, transport, append, limit in KICKS:
        rows.append(report.Row(f'ring.{name}.kick_accesses', 'accesses',
                               accesses(transport, append), limit=limit,
                               config=append or 'registers a kick'))
    return report.finish('ring', os.path.join(images.BUILD, 'bench', 'ring.json'), rows, document)
