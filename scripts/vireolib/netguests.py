# SPDX-License-Identifier: BSD-2-Clause
"""The guests that `make bench BENCH=net` compares, at work: an image of examples/netperf for each
load, and httpd. What they carried, and how many instructions they executed meanwhile.
"""
import contextlib
import os
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

from vireolib import clients, http, images, linux_guest, netevents, netpeer, profile
from vireolib.guest import Guest, Lost
from vireolib.machine import Disk, Forward, Machine

MEM = '256'                    # MiB, of each guest
BEGIN, END = 98, 99            # hints: examples/netperf/load.h
PATIENCE = 60                  # s
COPYING = {'memcpy', 'memmove', 'net_chksum_copy'}         # functions of an image that copy
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

    def __init__(self, folder, copying=()):
        """copying: (first, limit) of functions whose stores are counted as well."""
        self._ranges = ''.join(f',copies={first:x}-{limit:x}' for first, limit in copying)
        self._out, self._fifo = (os.path.join(folder, name) for name in ('marks', 'ask'))
        os.mkfifo(self._fifo)
        self._asked = 0

    @property
    def plugin(self):
        return f'{images.plugin()},out={self._out},ask={self._fifo}{self._ranges}'

    def of_load(self, _, what='insns'):
        """Instructions between the two marks of a load, after its end; what: `copied` bytes."""
        found = {}
        with open(self._out) as f:
            for mark, count in re.findall(rf'^MARK (\d+) .*?\b{what}=(\d+)', f.read(), re.M):
                found[int(mark)] = int(count)
        if not {BEGIN, END} <= set(found):
            raise Lost('the guest passed no marks of a load')
        return found[END] - found[BEGIN]

    def begin(self, guest):
        self._before = self._now(guest)

    def end(self, guest, _):
        """Instructions since begin()."""
        return self._now(guest) - self._before

    def finish(self):
        """The guest has ended."""

    def _now(self, guest):
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


def copying(elf):
    """(first address, the one behind the last) of each function of an image that copies memory."""
    known = profile.symbols(elf)
    found = [(at, known[i + 1][0]) for i, (at, name) in enumerate(known[:-1]) if name in COPYING]
    if not found:
        raise Lost(f'{elf} has no function that copies')
    return found


def site_disk(folder):
    """Path of a disk with the files that are asked for."""
    site = os.path.join(folder, 'site')
    os.mkdir(site)
    for name, size in ((PAGE, PAGE_BYTES), (FILE, FILE_BYTES)):
        with open(os.path.join(site, name), 'wb') as f:
            f.write(b'a' * size)
    disk = os.path.join(folder, 'site.img')
    subprocess.run([sys.executable, os.path.join(images.TREE, 'scripts', 'mkdisk'), site, disk],
                   check=True, stdout=subprocess.DEVNULL)
    return disk


class Profiling:
    """In place of a Counter: writes down where the instructions went. out: begins the names of the
    files, see profile.write."""

    def __init__(self, folder, app, out):
        self._fifo, self._out = os.path.join(folder, 'ask'), out
        os.mkfifo(self._fifo)
        self._counting = profile.Counting(images.image(app))
        self._operations = 1

    def __enter__(self):
        self._counting.__enter__()
        return self

    def __exit__(self, *error):
        return self._counting.__exit__(*error)

    @property
    def plugin(self):
        return f'{self._counting.plugin},ask={self._fifo}'

    def _say(self, word):
        with open(self._fifo, 'w') as f:
            f.write(word + '\n')

    def of_load(self, operations):
        self._operations = operations
        return self.finish()

    def begin(self, _):
        self._say('begin')

    def end(self, _, operations):
        self._operations = operations
        self._say('end')
        return 0

    def finish(self):
        found = self._counting.profile()
        profile.write(found, self._out, os.path.basename(self._out), self._operations)
        return found.total


