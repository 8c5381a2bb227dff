# SPDX-License-Identifier: BSD-2-Clause
"""What a disk costs and carries, beside a Linux guest in the same QEMU on the same file, which lies
in memory. Instructions are exact (-icount shift=0 and a counting plugin): application and
interrupts included, idle time not; those of a polled disk are of the image tests/apps/blkcost,
which does not count while the device works. Rates are medians of runs in which the guests take
turns. bench_blk_counts.py counts exits, kicks, interrupts, and what small appends write.
"""
import contextlib
import dataclasses
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from vireolib import bench_blk_counts, datadisk, images, linux_guest, netguests, report
from vireolib.guest import Guest, Lost
from vireolib.machine import Disk, Machine, Unusable

MEM = '256'                    # MiB, of each guest
DISK_BYTES = 512 << 20
FILES = 10000                  # in the tree whose first file is opened
RUN_MS = 500                   # a run whose rate is measured
PATIENCE = 60                  # s
POLLED = 'vireo polled'
SMALL, LONG = 4096, 131072
WRITABLE = 'cache=writeback,aio=threads'


@dataclasses.dataclass
class Figure:
    """One row. load: words of examples/blkperf, or a name of tests/apps/blkcost."""
    metric: str
    unit: str
    config: str
    load: object
    counted: bool                  # an exact count, for which one run is enough
    most: float = None             # the limit
    times: float = None            # of Linux's figure, at least
    of_ceiling: str = ''           # the metric that no guest can exceed: 85 % of it is enough
    above: tuple = ()              # a metric, and how much more than that one is the limit
    alone: bool = False            # of Vireo only
    traced: str = ''               # a kind of bench_blk_counts.UNITS
    logged: str = ''               # one of bench_blk_counts.WRITTEN

    @property
    def once(self):
        """One run is enough."""
        return self.counted or bool(self.logged)


def load(run, size=SMALL, depth=1, n=0, burst=0, path=''):
    words = {'run': run, 'size': size, 'depth': depth, 'n': n, 'burst': burst}
    return {**words, 'path': path} if path else words


# Most instructions of an operation by interrupt, and when polled
MOST = {('randread', 32): 250, ('randread', 128): 250, ('randread', 1): 600,
        ('seqread', 32): 400, ('flush', 1): 1200}
POLLED_COSTS = (('read1', 'blk.randread.4k.qd1_polled.insn_op', 'a read of 4 KiB', 300),
                ('read32', 'blk.randread.4k.qd32_polled.insn_op', 'a read of 4 KiB, of 32', 250),
                ('flush1', 'blk.flush_only.qd1_polled.insn_op', 'a flush', None),
                ('long32', 'blk.seqread.128k.qd32_polled.insn_op', 'a read of 128 KiB, of 32', 400))
PATTERNS = [(run, SMALL, '4k', depth) for run in ('randread', 'randwrite')
            for depth in (1, 8, 32, 128)] + \
           [(run, LONG, '128k', depth) for run in ('seqread', 'seqwrite') for depth in (1, 32)]
WORDS = {'randread': 'random reads of 4 KiB', 'randwrite': 'random writes of 4 KiB',
         'seqread': 'reads of 128 KiB in order', 'seqwrite': 'writes of 128 KiB in order',
         'flush': 'a write of 4 KiB and its flush'}


MISS_ADDS = 300                    # instructions, to those of the driver and the layer alone
APPENDS, APPENDED = 1000, 100      # and bytes of each
APPEND = load('append', APPENDED, n=APPENDS, path='/dev/vblk0')
APPEND_WORDS = f'{APPENDED} bytes and fsync(), {APPENDS:,} times in order'


DATA = '/data'                     # littlefs of the image, ext4 of the Linux guest
FILE_LOADS = {'append': ('append_fsync', f'a file: {APPEND_WORDS}', APPENDS),
              'create': ('create', 'a new file of 4 KiB, and fsync()', 200),
              'files': ('read', 'a file of 4 KiB opened, read, closed', 200)}
