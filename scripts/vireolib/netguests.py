# SPDX-License-Identifier: BSD-2-Clause
"""The guests that `make bench BENCH=net` compares, at work: an image of examples/netperf for each
load, and httpd. What they carried, and how many instructions they executed meanwhile.
"""
import contextlib
import os
import re
import tempfile

from vireolib import images, netpeer
from vireolib.guest import Guest, Lost
from vireolib.machine import Disk, Machine

MEM = '256'                    # MiB, of each guest
BEGIN, END = 98, 99            # hints: examples/netperf/load.h
PATIENCE = 60                  # s
EXACT = 'shift=0'              # -icount: a count does not depend on how fast this host is
PAGE, FILE = '1k.html', '10m.bin'
PAGE_BYTES, FILE_BYTES = 1 << 10, 10 << 20


def result_of(name, text):
    """The numbers in the line that examples/netperf/load.c prints."""
    line = re.search(rf'^netperf: {name} (operations=.*)$', text, re.M)
    if not line:
        raise Lost(f'netperf did not print a result of {name}\n{text}')
    return {key: int(value) for key, value in re.findall(r'(\w+)=(\d+)', line[1])}


def words_of(load):
    """A load as words NAME=VALUE. load: run, and of load.h size, n, ms, rate, batch, raw."""
    return {key: value for key, value in load.items() if value}


class Counter:
    """The instructions that a guest has executed, by the plugin's file."""

    def __init__(self, folder):
        self._out, self._fifo = (os.path.join(folder, name) for name in ('marks', 'ask'))
        os.mkfifo(self._fifo)
        self._asked = 0

    @property
    def plugin(self):
        return f'{images.plugin()},out={self._out},ask={self._fifo}'

    def between_marks(self):
        """Instructions between the last two marks of a load."""
        found = {}
        with open(self._out) as f:
            for mark, count in re.findall(r'^MARK (\d+) insns=(\d+)', f.read(), re.M):
                found[int(mark)] = int(count)
        if not {BEGIN, END} <= set(found):
            raise Lost('the guest passed no marks of a load')
        return found[END] - found[BEGIN]

    def now(self, guest):
        """Instructions so far."""
        self._asked += 1
        name = f'ASK{self._asked}'
        with open(self._fifo, 'w') as f:
            f.write(name + '\n')
        guest.until(lambda: self._find(name) is not None, 'answer of the counting plugin')
        return self._find(name)

    def _find(self, name):
        with open(self._out) as f:
            found = re.search(rf'^{name} insns=(\d+) ns=\d+\n', f.read(), re.M)
        return int(found[1]) if found else None


class Vireo:
    """An image for each load: a boot takes a tenth of a second."""
    name = 'vireo'

    def __init__(self, append='', patience=1):
        """append: further boot arguments."""
        self._append, self._patience = append, patience

    def machine(self, app, net, append, **more):
        router = f'::{netpeer.host_ip("vireo", net)}:255.255.255.0'
        return Machine(images.image(app), mem=MEM, append=' '.join(filter(None, (
            f'ip={netpeer.guest_ip("vireo", net)}{router}', append, self._append))),
            **netpeer.machine_args('vireo', net), **more)

    def load(self, net, load, counted):
        """(numbers of the load, instructions or None)."""
        append = ' '.join(f'vireo.netperf.{key}={value}' for key, value in words_of(
            {**load, 'host': netpeer.host_ip('vireo', net), 'port': netpeer.PORT}).items())
        with tempfile.TemporaryDirectory(prefix='vn-') as folder:
            counter = Counter(folder)
            how = self.machine('netperf', net, append)
            if counted:
                how.icount, how.plugin = EXACT, counter.plugin
            with Guest(how, patience=self._patience) as guest:
                if guest.wait(PATIENCE) != 0:
                    raise Lost(f'netperf failed: {append}\n' + guest.report())
                result = result_of(load['run'], guest.text)
            return result, counter.between_marks() if counted else None

    @contextlib.contextmanager
    def web(self, net, disk, counted):
        """httpd with that disk: (guest, its address, counter or None)."""
        with tempfile.TemporaryDirectory(prefix='vn-') as folder:
            counter = Counter(folder)
            how = self.machine('httpd', net, '', disks=[Disk(disk, read_only=True)])
            if net == 'user':
                how.forwards = netpeer.forwards()
            if counted:
                how.icount, how.plugin = EXACT, counter.plugin
            with Guest(how, patience=self._patience) as guest:
                guest.expect(r'^vireo: ready', PATIENCE)
                address = ('127.0.0.1', guest.port(80)) if net == 'user' else \
                    (netpeer.guest_ip('vireo', net), 80)
                yield guest, address, counter if counted else None