class Vireo:
    """An image for each load: a boot takes a tenth of a second."""
    name = 'vireo'

    def __init__(self, append='', patience=1, profile_in=None):
        """append: further boot arguments. profile_in: a folder for profiles of what is counted."""
        self._append, self._patience, self._profile_in = append, patience, profile_in
        self.figure = ''               # its metric, by which profiles are named

    @contextlib.contextmanager
    def _counter(self, app, counted):
        """The counter of a run, or None."""
        with tempfile.TemporaryDirectory(prefix='vn-') as folder:
            if not counted:
                yield None
            elif not self._profile_in:
                yield Counter(folder)
            else:
                with Profiling(folder, app, os.path.join(self._profile_in, self.figure)) as found:
                    yield found

    def machine(self, app, net, append, **more):
        router = f'::{netpeer.host_ip("vireo", net)}:255.255.255.0'
        return Machine(images.image(app), mem=MEM, append=' '.join(filter(None, (
            f'ip={netpeer.guest_ip("vireo", net)}{router}', append, self._append))),
            **netpeer.machine_args('vireo', net), **more)

    def _words(self, net, load):
        """The boot arguments of a load."""
        return ' '.join(f'vireo.netperf.{key}={value}' for key, value in words_of(
            {**load, 'host': netpeer.host_ip('vireo', net), 'port': netpeer.PORT}).items())

    @contextlib.contextmanager
    def running(self, app, net, append, counted=False):
        """An image that goes on until the end: (guest, counter or None)."""
        with self._counter(app, counted) as counter:
            how = self.machine(app, net, append)
            if counter:
                how.icount, how.plugin = EXACT, counter.plugin
            with Guest(how, patience=self._patience) as guest:
                guest.expect(r'^vireo: ready', PATIENCE)
                yield guest, counter
            if counter:
                counter.finish()

    def load(self, net, load, counted):
        """(numbers of the load, instructions or None)."""
        append = self._words(net, load)
        with self._counter('netperf', counted) as counter:
            how = self.machine('netperf', net, append)
            if counter:
                how.icount, how.plugin = EXACT, counter.plugin
            with Guest(how, patience=self._patience) as guest:
                if guest.wait(PATIENCE) != 0:
                    raise Lost(f'netperf failed: {append}\n' + guest.report())
                result = result_of(load['run'], guest.text)
            return result, counter.of_load(result['operations']) if counter else None

    def copies(self, net, load):
        """Bytes that functions which copy have stored, for each byte that the load moved."""
        with tempfile.TemporaryDirectory(prefix='vn-') as folder:
            counter = Counter(folder, copying(images.image('netperf', 'elf')))
            how = self.machine('netperf', net, self._words(net, load))
            how.icount, how.plugin = EXACT, counter.plugin
            with Guest(how, patience=self._patience) as guest:
                if guest.wait(PATIENCE) != 0:
                    raise Lost('netperf failed\n' + guest.report())
                result = result_of(load['run'], guest.text)
            return counter.of_load(0, 'copied') / result['bytes']

    def events(self, net, load):
        """{name of netevents: how many for an operation or byte}, of a load with a number of them:
        what they take beyond a load of a few."""
        seen = []
        for n in netevents.sizes(load):
            with tempfile.TemporaryDirectory(prefix='vn-') as folder:
                watch = netevents.Watch(folder)
                how = self.machine('netperf', net, self._words(net, {**load, 'n': n}),
                                   **watch.machine)
                with Guest(how, patience=self._patience) as guest:
                    if guest.wait(PATIENCE) != 0:
                        raise Lost('netperf failed\n' + guest.report())
                    seen.append(watch.count(guest))
        return netevents.each(load, *seen)

    @contextlib.contextmanager
    def web(self, net, counted):
        """httpd at work, as a Site."""
        with tempfile.TemporaryDirectory(prefix='vn-') as folder, \
                self._counter('httpd', counted) as counter:
            how = self.machine('httpd', net, '', disks=[Disk(site_disk(folder), read_only=True)])
            if net == 'user':
                how.forwards = [Forward(0, 80)]
            if counter:
                how.icount, how.plugin = EXACT, counter.plugin
            with Guest(how, patience=self._patience) as guest:
                guest.expect(r'^vireo: ready', PATIENCE)
                yield Site(guest, netpeer.guest_ip('vireo', net), net, counter)
            if counter:
                counter.finish()


