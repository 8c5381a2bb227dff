# SPDX-License-Identifier: BSD-2-Clause
"""The workload of power cuts on examples/kv: clients that put and delete keys of their own over
HTTP, each one request at a time, so that the image commits for several of them at once.

What was acknowledged is one number: WIDTH bits for each client's count. It grows with each answer.
"""
import http.client
import os
import random
import subprocess
import sys
import threading

from vireolib import images, powercut
from vireolib.guest import Guest, Lost
from vireolib.machine import Disk, Forward, Machine

CLIENTS, WIDTH, KEYS = 4, 16, 6
GONE = 0.25                   # part of the requests that delete
LONGEST = 5000


class History:
    """What each client asks for, and its keys after so many requests."""

    def __init__(self, client):
        self._client, self._growing = client, threading.Lock()
        self._asked, self._keys = [], [{}]

    def _grow(self, n):
        with self._growing:
            while len(self._asked) < n:
                rng = random.Random(f'kv {self._client} {len(self._asked)}')
                key = f'{self._client}/{rng.randrange(KEYS)}'
                value = None
                if rng.random() >= GONE:
                    value = f'{len(self._asked)}-' + 'v' * rng.randrange(LONGEST)
                keys = {**self._keys[-1], key: value}
                self._asked.append((key, value))
                self._keys.append({k: v for k, v in keys.items() if v is not None})

    def request(self, n):
        """(key, value or None) of the n-th, from 1."""
        self._grow(n)
        return self._asked[n - 1]

    def after(self, n):
        self._grow(n)
        return self._keys[n]


HISTORIES = [History(client) for client in range(CLIENTS)]


def counts(acknowledged):
    return [acknowledged >> WIDTH * client & (1 << WIDTH) - 1 for client in range(CLIENTS)]


def difference(acknowledged, found):
    """'', or which client's keys are not those after its requests, with or without the next one."""
    for client, n in enumerate(counts(acknowledged)):
        own = {k: v for k, v in found.items() if k.startswith(f'{client}/')}
        if own not in (HISTORIES[client].after(n), HISTORIES[client].after(n + 1)):
            wanted = {k: v[:20] for k, v in HISTORIES[client].after(n).items()}
            return (f'client {client}, {n} acknowledged, then {HISTORIES[client].request(n + 1)[0]}'
                    f': wanted {wanted}, found { {k: v[:20] for k, v in own.items()} }')
    return ''


class Kv(powercut.Workload):
    name = app = 'kv'
    size = 4 << 20

    def make(self, path):
        if os.path.exists(path):
            os.unlink(path)
        subprocess.run([sys.executable, os.path.join(images.TREE, 'scripts', 'mkdisk'), '--sqlite',
                        '4M', path], check=True, stdout=subprocess.DEVNULL)

    def machine(self, disk):
        return Machine(images.image(self.app), disks=[disk], forwards=[Forward(0, 80)],
                       append=images.STATIC_IP)

    def count(self, acknowledged):
        return sum(counts(acknowledged))

    def work(self, guest, done):
        guest.serving(powercut.BOOTING)
        port, state = guest.port(80), {'sum': 0}
        answered, over = threading.Lock(), threading.Event()

        def client(number):
            link = http.client.HTTPConnection('127.0.0.1', port, timeout=powercut.BOOTING)
            for n in range(1, 1 << WIDTH):
                try:
                    ask(link, *HISTORIES[number].request(n))
                except (OSError, http.client.HTTPException):
                    return
                with answered:
                    if over.is_set():
                        return
                    state['sum'] += 1 << WIDTH * number
                    if done(state['sum']):
                        over.set()

        threads = [threading.Thread(target=client, args=(n,), daemon=True) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        while not over.wait(0.1):
            if not any(thread.is_alive() for thread in threads):
                raise Lost('kv answers nobody\n' + guest.report(20))

    def witness(self, entry):
        return 0

    def found(self, path):
        """(what is wrong, {key: value}) of a disk."""
        said = subprocess.run([self.program(), path], capture_output=True, text=True)
        if said.returncode:
            return (said.stdout + said.stderr).strip(), {}
        return '', dict(line.split(' ', 1) for line in said.stdout.splitlines())

    def judge(self, path, acknowledged):
        wrong, found = self.found(path)
        return wrong or difference(acknowledged, found)

    def boot(self, path, acknowledged, directory=None, patience=1):
        """The image has the same, and keeps one more."""
        with Guest(self.machine(Disk(path)), directory, patience=patience) as guest:
            try:
                guest.serving(powercut.BOOTING)
                link = http.client.HTTPConnection('127.0.0.1', guest.port(80), timeout=60)
                names = ask_for(link, '/k').split()
                kept = {name: ask_for(link, '/k/' + name) for name in names}
                wrong = difference(acknowledged, kept)
                ask(link, 'new', 'value')
            except (Lost, OSError, http.client.HTTPException) as e:
                return f'{e!r}\n' + guest.report(20)
            guest.process.kill()
        if wrong:
            return wrong
        wrong, found = self.found(path)
        return wrong or ('' if found == {**kept, 'new': 'value'} else 'the new key is not there')


def ask(link, key, value):
    """Puts, or deletes where the value is None."""
    link.request('DELETE' if value is None else 'PUT', '/k/' + key, value)
    answer = link.getresponse()
    answer.read()
    if answer.status not in ((204, 404) if value is None else (204,)):
        raise http.client.HTTPException(f'{key}: {answer.status}')


def ask_for(link, path):
    link.request('GET', path)
    answer = link.getresponse()
    if answer.status != 200:
        raise http.client.HTTPException(f'{path}: {answer.status}')
    return answer.read().decode()
