# SPDX-License-Identifier: BSD-2-Clause
"""A small HTTP client over one socket, which shows tests and benches each byte."""
import json
import socket
import zlib


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Connection:
    """One TCP connection to a server; reads exactly what each answer holds."""

    def __init__(self, port, addr='127.0.0.1', timeout=80.0):
        self.socket = socket.create_connection((addr, port), timeout)
        self.socket.settimeout(timeout)
        self._buffer = b''

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method, path, headers=(), body=b''):
        lines = [f'{method} {path} HTTP/1.1', 'Host: vireo']
        lines += [f'{name}: {value}' for name, value in headers]
        if body or method in ('POST', 'PUT'):
            lines.append(f'Content-Length: {len(body)}')
        self.send('\r\n'.join(lines).encode() + b'\r\n\r\n' + body)

    def answer(self, head=False, sink=None):
        """The next answer. `head`: to a HEAD request. `sink(bytes)` takes the body piecewise."""
        text = self._until(b'\r\n\r\n').decode('latin-1')
        first, *lines = text[:-4].split('\r\n')
        status = int(first.split()[1])
        headers = {}
        for line in lines:
            name, _, value = line.partition(':')
            headers[name.strip().lower()] = value.strip()
        if head or status in (204, 304) or 100 <= status < 200:
            return Answer(status, headers, b'')
        if 'content-length' in headers:
            body = self._exactly(int(headers['content-length']), sink)
        else:
            body = self._to_end(sink)
        return Answer(status, headers, body)

    def get(self, path, headers=(), **more):
        self.request('GET', path, headers)
        return self.answer(**more)

    def closed(self):
        """Waits for the other side to close; True if it did without a further byte."""
        try:
            return self._buffer == b'' and self.socket.recv(1) == b''
        except ConnectionResetError:
            return True

    def close(self):
        self.socket.close()

    def _more(self):
        data = self.socket.recv(262144)
        if not data:
            raise ConnectionError(f'the server closed early, after {self._buffer[:200]!r}')
        return data

    def _until(self, mark):
        while mark not in self._buffer:
            self._buffer += self._more()
        end = self._buffer.index(mark) + len(mark)
        text, self._buffer = self._buffer[:end], self._buffer[end:]
        return text

    def _exactly(self, length, sink):
        if sink is None:
            parts = []
            sink = parts.append
        else:
            parts = ()
        data, self._buffer = self._buffer[:length], self._buffer[length:]
        while True:
            if data:
                sink(data)
                length -= len(data)
            if not length:
                return b''.join(parts)
            data = self._more()
            data, self._buffer = data[:length], data[length:]

    def _to_end(self, sink):
        parts = []
        data, self._buffer = self._buffer, b''
        while data or not parts:
            parts.append(data)
            data = self.socket.recv(262144)
            if not data:
                break
        whole = b''.join(parts)
        if sink:
            sink(whole)
            return b''
        return whole

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def get(port, path='/', headers=(), **more):
    """One GET on a connection of its own."""
    with Connection(port, **more) as c:
        c.request('GET', path, [('Connection', 'close'), *headers])
        return c.answer()


def status_json(port, **more):
    return get(port, '/status.json', **more).json()


def pattern(length, start=0):
    """The bytes that GET /source answers: byte i is (i * 167 + 13) & 255."""
    period = bytes((i * 167 + 13) & 255 for i in range(256))
    start &= 255
    return (period[start:] + period * (length // 256 + 1))[:length]


def crc32(data, before=0):
    return zlib.crc32(data, before) & 0xffffffff


def woken(device):
    """True if a device's interrupts arrive, by its entry in /status.json. A fast disk may complete
    each request before the image asks for an interrupt: then none comes and none is missed. `late`
    counts buffers that only the tick found although an interrupt was asked for."""
    return device['interrupts'] > 0 or not any(q['late'] for q in device['queues'])