FILES_BYTES = 64 << 20
SPEEDTEST_SIZE = 5
SQL_PATIENCE = 20 * PATIENCE


def every_figure():
    yield from figures_of_requests()
    for run, words, depth in bench_blk_counts.LOADS:
        size = LONG if words == '128k' else SMALL
        for kind, unit in bench_blk_counts.UNITS.items():
            yield Figure(f'blk.{run}.{words}.qd{depth}.{kind}_op', unit,
                         f'{WORDS[run]}, {depth} at a time: {unit} an operation',
                         load(run, size, depth), False, traced=kind)
    yield Figure('raw.append_fsync.insn_op', 'instructions', f'/dev/vblk0: {APPEND_WORDS}', APPEND,
                 True)
    for kind, (unit, words) in bench_blk_counts.WRITTEN.items():
        yield Figure(f'raw.append_fsync.{kind}', unit, f'/dev/vblk0: {APPEND_WORDS}: {words}',
                     APPEND, False, alone=True, logged=kind)
    yield from figures_of_files()


def figures_of_files():
    for run, (name, words, n) in FILE_LOADS.items():
        how = load(run, APPENDED, n=n, path=DATA + '/log' * (run == 'append'))
        yield Figure(f'fs.{name}.insn_op', 'instructions', words, how, True)
        yield Figure(f'fs.{name}.ops_s', 'a second', words, how, False)
        if run == 'append':
            for kind, (unit, what) in bench_blk_counts.WRITTEN.items():
                yield Figure(f'fs.{name}.{kind}', unit, f'{words}: {what}', how, False, alone=True,
                             logged=kind)


def figures_of_requests():
    for run in ('randread', 'randwrite'):
        yield Figure(f'ceiling.blk.{run}.4k.ops_s', 'a second',
                     f'{WORDS[run]}, 128 with one kick, then the next 128',
                     load(run, depth=128, burst=1), False, alone=True)
    for run in ('seqread', 'seqwrite'):
        yield Figure(f'ceiling.host.{run}.128k.MBps', 'MB/s', f'{WORDS[run]}, by the host itself',
                     load(run, LONG), False, alone=True)
    for run in ('randread', 'randwrite'):
        for depth in (1, 32):
            yield Figure(f'ceiling.host.{run}.4k.qd{depth}.ops_s', 'a second',
                         f'{WORDS[run]}, {depth} at a time, by the host itself',
                         load(run, depth=depth), False, alone=True)
    for run, size, words, depth in PATTERNS:
        name = f'blk.{run}.{words}.qd{depth}'
        yield Figure(f'{name}.insn_op', 'instructions', f'{WORDS[run]}, {depth} at a time',
                     load(run, size, depth, n=max(640, 64 * depth)), True, MOST.get((run, depth)))
        if size == SMALL:
            yield Figure(f'{name}.ops_s', 'a second', f'{WORDS[run]}, {depth} at a time',
                         load(run, size, depth), False, times=1.2 if depth == 1 else 2,
                         of_ceiling='' if depth == 1 else f'ceiling.blk.{run}.4k.ops_s')
        else:
            yield Figure(f'{name}.MBps', 'MB/s', f'{WORDS[run]}, {depth} at a time',
                         load(run, size, depth), False, times=1,
                         of_ceiling=f'ceiling.host.{run}.128k.MBps')
    for name, metric, words, most in POLLED_COSTS:
        yield Figure(metric, 'instructions', f'{words}; polled, without the spinning', name, True,
                     most, alone=True)
    yield Figure('blk.flush.4k.qd1.insn_op', 'instructions', 'a write of 4 KiB and its flush',
                 load('flush', n=640), True, MOST['flush', 1])
    yield Figure('blk.flush.4k.qd1.ops_s', 'a second', 'a write of 4 KiB and its flush',
                 load('flush'), False, times=1.2)
    yield Figure('cache.pread.4k.insn_op', 'instructions', 'pread() of a block in the cache',
                 load('pread', n=10000), True, 500)
    yield Figure('cache.borrow.4k.insn_op', 'instructions', 'a block of the cache, borrowed',
                 load('borrow', n=10000), True, 120, alone=True)
    yield Figure('cache.miss.4k.insn_op', 'instructions',
                 'pread() of a block that is not in the cache', load('miss', n=640), True,
                 above=('blk.randread.4k.qd1.insn_op', MISS_ADDS), alone=True)
    yield Figure('sqlite.txn.insn_op', 'instructions',
                 'SQLite, WAL: a transaction of one row; Linux: ext4', 'sqlcost txn', True)
    yield Figure('sqlite.speedtest1.Minsn', 'million instructions',
                 f'speedtest1 of SQLite, size {SPEEDTEST_SIZE}, WAL; Linux: ext4',
                 'sqlcost speedtest1', True)
    for kind, (unit, what) in bench_blk_counts.WRITTEN.items():
        yield Figure(f'sqlite.append.{kind}', unit,
                     f'SQLite, WAL: {APPENDS:,} transactions of a row of {APPENDED} bytes: {what}',
                     'sqlcost append', False, alone=True, logged=kind)
    yield Figure(f'tree.open{FILES}.insn', 'instructions',
                 f'the first open() in a tree of {FILES:,} files', load('open', n=1), True,
                 5000000, alone=True)
    yield Figure('tree.reopen.insn_op', 'instructions',
                 'close() and open() of a file of that tree that was open before',
                 load('reopen', n=1000), True, alone=True)


