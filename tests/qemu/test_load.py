# SPDX-License-Identifier: BSD-2-Clause
"""A short load on two machines, and the benches' own machinery. `make load` is the long one."""
import contextlib
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import threading

import pytest

from conftest import TREE
from vireolib import bench_boot, churn, clients, images, load, netguests, report


@pytest.mark.parametrize('transport, wake, smp, requests', [
    ('mmio', 'irq', '1', 400), ('pci', 'irq', '1,maxcpus=2', 400), ('pci', 'poll', '1', 400),
    *(pytest.param(*machine, 4000, marks=pytest.mark.full)
      for machine in itertools.product(('mmio', 'mmio-legacy', 'pci'), ('irq', 'poll'),
                                       ('1', '1,maxcpus=2')))])
@pytest.mark.timeout(300)
def test_short_load(boot, site_disk, transport, wake, smp, requests):
    guest = boot('httpd', transport=transport, smp=smp, disks=[site_disk], forwards=[80],
                 append=images.STATIC_IP + (' vireo.poll=1' if wake == 'poll' else ''))
    guest.serving()
    port = guest.port(80)
    for name, run in load.runs(requests, requests << 16):
        outcome = run(port)
        assert not outcome.trouble, f'{name}: {outcome.trouble}\n{guest.report(20)}'
    status = load.http.status_json(port)
    assert load.rekicks(status) == 0 or 'maxcpus' not in smp


@pytest.mark.parametrize('transport', ['mmio', 'pci'])
@pytest.mark.timeout(180)
def test_thousands_of_closed_connections(boot, site_disk, transport):
    """Connections that the server closed are forgotten soon enough to go on serving."""
    guest = boot('httpd', transport=transport, append=images.STATIC_IP, disks=[site_disk],
                 forwards=[80])
    guest.serving()
    outcome = clients.ab(f'http://127.0.0.1:{guest.port(80)}/', 8, False, 6000)
    assert not outcome.trouble, outcome.trouble
    assert load.http.get(guest.port(80)).status == 200


@pytest.mark.full
@pytest.mark.timeout(300)
def test_connections_that_come_and_go(boot, site_disk):
    """Opened and closed in all ways, 10,000 a minute: none fails or stalls, nothing is held after
    them. `make load LOAD='--connections 10'` does so for ten minutes."""
    guest = boot('httpd', append=images.STATIC_IP, disks=[site_disk], forwards=[80])
    guest.serving()
    port = guest.port(80)
    churn.churn(port, 60, 0)
    before, _ = churn.held(port)
    figures = churn.minute(port, before)
    churn.show(1, figures)
    assert not churn.trouble(figures), figures


class Slow(threading.Thread):
    """Clients that each move a byte in two seconds: of a request, or of a large answer."""

    def __init__(self, senders, readers):
        super().__init__(daemon=True)
        self.senders, self.readers, self.over = senders, readers, threading.Event()

    def run(self):
        for c in self.readers:
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.request('GET', '/' + netguests.FILE)
        for n in itertools.count():
            for c in self.senders:
                c.send(b'GET / HTTP/1.1\r\nHost: s\r\nX: '[n:n + 1] or b'x')
            for c in self.readers:
                c.socket.recv(1)
            if self.over.wait(2):
                return


@pytest.mark.full
@pytest.mark.timeout(300)
def test_slow_clients_take_no_time_of_a_fast_one(built):
    """100 slow clients, and all that is done for them, add a tenth at most to what a page takes."""
    built('httpd')
    with netguests.Vireo(patience=4).web('user', True) as site, contextlib.ExitStack() as stack:
        alone = site.keepalive_insns(3000)
        slow = [stack.enter_context(site.connect()) for _ in range(100)]
        pace = Slow(slow[::2], slow[1::2])
        pace.start()
        beside = site.keepalive_insns(3000)
        pace.over.set()
        pace.join()
    print(f'a page takes {alone:,.0f} instructions, and beside 100 slow clients {beside:,.0f}')
    assert beside <= 1.1 * alone


def test_figures_of_hello_keep_their_limits(built):
    built('hello')
    n = bench_boot.counted(bench_boot.hello(), bench_boot.ends, images.MARK_MAIN)
    assert 1000 < n <= bench_boot.LIMITS['boot.hello_main_insn']


@pytest.mark.parametrize('transport', ['mmio', 'mmio-legacy', 'pci'])
def test_figures_of_httpd_keep_their_limits(built, site_disk, transport):
    built('httpd')
    n = bench_boot.counted(bench_boot.httpd(transport=transport), bench_boot.ready,
                           images.MARK_READY)
    assert 10_000 < n <= bench_boot.LIMITS['boot.httpd_listen_insn']


def test_plugin_counts_exactly(tiny, tmp_path, boot):
    """A hand-made image whose instructions can be counted by hand: a few, and 4 a character."""
    counts = []
    for n, text in enumerate(('', 'x' * 100)):
        out = tmp_path / f'marks{n}'
        guest = boot(tiny(text), net='none', plugin=f'{images.plugin()},out={out}')
        assert guest.wait() == 0
        counts.append(images.marks(out)['total'])
    assert counts[1] - counts[0] == 400
    assert counts[0] < 20


def test_bench_report(tmp_path, capsys):
    rows = [report.median_row('a.b', 's', [3, 1, 2], linux=4, limit=2, config='x'),
            report.Row('c.d', 'B', 10, limit=9)]
    path = tmp_path / 'deep' / 'x.json'
    assert report.finish('x', str(path), rows) == 1
    assert json.loads(path.read_text())[0] == {'metric': 'a.b', 'unit': 's', 'vireo': 2, 'linux': 4,
                                               'ratio': 2.0, 'n': 3, 'config': 'x'}
    text = capsys.readouterr().out
    assert 'c.d is 10 B, allowed is 9' in text and 'exceeded=1' in text


def test_bench_and_load_mistakes():
    for script, args, words in (('bench', ['nosuch'], 'boot'), ('bench', ['-n', '0'], 'at least 1'),
                                ('load', ['--only', '('], 'invalid')):
        result = subprocess.run([sys.executable, os.path.join(TREE, 'scripts', script), *args],
                                capture_output=True, text=True)
        assert result.returncode == 2 and re.search(words, result.stderr), result.stderr


@pytest.mark.full
@pytest.mark.timeout(600)
def test_boot_bench_keeps_all_limits(built, site_disk):
    built('hello'), built('httpd')
    assert bench_boot.main(3) == 0
    with open(os.path.join(images.BUILD, 'bench', 'boot.json')) as f:
        names = {row['metric'] for row in json.load(f)}
    assert {'boot.hello_main_insn', 'boot.httpd_listen_insn', 'boot.hello_min_mem_MiB',
            'boot.httpd_min_mem_MiB', 'boot.hello_img_B', 'boot.httpd_img_B', 'boot.http_Minsn',
            'boot.http_s'} <= names
