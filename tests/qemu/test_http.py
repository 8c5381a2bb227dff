# SPDX-License-Identifier: BSD-2-Clause
"""httpd, seen by curl and by python: content by hash, HEAD, ranges, keep-alive, errors, and many
clients at once, slow ones among them.
"""
import concurrent.futures
import contextlib
import hashlib
import os
import re
import resource
import shutil
import socket
import subprocess
import threading

import pytest

from vireolib import http, images

TRANSPORTS = ('mmio', 'mmio-legacy', 'pci')
MIB = 1 << 20
SIZES = (1, 2, 511, 512, 513, 1459, 1460, 1461, 4095, 4096, 4097, 65535, 65536, 65537, 1_000_003,
         16 * MIB, 64 * MIB)


@pytest.fixture(scope='module')
def content(tmp_path_factory):
    """A folder of files of every interesting size, and their hashes."""
    root = tmp_path_factory.mktemp('site')
    hashes = {}
    for size in SIZES:
        data = os.urandom(min(size, MIB)) * (size // MIB or 1)
        data = data[:size]
        (root / f'{size}.bin').write_bytes(data)
        hashes[f'/{size}.bin'] = hashlib.sha256(data).hexdigest()
    for name in ('index.html', 'style.css', 'app.js', 'data.json', 'picture.png', 'photo.jpg',
                 'drawing.svg', 'page.htm', 'note.txt', 'anim.gif', 'unknown.xyz', 'sub/index.html',
                 'with space.txt', 'font.woff2', 'favicon.ico', 'doc.pdf', 'code.wasm'):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f'this is {name}\n'.encode())
    (root / 'empty').write_bytes(b'')
    return root, hashes


@pytest.fixture(scope='module')
def disk(content, make_disk):
    return make_disk(content[0])


@pytest.fixture
def server(boot, disk):
    """server(**machine) -> the port of a running httpd."""
    def start(**machine):
        machine.setdefault('append', images.STATIC_IP)
        guest = boot('httpd', disks=[disk], forwards=[80], **machine)
        guest.serving(30)
        return guest.port(80)

    return start


def curl(port, path, *options, timeout=240):
    """(exit status, body) of curl."""
    result = subprocess.run(['curl', '-sS', '--path-as-is', '--max-time', str(timeout), *options,
                             f'http://127.0.0.1:{port}{path}'], capture_output=True)
    return result.returncode, result.stdout


def sha256_of(port, path):
    digest = hashlib.sha256()
    with http.Connection(port) as c:
        c.request('GET', path, [('Connection', 'close')])
        answer = c.answer(sink=digest.update)
    assert answer.status == 200
    return digest.hexdigest(), int(answer.headers['content-length'])


# ---- content ----

@pytest.mark.parametrize('wake, transport', [
    pytest.param(wake, transport,
                 marks=() if (wake, transport) in (('irq', 'mmio'), ('poll', 'pci'))
                 else pytest.mark.full)
    for wake in ('irq', 'poll') for transport in TRANSPORTS])
@pytest.mark.timeout(180)
def test_content_by_hash(server, content, transport, wake):
    append = images.STATIC_IP + (' vireo.poll=1' if wake == 'poll' else '')
    port = server(transport=transport, append=append)
    for path, wanted in content[1].items():
        assert sha256_of(port, path)[0] == wanted, path
        status, body = curl(port, path)
        assert status == 0 and hashlib.sha256(body).hexdigest() == wanted, path


