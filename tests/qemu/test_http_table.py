# SPDX-License-Identifier: BSD-2-Clause
"""The requests of tests/http/ over the network of an image: each in one piece, and some in pieces.
The form of the tables stands at the top of requests-line.txt; tests/host/test_http_table.c cuts
each request at each byte.
"""
import glob
import io
import os
import random
import re
import socket
import tarfile
import threading

import pytest

from conftest import TREE
from vireolib import http, images

TABLES = os.path.join(TREE, 'tests', 'http')
MTIME = 784111777                      # Sun, 06 Nov 1994 08:49:37 GMT
ESCAPES = {'r': b'\r', 'n': b'\n', 't': b'\t', '\\': b'\\'}


def lines(path):
    with open(path, encoding='utf-8') as f:
        return [line.rstrip('\n') for line in f if line.strip() and not line.startswith('#')]


def expand(text, tag):
    """The bytes of a text; tag(path) is the entity tag of a file."""
    out, at = b'', 0
    while at < len(text):
        if text[at] == '\\':
            letter = text[at + 1]
            out += bytes([int(text[at + 2:at + 4], 16)]) if letter == 'x' else ESCAPES[letter]
            at += 4 if letter == 'x' else 2
        elif text[at] == '{' and text[at + 1:at + 2] not in ('"', '}', ''):
            end, depth = at + 1, 1
            while depth:
                depth += {'{': 1, '}': -1}.get(text[end], 0)
                end += 1
            out += macro(text[at + 1:end - 1], tag)
            at = end
        else:
            out += text[at].encode()
            at += 1
    return out


def macro(text, tag):
    if text == '1':
        return b' HTTP/1.1\r\nHost: h\r\n'
    name, _, rest = text.partition(' ')
    if name == 'etag':
        return tag(rest).encode()
    if name == 'boundary':
        return b'vireo-' + tag(rest)[-17:-1].encode()
    times, _, rest = text.partition('*')
    return int(times) * expand(rest, tag)


def read_rows():
    rows = []
    for path in sorted(glob.glob(os.path.join(TABLES, 'requests-*.txt'))):
        for line in lines(path):
            if not line.startswith(' '):
                rows.append({'name': line, 'request': [], 'expected': []})
            elif line.startswith('  -> '):
                *statuses, rows[-1]['fate'] = line[5:].split()
                rows[-1]['statuses'] = [(int(s.rstrip('h')), s.endswith('h')) for s in statuses]
            elif line.startswith('  => '):
                rows[-1]['expected'].append(line[5:])
            else:
                rows[-1]['request'].append(line[2:])
    return rows


@pytest.fixture
def port(boot, make_disk, tmp_path):
    root = tmp_path / 'tree'
    for line in lines(os.path.join(TABLES, 'tree.txt')):
        name, _, content = line.partition(' =')
        path = os.path.join(os.fsencode(root), expand(name, None)[1:])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(expand(content[1:], None))
        os.utime(path, (MTIME, MTIME))
    guest = boot('httpd', disks=[make_disk(root)], forwards=[80], append=images.STATIC_IP)
    guest.serving(30)
    return guest.port(80)


def check(port, row, tag, pieces):
    with http.Connection(port) as c:
        c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer = None
        try:
            for piece in pieces:
                c.send(piece)
        except ConnectionError:        # refused before its end
            pass
        for status, head in row['statuses']:
            answer = c.answer(head=head)
            assert answer.status == status, row['name']
        if row['fate'] == 'closed':
            assert c.closed(), row['name']
        if row['fate'] == 'open':
            assert c.get('/digits.bin').body == b'0123456789', row['name']
        for expected in row['expected']:
            check_expected(row, answer, expected, tag)


def check_expected(row, answer, expected, tag):
    if expected.startswith('!'):
        assert expected[1:].lower() not in answer.headers, row['name']
    elif expected.startswith('body '):
        assert answer.body == expand(expected[5:], tag), row['name']
    else:
        name, _, value = expected.partition(': ')
        assert answer.headers[name.lower()] == expand(value, tag).decode(), row['name']


def cut(data, rng):
    """One to six pieces."""
    places = sorted(rng.randrange(1, max(2, len(data))) for _ in range(rng.randrange(6)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)]) if a < b]


@pytest.mark.timeout(180)
def test_table(port):
    tags = {}

    def tag(path):
        if path not in tags:
            tags[path] = http.get(port, path).headers['etag']
        return tags[path]

    rows, rng = read_rows(), random.Random(9112)
    assert len(rows) >= 250
    for n, row in enumerate(rows):
        data = b''.join(expand(line, tag) for line in row['request'])
        check(port, row, tag, [data])
        if n % 4 == 0:
            check(port, row, tag, cut(data, rng))


def test_every_row_is_complete():
    for row in read_rows():
        assert row['request'] and row['fate'] in ('open', 'closed', 'waiting'), row['name']
    names = [row['name'] for row in read_rows()]
    assert len(names) == len(set(names)), [n for n in names if names.count(n) > 1]


def test_log_and_listings(boot, make_disk, tmp_path):
    """The boot arguments; the log's lines stand on the serial line."""
    (tmp_path / 'tree').mkdir()
    (tmp_path / 'tree' / 'a.txt').write_bytes(b'a')
    guest = boot('httpd', disks=[make_disk(tmp_path / 'tree')], forwards=[80],
                 append=images.STATIC_IP + ' vireo.httpd.access_log=1 vireo.httpd.listing=0')
    guest.serving(30)
    assert http.get(guest.port(80), '/').status == 404
    assert http.get(guest.port(80), '/a.txt?"\\').status == 200
    guest.expect(r'^10\.0\.2\.2 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
                 + re.escape(r'"GET /a.txt?\x22\x5c HTTP/1.1" 200 1'), 20)


def test_long_paths(boot, tmp_path):
    """Paths of archives up to 4,095 bytes are served, also with all of their bytes encoded."""
    disk = tmp_path / 'long.tar'
    names = {}
    with tarfile.open(disk, 'w', format=tarfile.PAX_FORMAT) as tar:
        for length in (511, 512, 1024, 4094, 4095):
            name = ('/'.join(['p' * 199] * 21))[:length - 6] + '/x.txt'
            names[length] = name.replace('//', '/q')
            info = tarfile.TarInfo(names[length])
            info.size = 4
            tar.addfile(info, io.BytesIO(b'%4d' % length))
    guest = boot('httpd', disks=[disk], forwards=[80], append=images.STATIC_IP)
    guest.serving(30)
    for length, name in names.items():
        assert len(name) == length
        encoded = ''.join(c if c == '/' else f'%{ord(c):02x}' for c in name)
        for path in (name, encoded):
            answer = http.get(guest.port(80), '/' + path)
            assert (answer.status, answer.body) == (200, b'%4d' % length), length
    assert http.get(guest.port(80), '/' + 'a/' * 2047 + 'bcd').status == 404


def test_silent_clients_make_room(boot, site_disk):
    """All places are taken by clients that say nothing: the next one is served."""
    guest = boot('httpd', disks=[site_disk], forwards=[80],
                 append=images.STATIC_IP + ' vireo.httpd.connections=20')
    guest.serving(30)
    silent = [socket.create_connection(('127.0.0.1', guest.port(80))) for _ in range(30)]
    pause = threading.Event()
    for _ in range(600):               # QEMU's network hands the connections over one by one
        status = http.status_json(guest.port(80), timeout=20)
        if status['server']['evicted'] >= 10:
            break
        pause.wait(0.1)
    assert status['server']['evicted'] >= 10 and status['server']['open'] <= 20
    for s in silent:
        s.close()