# ---- the disks -------------------------------------------------------------------------------

@contextlib.contextmanager
def files():
    """A folder in memory, with disk.img."""
    memory = '/dev/shm' if os.path.isdir('/dev/shm') else None
    with tempfile.TemporaryDirectory(prefix='vb-', dir=memory) as folder:
        block = os.urandom(1 << 20)
        with open(os.path.join(folder, 'disk.img'), 'wb') as f:
            for _ in range(DISK_BYTES // len(block)):    # each block has memory
                f.write(block)
        yield folder


def tree_disk(folder):
    """Path of a disk with a tree of FILES files."""
    disk = os.path.join(folder, 'tree.img')
    if not os.path.exists(disk):
        with tempfile.TemporaryDirectory(prefix='vb-tree-') as tree:
            for i in range(FILES):
                path = os.path.join(tree, f'd{i // 100:03}', f'f{i % 100:02}')
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, 'w') as f:
                    f.write(f'{i}\n')
            subprocess.run([sys.executable, os.path.join(images.TREE, 'scripts', 'mkdisk'), tree,
                            disk], check=True, stdout=subprocess.DEVNULL)
    return disk


def empty_file(path):
    with open(path, 'wb') as f:
        f.truncate(FILES_BYTES)
    return path


def littlefs_disk(folder):
    """Path of a disk with an empty littlefs."""
    path = os.path.join(folder, 'littlefs.img')
    if os.path.exists(path):
        os.unlink(path)
    datadisk.make(path, FILES_BYTES, 4096, None)
    return path


def ext4_disk(folder, name):
    """Path of a disk with an empty ext4."""
    maker = shutil.which('mkfs.ext4', path=os.environ['PATH'] + ':/usr/sbin:/sbin')
    if not maker:
        raise Unusable('mkfs.ext4 is not installed; it is in the Debian package e2fsprogs')
    path = empty_file(os.path.join(folder, name))
    subprocess.run([maker, '-q', '-F', path], check=True)
    return path


TREE_FILE = f'/d{FILES // 200:03}/f50'


def result_of(name, text):
    """The numbers in the line that examples/blkperf prints."""
    line = re.search(rf'^blkperf: {name} (operations=.*)$', text, re.M)
    if not line:
        raise Lost(f'there is no result of {name}\n{text}')
    return {key: int(value) for key, value in re.findall(r'(\w+)=(\d+)', line[1])}