def test_types_and_lengths(server, content):
    port = server()
    for name, kind in {'index.html': 'text/html', 'page.htm': 'text/html', 'style.css': 'text/css',
                       'app.js': 'javascript', 'data.json': 'application/json',
                       'picture.png': 'image/png', 'photo.jpg': 'image/jpeg',
                       'drawing.svg': 'image/svg+xml', 'anim.gif': 'image/gif',
                       'note.txt': 'text/plain', 'code.wasm': 'application/wasm',
                       'unknown.xyz': 'application/octet-stream'}.items():
        answer = http.get(port, '/' + name)
        assert answer.status == 200 and kind in answer.headers['content-type'], name
        assert answer.body == f'this is {name}\n'.encode()
    assert http.get(port, '/empty').headers['content-length'] == '0'
    assert http.get(port, '/').body == b'this is index.html\n'
    assert http.get(port, '/sub/').body == b'this is sub/index.html\n'
    assert http.get(port, '/with%20space.txt').status == 200
    redirect = http.get(port, '/sub')
    assert redirect.status == 301 and redirect.headers['location'].endswith('/sub/')


def test_head(server, content):
    port = server()
    with http.Connection(port) as c:
        for path in ('/4097.bin', '/', '/empty', '/nosuch'):
            c.request('GET', path)
            got = c.answer()
            c.request('HEAD', path)
            head = c.answer(head=True)
            assert head.status == got.status
            for field in ('content-length', 'content-type', 'etag'):
                assert head.headers.get(field) == got.headers.get(field)
    assert curl(port, '/65537.bin', '-I')[0] == 0


def test_ranges(server, content):
    port = server()
    data = (content[0] / '65537.bin').read_bytes()
    with http.Connection(port) as c:
        for text, first, last in (('bytes=0-0', 0, 0), ('bytes=0-', 0, 65536),
                                  ('bytes=65536-', 65536, 65536), ('bytes=-1', 65536, 65536),
                                  ('bytes=100-40000', 100, 40000), ('bytes=-99999', 0, 65536),
                                  ('bytes=60000-99999', 60000, 65536)):
            answer = c.get('/65537.bin', [('Range', text)])
            assert answer.status == 206, text
            assert answer.headers['content-range'] == f'bytes {first}-{last}/65537'
            assert answer.body == data[first:last + 1]
        for text in ('bytes=65537-', 'bytes=99999-100000', 'bytes=-0'):
            answer = c.get('/65537.bin', [('Range', text)])
            assert answer.status == 416, text
            assert answer.headers['content-range'] == 'bytes */65537'
        for text in ('bytes=5-1', 'lines=1-2', 'bytes=a-b', 'bytes='):
            answer = c.get('/65537.bin', [('Range', text)])
            assert (answer.status, answer.body) in ((200, data), (416, answer.body)), text
    status, body = curl(port, '/65537.bin', '-r', '1000-1999')
    assert status == 0 and body == data[1000:2000]


def test_resumed_download(server, content, tmp_path):
    port = server()
    part = tmp_path / 'part'
    data = (content[0] / '1000003.bin').read_bytes()
    part.write_bytes(data[:333_333])
    status, _ = curl(port, '/1000003.bin', '-C', '-', '-o', str(part))
    assert status == 0 and part.read_bytes() == data


def test_conditional(server):
    port = server()
    first = http.get(port, '/note.txt')
    again = http.get(port, '/note.txt', [('If-None-Match', first.headers['etag'])])
    assert again.status == 304 and again.body == b''
    assert http.get(port, '/note.txt', [('If-None-Match', '"other"')]).status == 200


# ---- connections ----

def test_keep_alive(server, content):
    port = server()
    before = http.status_json(port)['server']['accepted']
    with http.Connection(port) as c:
        for n in range(200):
            assert c.get('/4096.bin').status == 200
    after = http.status_json(port)['server']['accepted']
    assert after - before == 2


def test_pipelined(server, content):
    port = server()
    with http.Connection(port) as c:
        c.send(b''.join(b'GET /%d.bin HTTP/1.1\r\nHost: x\r\n\r\n' % size
                        for size in (1, 65537, 513, 1461) * 10))
        for size in (1, 65537, 513, 1461) * 10:
            answer = c.answer()
            assert hashlib.sha256(answer.body).hexdigest() == content[1][f'/{size}.bin']


