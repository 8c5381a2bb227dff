# SPDX-License-Identifier: BSD-2-Clause
"""Clients of a web server that compare every byte. Each keeps one connection while that lasts, asks
for pages in an order of its own, and notes wrong answers, broken connections and the slowest
answer.
"""
import random
import socket
import threading
import time

from vireolib import http

PATIENCE = 30.0            # seconds without an answer after which the server counts as hanging


class Visitor(threading.Thread):
    def __init__(self, port, pages, seed):
        """pages: {path: bytes}."""
        super().__init__(daemon=True)
        self.port, self.pages = port, pages
        self.random = random.Random(seed)
        self.answers = 0           # bodies that were right
        self.bytes = 0
        self.connection = None
        self.breaks = []           # when connections ended early; each was made again
        self.trouble = []          # wrong bytes, wrong statuses, silence
        self.slowest = 0.0
        self.done = threading.Event()

    def run(self):
        answered = time.monotonic()
        while not self.done.is_set():
            try:
                with http.Connection(self.port, timeout=PATIENCE) as self.connection:
                    while not self.done.is_set():
                        self.visit(self.connection)
                        answered = time.monotonic()
            except TimeoutError:
                self.trouble.append(f'no answer within {PATIENCE:g} s')
                answered = time.monotonic()
            except OSError:
                self.breaks.append(time.monotonic())
                if time.monotonic() - answered > PATIENCE:
                    self.trouble.append(f'connections refused or broken for {PATIENCE:g} s')
                    answered = time.monotonic()
                self.done.wait(0.1)
            except (ValueError, IndexError) as e:
                self.trouble.append(f'an answer that is not HTTP: {e}')

    @property
    def broken(self):
        return len(self.breaks)

    def hang_up(self):
        """Ends the connection: the server may have forgotten it, and would not answer."""
        try:
            self.connection.socket.shutdown(socket.SHUT_RDWR)
        except (AttributeError, OSError):
            pass                   # no connection is open

    def visit(self, connection):
        path = self.random.choice(sorted(self.pages))
        begun = time.monotonic()
        answer = connection.get(path)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        if answer.status != 200:
            self.trouble.append(f'{path}: status {answer.status}')
        elif answer.body != self.pages[path]:
            self.trouble.append(f'{path}: {len(answer.body)} bytes that differ from those of the '
                                'file')
        else:
            self.answers += 1
            self.bytes += len(answer.body)


class Visitors:
    """Several visitors, as a context manager."""

    def __init__(self, port, pages, count):
        self.all = [Visitor(port, pages, seed) for seed in range(count)]

    def __enter__(self):
        for visitor in self.all:
            visitor.start()
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        for visitor in self.all:
            visitor.done.set()
        for visitor in self.all:
            visitor.join(PATIENCE + 5)

    def total(self, what):
        return sum(getattr(visitor, what) for visitor in self.all)

    @property
    def trouble(self):
        return [text for visitor in self.all for text in visitor.trouble]

    @property
    def slowest(self):
        return max(visitor.slowest for visitor in self.all)

    @property
    def breaks(self):
        return [when for visitor in self.all for when in visitor.breaks]

    def hang_up(self):
        for visitor in self.all:
            visitor.hang_up()

    def each_answered(self, before):
        """True if each visitor had an answer since answers() returned `before`."""
        return all(now > then for now, then in zip(self.answers(), before))

    def answers(self):
        return [visitor.answers for visitor in self.all]