def figure_of(figure, result, insns):
    if figure.counted:
        return insns / result['operations']
    what = result['bytes'] / 1e6 if figure.unit == 'MB/s' else result['operations']
    return what * 1e9 / result['ns']


# ---- the guests ------------------------------------------------------------------------------

class Vireo:
    """An image for each load."""

    def __init__(self, folder, append='', profile_in=None):
        self._folder, self._append, self._profile_in = folder, append, profile_in
        self._counts = bench_blk_counts.Vireo(
            lambda words: self.blkperf(words, self.disk()))

    def disk(self):
        return Disk(os.path.join(self._folder, 'disk.img'), drive=WRITABLE)

    def machine(self, app, disk, append='', **more):
        return Machine(images.image(app), mem=MEM, net='none',
                       append=f'{append} {self._append}'.strip(), disks=[disk], **more)

    def blkperf(self, words, disk):
        """The machine that puts a load on a disk."""
        mount = f'vireo.mount={DATA}:vblk0 ' * words.get('path', '').startswith(DATA)
        return self.machine('blkperf', disk, mount + ' '.join(
            f'vireo.blkperf.{key}={value}' for key, value in words.items()))

    def measure(self, figure):
        if isinstance(figure.load, str):
            app, _, name = figure.load.rpartition(' ')
            if figure.logged:
                return bench_blk_counts.written(lambda _, disk: self._sqlcost(name, disk), figure,
                                                self._sqlite_disk(name))
            return self._sqlite(name) if app else self._cost(name)
        if figure.metric.startswith('ceiling.host.'):
            return figure_of(figure, on_host(self._folder, figure.load), None)
        if figure.traced:
            return self._counts.measure(figure)
        if figure.logged:
            return bench_blk_counts.written(self.blkperf, figure, self._logged(figure))
        words, disk = dict(figure.load), os.path.join(self._folder, 'disk.img')
        if words['run'] in ('open', 'reopen'):
            disk, words['path'] = tree_disk(self._folder), TREE_FILE
        if words.get('path', '').startswith(DATA):
            disk = littlefs_disk(self._folder)
        elif not figure.counted:
            words['ms'] = RUN_MS
        how = self.blkperf(words, Disk(disk, drive=WRITABLE))
        return figure_of(figure, *self._run(how, words['run'], figure))

    def _logged(self, figure):
        """Path of a disk that is not shared."""
        if figure.load['path'].startswith(DATA):
            return littlefs_disk(self._folder)
        return empty_file(os.path.join(self._folder, 'logged.img'))

    def _run(self, how, name, figure):
        """(result, instructions or None)."""
        with tempfile.TemporaryDirectory(prefix='vb-') as folder, contextlib.ExitStack() as stack:
            counter = None
            if figure.counted and self._profile_in:
                counter = stack.enter_context(netguests.Profiling(
                    folder, 'blkperf', os.path.join(self._profile_in, figure.metric)))
            elif figure.counted:
                counter = netguests.Counter(folder)
            if counter:
                how.icount, how.plugin = netguests.EXACT, counter.plugin
            with Guest(how) as guest:
                if guest.wait(PATIENCE) != 0:
                    raise Lost(f'blkperf failed: {how.append}\n' + guest.report())
                result = result_of(name, guest.text)
            return result, counter.of_load(result['operations']) if counter else None

    def _cost(self, name):
        """Instructions of an operation of tests/apps/blkcost, submitting and completing."""
        how = self.machine('blkcost', self.disk(), 'vireo.poll=1', icount=netguests.EXACT)
        with Guest(how) as guest:
            if guest.wait(PATIENCE) != 0:
                raise Lost('blkcost failed\n' + guest.report())
            found = re.search(rf'^cost {name} submit=([\d.]+) complete=([\d.]+)', guest.text, re.M)
        return float(found[1]) + float(found[2])

    def _sqlite_disk(self, name):
        """Path of a disk for a database."""
        disk = os.path.join(self._folder, f'{name}.img')
        if os.path.exists(disk):
            os.unlink(disk)
        subprocess.run([sys.executable, os.path.join(images.TREE, 'scripts', 'mkdisk'), '--sqlite',
                        '64M', disk, '--quiet'], check=True)
        return disk

    def _sqlcost(self, name, disk, **more):
        return self.machine('sqlcost', disk, f'vireo.sqlcost.run={name}', **more)

    def _sqlite(self, name):
        """Instructions of a load of tests/apps/sqlcost: of a transaction, or millions of all."""
        with tempfile.TemporaryDirectory(prefix='vb-') as folder:
            counter = netguests.Counter(folder)
            how = self._sqlcost(name, Disk(self._sqlite_disk(name), drive=WRITABLE),
                                icount=netguests.EXACT, plugin=counter.plugin)
            with Guest(how) as guest:
                if guest.wait(SQL_PATIENCE) != 0:
                    raise Lost('sqlcost failed\n' + guest.report())
                done = int(re.search(r'^sqlcost: \w+ operations=(\d+)', guest.text, re.M)[1])
            return counter.of_load(done) / (1e6 if name == 'speedtest1' else done)