class Linux:
    """The Linux guest. Two are kept for each network, one of them to count with; the one that is
    not at work stands still, so that it takes nothing of this host. Use as a context manager."""
    name = 'linux'

    def __init__(self):
        self._stack = contextlib.ExitStack()
        self._running = {}             # (net, counted): guest, counter
        self.figure = ''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._running.clear()
        self._stack.close()

    def _boot(self, net, counted, files=(), **more):
        """(guest, counter) that are ready; they end with the stack."""
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix='vn-'))
        counter = Counter(folder) if counted else None
        how = linux_guest.machine(netpeer.guest_ip('linux', net), folder, linux_guest.NET, files,
                                  mem=MEM, **netpeer.machine_args('linux', net), **more)
        if counted:
            how.icount, how.plugin = EXACT, counter.plugin
        os.mkdir(os.path.join(folder, 'guest'))
        guest = self._stack.enter_context(Guest(how, os.path.join(folder, 'guest')))
        guest.expect(linux_guest.NET.ready, PATIENCE)
        return guest, counter

    def _tell(self, guest, line):
        guest.send(line + '\n')
        if guest.expect(r'^linux_net: status (\d+)', PATIENCE)[1] != '0':
            raise Lost(f'the Linux guest failed: {line}\n' + guest.report())

    @staticmethod
    def _words(net, load):
        return ' '.join(['load', load['run'], netpeer.host_ip('linux', net), str(netpeer.PORT),
                         *(str(load.get(key, 0)) for key in ('size', 'n', 'ms', 'rate', 'batch'))])

    def events(self, net, load):
        """As Vireo.events."""
        self.__exit__()
        with tempfile.TemporaryDirectory(prefix='vn-') as folder:
            watch, seen = netevents.Watch(folder), []
            guest, _ = self._boot(net, False, **watch.machine)
            for n in netevents.sizes(load):
                before = watch.count(guest)
                self._tell(guest, self._words(net, {**load, 'n': n}))
                after = watch.count(guest)
                seen.append({name: after[name] - before[name] for name in netevents.NAMES})
            self.__exit__()
        return netevents.each(load, *seen)

    @contextlib.contextmanager
    def _at_work(self, net, counted):
        """The guest for loads on that network, while it runs."""
        if any(key[0] != net for key in self._running):    # one at a time on each tap
            self.__exit__()
        if (net, counted) not in self._running:
            self.__exit__()
            self._running[net, counted] = self._boot(net, counted)
        else:
            self._running[net, counted][0].qmp('cont')
        guest, counter = self._running[net, counted]
        yield guest, counter
        guest.qmp('stop')

    def load(self, net, load, counted):
        """As Vireo.load."""
        with self._at_work(net, counted) as (guest, counter):
            self._tell(guest, self._words(net, load))
            result = result_of(load['run'], '\n'.join(guest.seen(f'^netperf: {load["run"]} ')[-1:]))
            return result, counter.of_load(result['operations']) if counter else None

    @contextlib.contextmanager
    def web(self, net, counted):
        """lighttpd at work, as a Site."""
        self.__exit__()
        more = {'forwards': [Forward(0, 80)]} if net == 'user' else {}
        pages = {name: b'a' * size for name, size in ((PAGE, PAGE_BYTES), (FILE, FILE_BYTES))}
        guest, counter = self._boot(net, counted, linux_guest.web(pages), **more)
        self._tell(guest, 'web')
        site = Site(guest, netpeer.guest_ip('linux', net), net, counter)
        guest.until(site.answers, 'answer of lighttpd', PATIENCE)
        yield site
        self.__exit__()


# To close a connection by, so that this host repeats no FIN to the next guest with that address.
RESET = struct.pack('ii', 1, 0)


class Site:
    """A web server in a guest, with PAGE and FILE."""

    def __init__(self, guest, ip, net, counter):
        self._guest, self._counter = guest, counter
        self.ip, self.port = ('127.0.0.1', guest.port(80)) if net == 'user' else (ip, 80)

    @property
    def url(self):
        return f'http://{self.ip}:{self.port}/{PAGE}'

    def answers(self):
        try:
            with self.connect() as c:
                self.get(c)
            return True
        except OSError:
            return False

    def connect(self):
        return http.Connection(self.port, self.ip, timeout=PATIENCE)

    def get(self, connection, name=PAGE, size=PAGE_BYTES, headers=()):
        got = []
        answer = connection.get('/' + name, headers, sink=lambda data: got.append(len(data)))
        if answer.status != 200 or sum(got) != size:
            raise Lost(f'{name}: status {answer.status}, {sum(got)} bytes\n{self._guest.report()}')

    def _counted(self, work, n):
        """Instructions for one of n times work(), after a tenth as many that do not count."""
        for _ in range(n // 10):
            work()
        self._counter.begin(self._guest)
        for _ in range(n):
            work()
        return self._counter.end(self._guest, n) / n

    def close_insns(self, n):
        """Instructions for a page on a connection of its own."""
        def work():
            with self.connect() as c:
                self.get(c, headers=[('Connection', 'close')])
        return self._counted(work, n)

    def keepalive_insns(self, n, idle=0):
        """Instructions for a page on a connection that stays open, beside so many idle ones, each
        of which had a page. None: it does not keep so many."""
        with contextlib.ExitStack() as stack:
            poll = select.poll()
            for _ in range(idle):
                other = stack.enter_context(self.connect())
                other.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                self.get(other)
                poll.register(other.socket, select.POLLIN)
            c = stack.enter_context(self.connect())
            count = self._counted(lambda: self.get(c), n)
            closed = len(poll.poll(0))
            if closed:
                print(f'  {closed} of {idle} idle connections were closed by the server')
            return None if closed else count

    def file_insns(self, n):
        """Instructions for a MiB of a file that was read before."""
        with self.connect() as c:
            self.get(c, FILE, FILE_BYTES)
            return self._counted(lambda: self.get(c, FILE, FILE_BYTES), n) / (FILE_BYTES >> 20)

    def close_rate(self, seconds):
        """Pages a second, each on a connection of its own, one at a time."""
        n, began = 0, time.monotonic()
        while (now := time.monotonic()) < began + seconds:
            n += int(clients.number(r'Complete requests:\s+(\d+)', clients.output(
                'apache2-utils', 'ab', '-q', '-n', '200', '-c', '1', self.url)))
        return n / (now - began)

    def keepalive_rate(self, connections, seconds):
        return clients.number(r'Requests/sec:\s*([\d.]+)', clients.output(
            'wrk', 'wrk', '-t1', f'-c{connections}', f'-d{seconds}s', self.url))
