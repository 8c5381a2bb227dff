# SPDX-License-Identifier: BSD-2-Clause
"""The load generators: ab, wrk, and one upload or download. Each returns an Outcome. A client that
makes no progress for STALL seconds is ended, and its outcome is a stall.
"""
import dataclasses
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
import time

from vireolib import http
from vireolib.machine import Unusable

STALL = 15.0               # seconds without progress
CHUNK = 1 << 20


@dataclasses.dataclass
class Outcome:
    done: int = 0          # requests answered, or bytes carried
    failed: int = 0
    seconds: float = 0.0
    trouble: str = ''      # what went wrong, or empty


def need(program, package):
    if not shutil.which(program):
        raise Unusable(f'{program} is not installed; it is in the Debian package {package}')


def output(package, *args):
    """What a client program prints on standard output."""
    need(args[0], package)
    return subprocess.run(args, capture_output=True, text=True, errors='replace',
                          check=False).stdout


def number(pattern, text):
    """The number in the text; 0: it is not there."""
    match = re.search(pattern, text)
    return float(match[1]) if match else 0.0


class Watched:
    """A client program that shows its progress by the lines that it prints."""

    def __init__(self, args):
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, errors='replace')
        self.lines = []
        self._queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._queue.put(line.rstrip('\n'))
        self._queue.put(None)

    def each(self, patience):
        """Yields lines until the program ends. TimeoutError: no line came for `patience`
        seconds."""
        while True:
            try:
                line = self._queue.get(timeout=patience)
            except queue.Empty:
                raise TimeoutError from None
            if line is None:
                self.process.wait()
                return
            self.lines.append(line)
            yield line

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def text(self):
        return '\n'.join(self.lines)


def ab(url, connections, keep, requests):
    need('ab', 'apache2-utils')
    args = ['ab', '-n', str(requests), '-c', str(connections), '-s', str(int(STALL))]
    started = time.monotonic()
    client = Watched(args + (['-k'] if keep else []) + [url])
    try:
        # ab prints its progress ten times a run; -s is the limit of each connection.
        for _ in client.each(STALL + requests / 10 / 50):
            pass
    except TimeoutError:
        client.kill()
        return Outcome(trouble='stall: no progress\n' + client.text,
                       seconds=time.monotonic() - started)

    def field(name):
        match = re.search(name + r':\s+([\d.]+)', client.text)
        return float(match[1]) if match else 0.0

    outcome = Outcome(int(field('Complete requests')),
                      int(field('Failed requests') + field('Non-2xx responses')),
                      field('Time taken for tests'))
    if client.process.returncode or outcome.failed or outcome.done != requests:
        outcome.trouble = f'ab ended with status {client.process.returncode}\n' + client.text
    return outcome


def wrk(url, connections, keep, requests):
    need('wrk', 'wrk')
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'enough.lua')
    args = ['wrk', '-t1', f'-c{connections}', '-d3600s', '--timeout', f'{int(STALL)}s',
            '-s', script]
    if not keep:
        args += ['-H', 'Connection: close']
    step = max(1, min(200, requests // 10))
    started = time.monotonic()
    client = Watched(args + [url, '--', str(requests), str(step)])
    stopped = None
    try:
        for line in client.each(STALL):
            if line == f'responses {requests}':
                stopped = time.monotonic()
                client.process.send_signal(signal.SIGINT)
    except TimeoutError:
        client.kill()
        return Outcome(trouble='stall: no progress\n' + client.text,
                       seconds=time.monotonic() - started)
    failed = sum(int(n) for n in re.findall(r'(?:connect|read|write|timeout) (\d+)',
                                            find_line(client.lines, 'Socket errors')))
    failed += int((re.findall(r'\d+$', find_line(client.lines, 'Non-2xx')) or ['0'])[0])
    outcome = Outcome(requests if stopped else 0, failed, (stopped or time.monotonic()) - started)
    if failed or not stopped:
        outcome.trouble = 'wrk had failures\n' + client.text
    return outcome


def find_line(lines, words):
    return next((line for line in lines if words in line), '')


def upload(port, size):
    """POST /sink: the server answers how many bytes it got, and their CRC-32."""
    started = time.monotonic()
    block = http.pattern(CHUNK)
    sent = checksum = 0
    try:
        with http.Connection(port, timeout=STALL) as c:
            c.send((f'POST /sink HTTP/1.1\r\nHost: vireo\r\nContent-Length: {size}\r\n'
                    'Connection: close\r\n\r\n').encode())
            while sent < size:
                data = block[:size - sent]
                c.send(data)
                checksum = http.crc32(data, checksum)
                sent += len(data)
            answer = c.answer()
    except OSError as e:
        return Outcome(sent, 1, time.monotonic() - started, f'after {sent} bytes: {e!r}')
    outcome = Outcome(sent, 0, time.monotonic() - started)
    if answer.status != 200:
        outcome.trouble = f'the answer is {answer.status}'
    else:
        got = answer.json()
        if got['bytes'] != size or checksum_of(got['crc32']) != checksum:
            outcome.trouble = f'sent {size} bytes with CRC {checksum:08x}, the server had {got}'
    outcome.failed = int(bool(outcome.trouble))
    return outcome


def checksum_of(value):
    return int(value, 16) if isinstance(value, str) else value


def download(port, size):
    """GET /source: every byte is compared."""
    started = time.monotonic()
    state = {'got': 0, 'wrong': None}
    period = http.pattern(CHUNK)

    def check(data):
        at = state['got'] % 256
        for start in range(0, len(data), CHUNK - 256):
            part = data[start:start + CHUNK - 256]
            first = (at + start) % 256
            if part != period[first:first + len(part)] and state['wrong'] is None:
                state['wrong'] = state['got'] + start
        state['got'] += len(data)

    try:
        with http.Connection(port, timeout=STALL) as c:
            c.request('GET', f'/source?bytes={size}', [('Connection', 'close')])
            answer = c.answer(sink=check)
    except OSError as e:
        return Outcome(state['got'], 1, time.monotonic() - started,
                       f'after {state["got"]} bytes: {e!r}')
    outcome = Outcome(state['got'], 0, time.monotonic() - started)
    if answer.status != 200:
        outcome.trouble = f'the answer is {answer.status}'
    elif state['got'] != size:
        outcome.trouble = f'{state["got"]} bytes came of {size}'
    elif state['wrong'] is not None:
        outcome.trouble = f'the content differs near byte {state["wrong"]}'
    outcome.failed = int(bool(outcome.trouble))
    return outcome