def words_of(load, ms):
    """A load as tests/paths/linux_blk.c reads it."""
    path = load.get('path', '').replace('/dev/vblk0', 'disk')
    return f'{load["run"]} {load["size"]} {load["depth"]} {load["n"]} {ms} {path}'.strip()


def on_host(folder, load):
    """The result of a load that the host puts on the file."""
    program = os.path.join(folder, 'linux_blk')
    if not os.path.exists(program):
        subprocess.run(['cc', '-O2', '-o', program, *(os.path.join(images.TREE, source)
                                                      for source in linux_guest.BLK.sources)],
                       check=True)
    said = subprocess.run([program, os.path.join(folder, 'disk.img'), words_of(load, RUN_MS)],
                          capture_output=True, text=True)
    return result_of(load['run'], said.stdout)


class Linux:
    """The Linux guest, one to count with and one to measure rates; the one that is not at work
    stands still. Use as a context manager."""

    def __init__(self, folder):
        self._folder, self._stack, self._running = folder, contextlib.ExitStack(), {}
        self._counts = bench_blk_counts.Linux(self._disk, MEM, self._stack)

    def _disk(self):
        return Disk(os.path.join(self._folder, 'disk.img'), drive=WRITABLE + ',file.locking=off')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _sql(self, name):
        """As Vireo._sqlite, on ext4, in a guest of its own."""
        if 'sql' not in self._running:
            self._running['sql'] = self._boot('sql', linux_guest.SQL)
        else:
            self._running['sql'][0].qmp('cont')
        guest, counter = self._running['sql']
        guest.send(f'{name} 1 1 {SPEEDTEST_SIZE} 0 sqlite\n')
        if guest.expect(r'^linux_blk: status (\d+)', SQL_PATIENCE)[1] != '0':
            raise Lost(f'the Linux guest failed: {name}\n' + guest.report())
        guest.qmp('stop')
        done = result_of(name, '\n'.join(guest.seen(f'^blkperf: {name} ')[-1:]))['operations']
        return counter.of_load(0) / (1e6 if name == 'speedtest1' else done)

    def _boot(self, counted, init=linux_guest.BLK):
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix='vb-'))
        counter = netguests.Counter(folder) if counted else None
        how = linux_guest.machine('', folder, init, mem=MEM, net='none',
                                  disks=[self._disk(), Disk(
                                      ext4_disk(self._folder, f'ext4-{counted}.img'),
                                      serial='ext4', drive=WRITABLE)])
        if counted:
            how.icount, how.plugin = netguests.EXACT, counter.plugin
        os.mkdir(os.path.join(folder, 'guest'))
        guest = self._stack.enter_context(Guest(how, os.path.join(folder, 'guest')))
        guest.expect(init.ready, PATIENCE)
        return guest, counter

    def measure(self, figure):
        if isinstance(figure.load, str):
            return self._sql(figure.load.rpartition(' ')[2])
        if figure.traced:
            return self._counts.measure(figure, words_of)
        if figure.counted not in self._running:
            self._running[figure.counted] = self._boot(figure.counted)
        else:
            self._running[figure.counted][0].qmp('cont')
        guest, counter = self._running[figure.counted]
        guest.send(words_of(figure.load, RUN_MS) + '\n')
        if guest.expect(r'^linux_blk: status (\d+)', PATIENCE)[1] != '0':
            raise Lost(f'the Linux guest failed: {figure.load}\n' + guest.report())
        guest.qmp('stop')
        name = figure.load['run']
        result = result_of(name, '\n'.join(guest.seen(f'^blkperf: {name} ')[-1:]))
        return figure_of(figure, result, counter.of_load(0) if counter else None)