def test_close_and_http10(server):
    port = server()
    with http.Connection(port) as c:
        assert c.get('/note.txt', [('Connection', 'close')]).headers['connection'] == 'close'
        assert c.closed()
    with http.Connection(port) as c:
        c.send(b'GET /note.txt HTTP/1.0\r\n\r\n')
        assert c.answer().status == 200
        assert c.closed()
    with http.Connection(port) as c:
        for _ in range(3):
            c.send(b'GET /note.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
            assert c.answer().headers['connection'].lower() == 'keep-alive'


def test_head_in_pieces(server):
    """A request that comes byte by byte, as a slow or hostile client sends it."""
    port = server()
    with http.Connection(port) as c:
        c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b'GET /note.txt HTTP/1.1\r\nHost: slow\r\n\r\n':
            c.send(bytes([byte]))
        assert c.answer().status == 200


def test_input_behind_the_last_request(server):
    """What a client sends after it asked to close must not cost it the rest of its answer."""
    port = server()
    with http.Connection(port) as c:
        c.send(b'GET /source?bytes=3000000 HTTP/1.0\r\n\r\n')
        c.socket.recv(1)
        c.send(b'more' * 100)
        got = 1
        while data := c.socket.recv(65536):
            got += len(data)
        assert got > 3000000


# ---- what is refused ----

@pytest.mark.parametrize('request_line, status', [
    (b'GET /nosuch HTTP/1.1', 404), (b'GET /sub/nosuch.html HTTP/1.1', 404),
    (b'GET /note.txt/below HTTP/1.1', 404),
    (b'POST / HTTP/1.1', 405), (b'PUT /note.txt HTTP/1.1', 405), (b'DELETE / HTTP/1.1', 405),
    (b'PATCH / HTTP/1.1', 405),
    (b'GET', 400), (b'GET /', 400), (b'GET note.txt HTTP/1.1', 400), (b'GET / FTP/1.1', 400),
    (b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400), (b'GET /%zz HTTP/1.1', 400),
    (b'GET /a%00b HTTP/1.1', 400), (b'GET / HTTP/3.0', 505),
    (b'GET /' + b'a' * 15000 + b' HTTP/1.1', 414),
])
def test_errors(server, request_line, status):
    port = server()
    with http.Connection(port) as c:
        c.send(request_line + b'\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        answer = c.answer()
        assert answer.status == status
        if status == 405:
            assert 'GET' in answer.headers['allow']
    assert http.get(port, '/note.txt').status == 200


@pytest.mark.parametrize('fields, status', [
    ([], 400),                                                        # HTTP/1.1 without Host
    ([b'Host: x', b'Host: y'], 400),
    ([b'Host: x', b'Content-Length: 5', b'Content-Length: 6'], 400),
    ([b'Host: x', b'Content-Length: -1'], 400), ([b'Host: x', b'Content-Length: 1e3'], 400),
    ([b'Host: x', b'Content-Length: 5', b'Transfer-Encoding: chunked'], 400),
    ([b'Host: x', b'bad field: x'], 400), ([b'Host: x', b' folded'], 400),
    ([b'Host: x', b'A: ' + b'a' * 17000], 431), ([b'Host: x'] + [b'A: a'] * 150, 431),
    ([b'Host: x', b'Transfer-Encoding: gzip'], 400), ([b'Host: x y'], 400),
    ([b'Host: x', b'Transfer-Encoding: gzip, chunked'], 501),
])
def test_bad_fields(server, fields, status):
    port = server()
    with http.Connection(port) as c:
        c.send(b'\r\n'.join([b'GET /note.txt HTTP/1.1', *fields]) + b'\r\n\r\n')
        assert c.answer().status == status
    assert http.get(port, '/note.txt').status == 200


def test_body_too_large(server):
    """413 before the body was sent, where its length tells; curl waits for 100 and sees it."""
    port = server()
    with http.Connection(port) as c:
        c.send(b'POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999\r\n\r\n')
        assert c.answer().status == 413
    assert http.get(port, '/note.txt').status == 200


@pytest.mark.parametrize('path', [
    '/../etc/passwd', '/sub/../../x', '/%2e%2e/x', '/%2e%2e%2fx', '/..%2fx', '/sub/..%5c..%5cx',
    '/sub/%2e%2e/%2e%2e/index.html', '/....//x', '/.', '/./index.html', '/..', '/dev/vblk0',
    '//dev/vblk0', '/%2fdev/vblk0', '/\\..\\x'])
def test_path_traversal(server, path):
    port = server()
    with http.Connection(port) as c:
        c.request('GET', path, [('Connection', 'close')])
        answer = c.answer()
    assert answer.status in (400, 404), path
    status, body = curl(port, path, '-w', '%{http_code}')
    assert status == 0 and body[-3:] in (b'400', b'404')


# ---- uploads ----

def test_upload(server):
    port = server()
    for size in (0, 1, 1460, 100_000, 5 * MIB):
        data = http.pattern(size)
        with http.Connection(port) as c:
            c.request('POST', '/sink', body=data)
            got = c.answer().json()
        crc = got['crc32'] if isinstance(got['crc32'], int) else int(got['crc32'], 16)
        assert (got['bytes'], crc) == (size, http.crc32(data))


def test_chunked_upload_by_curl(server, tmp_path):
    port = server()
    path = tmp_path / 'data'
    path.write_bytes(http.pattern(300_001))
    status, body = curl(port, '/sink', '-H', 'Transfer-Encoding: chunked', '--data-binary',
                        f'@{path}')
    assert status == 0 and b'300001' in body
    with http.Connection(port) as c:
        c.send(b'POST /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n')
        assert c.answer().status == 400


def test_source(server):
    port = server()
    for size in (0, 1, 1000, 3_000_000):
        assert http.get(port, f'/source?bytes={size}').body == http.pattern(size)
    for query in ('', '?bytes=', '?bytes=x', '?bytes=-1', '?bytes=99999999999999999999'):
        assert http.get(port, '/source' + query).status == 400


# ---- many clients ----

def raise_file_limit(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


# QEMU's user network accepts one connection in each round of its loop and lets only one more wait:
# a burst of connects costs their senders seconds each. So the tests let each one arrive first.

@pytest.mark.parametrize('transport', ['mmio', 'pci'])
def test_200_connections(server, content, transport):
    """All open at once, each with several requests on their way at a time, each answer compared."""
    raise_file_limit(1024)
    port = server(transport=transport)
    paths = ['/1.bin', '/1461.bin', '/65537.bin', '/4096.bin']
    with contextlib.ExitStack() as stack:
        all_open = []
        for _ in range(200):
            all_open.append(stack.enter_context(http.Connection(port)))
            assert all_open[-1].get('/1.bin').status == 200
        for n in range(3):
            for i, c in enumerate(all_open):
                c.request('GET', paths[(i + n) % 4])
            for i, c in enumerate(all_open):
                path = paths[(i + n) % 4]
                body = c.answer().body
                assert hashlib.sha256(body).hexdigest() == content[1][path], (i, path)
        assert all_open[0].get('/status.json').json()['server']['open'] == 200


def test_slow_clients_do_not_block_a_fast_one(server, content):
    """100 clients that do not finish their request and 90 that do not read their answer: another
    gets what it asks for, at once, while they come and when all are there."""
    raise_file_limit(1024)
    port = server()
    with contextlib.ExitStack() as stack:
        fast = stack.enter_context(http.Connection(port, timeout=15))
        for i in range(100):
            slow = stack.enter_context(http.Connection(port))
            slow.send(b'GET /note.txt HTTP/1.1\r\nHost: s'[:5 + i % 25])
            assert fast.get('/1.bin').status == 200
        for _ in range(90):
            deaf = stack.enter_context(http.Connection(port))
            deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.request('GET', f'/{16 * MIB}.bin')
            assert fast.get('/1.bin').status == 200
        for path in ('/note.txt', '/65537.bin', '/1000003.bin') * 5:
            with http.Connection(port, timeout=15) as another:
                another.request('GET', path)
                assert another.answer().status == 200
        assert fast.get('/status.json').json()['server']['open'] >= 191


def test_parallel_downloads(server, content):
    port = server()
    paths = [f'/{16 * MIB}.bin', '/1000003.bin', '/65537.bin', '/1.bin'] * 4
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for path, (digest, _) in zip(paths, pool.map(lambda p: sha256_of(port, p), paths)):
            assert digest == content[1][path]


def test_clients_that_vanish(server, content):
    """Resets in the middle of requests, answers and uploads leave nothing behind: memory finds its
    level (the network keeps what it once needed), and stays there."""
    port = server()
    http.get(port, '/1000003.bin')
    level, steady = 0, 0
    for _ in range(20):
        for i in range(90):
            vanish(port, i % 3)
        assert http.get(port, '/note.txt').status == 200
        status = settled(port, lambda s: s['server']['open'] <= 1)
        used = status['memory']['total'] - status['memory']['free']
        steady = steady + 1 if used <= level + 64 * 1024 else 0
        level = max(level, used)
        if steady == 3:
            return
    raise AssertionError(f'memory in use grows with every round: {level} bytes now')


def vanish(port, how):
    with http.Connection(port) as c:
        # close() sends a reset
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        c.send((b'GET /1000003.bin HTTP/1.1\r\nHost: x\r\n\r\n',
                b'POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc',
                b'GET /1000003.bin HT')[how])


def settled(port, holds):
    """/status.json, as soon as `holds(status)`, at most 80 s later."""
    retry = threading.Event()
    for _ in range(800):
        status = http.status_json(port)
        if holds(status):
            break
        retry.wait(0.1)
    assert holds(status), status['server']
    return status


# ---- status ----

def test_status_page(server):
    port = server()
    page = http.get(port, '/status')
    assert page.status == 200 and 'text/html' in page.headers['content-type']
    assert b'status.json' in page.body and b'</html>' in page.body
    assert not re.search(rb'https?://(?!www\.w3\.org/)', page.body), 'the page needs other hosts'


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_status_json(server, transport):
    port = server(transport=transport)
    for _ in range(5):
        http.get(port, '/note.txt')
    status = http.status_json(port)
    assert 0 < status['uptime_ms'] < 360_000
    with open(os.path.join(images.TREE, 'VERSION')) as f:
        assert status['version'] == f.read().strip()
    memory = status['memory']
    assert memory['total'] <= 64 * MIB and 0 < memory['free'] < memory['total']
    assert memory['image'] > 0
    assert status['server']['requests'] >= 6 and status['rekicks'] >= 0
    by_type = {d['type']: d for d in status['devices']}
    net = next(d for t, d in by_type.items() if 'net' in t)
    blk = next(d for t, d in by_type.items() if 'bl' in t)
    for device in (net, blk):
        assert device['ring'] == 'split' and device['alive']
        assert device['features'] and all(isinstance(f, str) for f in device['features'])
        assert sum(q['kicks'] for q in device['queues']) > 0
        assert http.woken(device), device
    assert any('mac' in f for f in net['features'])
    modern = any('version_1' in f for f in net['features'])
    assert modern == (transport != 'mmio-legacy')
    assert status['uptime_ms'] <= http.status_json(port)['uptime_ms']


def test_status_needs_no_disk(boot):
    guest = boot('httpd', forwards=[80], append=images.STATIC_IP)
    guest.serving()
    assert len(http.status_json(guest.port(80))['devices']) == 1


def test_ab_sees_no_failure(server):
    port = server()
    result = subprocess.run(['ab', '-q', '-k', '-n', '500', '-c', '20',
                             f'http://127.0.0.1:{port}/4096.bin'], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert re.search(r'Failed requests:\s+0\n', result.stdout), result.stdout
    assert 'Non-2xx' not in result.stdout
