# SPDX-License-Identifier: BSD-2-Clause
"""examples/kv: keys and values over HTTP in SQLite on a raw disk."""
import http.client
import os
import random
import re
import subprocess
import sys
import threading

import pytest

from conftest import TREE
from vireolib import images
from vireolib.machine import Disk


def make(path, size='4M'):
    subprocess.run([sys.executable, os.path.join(TREE, 'scripts', 'mkdisk'), '--sqlite', size,
                    path], check=True, capture_output=True)
    return Disk(str(path))


@pytest.fixture
def kv(boot, tmp_path):
    """kv(words, disk) boots the image: ask(method, path, body) of its guest."""
    def start(words='', disk=None, blank=0):
        if blank:
            (tmp_path / 'disk').write_bytes(bytes(blank))
            disk = Disk(str(tmp_path / 'disk'))
        guest = boot('kv', disks=[disk or make(tmp_path / 'disk')], forwards=[80],
                     append=f'{images.STATIC_IP} {words}')
        guest.serving()
        return guest, Client(guest.port(80))
    return start


class Client:
    """One connection, which is opened again when the server has ended it."""

    def __init__(self, port):
        self.port, self.link = port, None

    def __call__(self, method, path, body=None):
        """(status, body)"""
        self.link = self.link or http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        self.link.request(method, path, body)
        answer = self.link.getresponse()
        data = answer.read()
        if answer.will_close:
            self.link = None
        return answer.status, data


def test_requests(kv):
    _, ask = kv()
    assert ask('PUT', '/k/a%2Fb%00%ff', b'one')[0] == 204
    assert ask('GET', '/k/a/b%00%FF') == (200, b'one')
    assert ask('PUT', '/k/a/b%00%ff', b'')[0] == 204
    assert ask('GET', '/k/a/b%00%FF') == (200, b'')
    for key in ('b', 'a/c', 'z'):
        assert ask('PUT', '/k/' + key, key.encode())[0] == 204
    assert ask('GET', '/k') == (200, b'a/b%00%FF\na/c\nb\nz\n')
    assert ask('GET', '/k?prefix=a%2F&limit=1') == (200, b'a/b%00%FF\n')
    assert ask('GET', '/k?prefix=a/&after=a/b%00%ff') == (200, b'a/c\n')
    assert ask('DELETE', '/k/b')[0] == 204 and ask('DELETE', '/k/b')[0] == 404
    assert ask('GET', '/k/b')[0] == 404 and ask('HEAD', '/k/z') == (200, b'')
    assert ask('GET', '/status')[0] == 200


MISTAKES = [
    ('PUT', '/k/' + 'x' * 256, b'', 400), ('PUT', '/k/%4', b'', 400),
    ('GET', '/k?limit=0', None, 400), ('PUT', '/k/big', bytes(70000), 413),
    ('POST', '/k/x', b'x', 405), ('PUT', '/k', b'x', 405), ('GET', '/', None, 404),
    ('PUT', '/k/x', iter([b'chunk']), 411)]


def test_mistakes(kv):
    _, ask = kv()
    for method, path, body, status in MISTAKES:
        assert ask(method, path, body)[0] == status, (method, path)
        assert ask('GET', '/k') == (200, b'')


def test_a_full_disk_loses_nothing(kv):
    """PUT answers 507, what was there stays, and rows that are deleted make room."""
    _, ask = kv('vireo.vblk0.sqlite=make', blank=1 << 20)
    kept = 0
    while ask('PUT', f'/k/{kept:04}', bytes([kept % 251]) * 20000)[0] == 204:
        kept += 1
    assert kept > 15 and ask('PUT', '/k/more', bytes(20000))[0] == 507
    for n in range(kept):
        assert ask('GET', f'/k/{n:04}') == (200, bytes([n % 251]) * 20000)
    for n in range(0, kept, 2):
        assert ask('DELETE', f'/k/{n:04}')[0] == 204
    assert ask('PUT', '/k/more', bytes(20000))[0] == 204


def test_clients_share_commits(kv):
    """Sixteen clients write at one time: there are fewer transactions than writes."""
    _, ask = kv()
    bad = []

    def write(n):
        client = Client(ask.port)
        for i in range(25):
            if client('PUT', f'/k/{n}/{i}', b'x')[0] != 204:
                bad.append((n, i))
    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not bad
    status = ask('GET', '/status')[1].decode()
    commits, changes = (int(n) for n in re.findall(r':(\d+)', status))
    assert changes == 400 and commits < 200


@pytest.mark.parametrize('kills', [2, pytest.param(50, marks=pytest.mark.full)])
@pytest.mark.timeout(1200)
def test_kills(boot, tmp_path, kills):
    """QEMU is killed at random moments: what was acknowledged is there after the next boot."""
    disk, wanted, rng = make(tmp_path / 'disk'), {}, random.Random(kills)
    for _ in range(kills + 1):
        guest = boot('kv', disks=[disk], forwards=[80], append=images.STATIC_IP)
        guest.serving()
        ask = Client(guest.port(80))
        for key, values in wanted.items():
            found = ask('GET', f'/k/{key}')
            assert (found[1] if found[0] == 200 else None) in values, f'{key}: {found}'
            wanted[key] = [found[1] if found[0] == 200 else None]
        end = threading.Event()
        killer = threading.Timer(rng.random() * 0.8,
                                 lambda g=guest, e=end: (g.process.kill(), e.set()))
        killer.start()
        try:
            while not end.is_set():
                key, value = rng.randrange(40), rng.randbytes(rng.randrange(3000))
                gone = rng.random() < 0.2
                wanted[key] = wanted.get(key, [None]) + [None if gone else value]
                status = ask('DELETE' if gone else 'PUT', f'/k/{key}', None if gone else value)[0]
                assert status in (204, 404)
                wanted[key] = wanted[key][-1:]
        except (OSError, http.client.HTTPException):
            pass
        killer.join()
        guest.process.wait()