# ---- the bench -------------------------------------------------------------------------------

def measure(figure, guests, n):
    """{name: figure} of the guests, which take turns."""
    names = [name for name in guests if name == 'vireo' or
             not (figure.alone or name == POLLED and
                  (figure.counted or figure.traced or figure.metric.startswith('fs.')))]
    values = {name: [] for name in names}
    for turn in range(1 if figure.once else n):
        for name in names[::1 if turn % 2 else -1]:
            values[name].append(guests[name].measure(figure))
    digits = 3 if figure.traced else 1
    found = {name: round(float(statistics.median(taken)), digits)
             for name, taken in values.items()}
    print('  ' + figure.metric + ': ' + ', '.join(
        f'{name} {report.number(value)}' for name, value in found.items()), flush=True)
    return found


def rows_of(figure, found, n, others):
    """The row; polled, a rate has one of its own, which is no less than by interrupt."""
    row = report.Row(figure.metric, figure.unit, found['vireo'], linux=found.get('linux'),
                     n=1 if figure.once else n, config=figure.config, limit=figure.most)
    most = next((r.vireo for r in others if r.metric == figure.of_ceiling), None)
    if figure.above:
        row.limit = next((round(r.vireo + figure.above[1], 1) for r in others
                          if r.metric == figure.above[0]), None)
    if row.linux and figure.times:
        row.least = round(figure.times * row.linux, 1)
        if most:
            row.least = min(row.least, round(0.85 * most, 1))
    elif most:
        row.least = round((0.8 if figure.unit == 'a second' else 0.9) * most, 1)
    yield row
    if POLLED in found:
        name, dot, unit = figure.metric.rpartition('.')
        yield report.Row(f'{name}_polled{dot}{unit}', figure.unit, found[POLLED],
                         linux=found.get('linux'), n=n, config=f'{figure.config}; polled',
                         least=round(0.9 * found['vireo'], 1))


def main(n, document=False, pattern='', alone=False, append='', profile_in=None):
    """As bench_net.main."""
    if document and (pattern or alone or append or profile_in):
        raise Unusable('--readme writes the whole table, and goes with none of --rows, --alone, '
                       '--append, --profile')
    figures = [f for f in report.chosen(every_figure(), pattern)
               if not profile_in or f.counted and not isinstance(f.load, str)]
    if profile_in:
        os.makedirs(profile_in, exist_ok=True)
    with files() as folder, Linux(folder) as linux:
        guests = {'vireo': Vireo(folder, append, profile_in),
                  POLLED: Vireo(folder, f'{append} vireo.poll=1'.strip()), 'linux': linux}
        if alone or profile_in:
            del guests['linux']
        rows = []
        for figure in figures:
            rows += rows_of(figure, measure(figure, guests, n), n, rows)
    if profile_in:
        print(f'bench: blk profiles={len(rows)} ({profile_in})')
        return 0
    return report.finish('blk', os.path.join(images.BUILD, 'bench', 'blk.json'), rows, document)
