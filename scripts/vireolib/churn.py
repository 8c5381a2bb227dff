# SPDX-License-Identifier: BSD-2-Clause
"""make load LOAD='--connections 10': connections to httpd that are opened and closed, 10,000 a
minute.

One after the other each asks for a page and ends in one of the ways below. An answer that takes
longer than STALLED is a stall. After each minute its figures are printed and kept in
build/load/churn.json under the image's checksum, so an interrupted series goes on with a new boot.
In the end the image may hold no more memory and no more open connections than before.
"""
import os
import socket
import struct
import threading
import time

from vireolib import clients, http, load
from vireolib.guest import Guest, Lost

RATE = 10_000              # connections a minute
STALLED = 2.0              # seconds
WARM_UP = 2_000            # connections before memory is first read
PACE = threading.Event()   # which nobody sets
RESET = struct.pack('ii', 1, 0)


def closed_by_server(c):
    answer = c.get('/', [('Connection', 'close')])
    return answer.status == 200 and c.closed()


def closed_by_client(c):
    return c.get('/').status == 200


def reset_by_client(c):
    answer = c.get('/')
    c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    return answer.status == 200


def ended_without_a_word(c):
    c.socket.shutdown(socket.SHUT_WR)
    return c.closed()


WAYS = (closed_by_server, closed_by_client, closed_by_server, reset_by_client, closed_by_server,
        ended_without_a_word)


def one(port, n):
    """Seconds that a connection took; None: it failed."""
    began = time.monotonic()
    try:
        with http.Connection(port, timeout=clients.STALL) as c:
            good = WAYS[n % len(WAYS)](c)
    except (OSError, ValueError):
        good = False
    return time.monotonic() - began if good else None


def churn(port, count, seconds):
    """So many connections, in so much time at least."""
    began, slowest, failed, stalled = time.monotonic(), 0.0, 0, 0
    for n in range(count):
        PACE.wait(max(0.0, began + n * seconds / count - time.monotonic()))
        took = one(port, n)
        failed += took is None
        slowest = max(slowest, took or 0.0)
        stalled += (took or 0.0) > STALLED
    return {'connections': count, 'seconds': round(time.monotonic() - began, 1), 'failed': failed,
            'stalled': stalled, 'slowest_ms': round(slowest * 1e3, 1)}


def held(port):
    """(bytes of memory in use, open connections but for the one that asks), when they are least."""
    status = load.settled(port, None)
    return load.in_use(status), status['server']['open'] - 1


def minute(port, before, count=RATE, seconds=60.0):
    """One minute's figures. before: memory in use; what it has grown by counts once it is calm."""
    figures = churn(port, count, seconds)
    status = load.settled(port, before)
    figures.update(grown=load.in_use(status) - before, open=status['server']['open'] - 1,
                   rekicks=load.rekicks(status))
    return figures


def trouble(figures):
    """What is wrong with a minute; '' if nothing is."""
    wrong = [f'{name} {figures[name]}' for name in ('failed', 'stalled') if figures[name]]
    if figures['grown'] > load.SLACK:
        wrong.append(f'memory in use grew by {figures["grown"]} bytes')
    if figures['open'] > 1:
        wrong.append(f'{figures["open"]} connections are open still')
    return ', '.join(wrong)


def show(n, figures):
    print(f'minute {n}: {figures["connections"]:,} connections in {figures["seconds"]} s, slowest '
          f'{figures["slowest_ms"]} ms, failed {figures["failed"]}, stalled {figures["stalled"]}; '
          f'memory {figures["grown"]:+,} B, open {figures["open"]}, rekicks {figures["rekicks"]}  '
          f'{trouble(figures) or "ok"}', flush=True)


def main(options):
    series = load.Series(load.State(os.path.join(load.DIRECTORY, 'churn.json'), options.fresh),
                         options)
    todo = [n for n in range(1, options.connections + 1)
            if series.key(f'minute {n}') not in series.state.done]
    if todo:
        with Guest(series.machine('mmio', 'irq', '1')) as guest:
            try:
                guest.serving(20)
                port = guest.port(80)
                churn(port, WARM_UP, 0)
                before, _ = held(port)
                for n in todo:
                    figures = minute(port, before)
                    series.state.put(series.key(f'minute {n}'), figures)
                    show(n, figures)
            except (Lost, OSError, ValueError, KeyError) as e:
                print(f'load: {e!r}\n{guest.report(30)}')
                return 1
    done = [series.state.done[series.key(f'minute {n}')]
            for n in range(1, options.connections + 1)]
    bad = sum(trouble(f) != '' for f in done)
    print(f'load: minutes={len(done)} connections={sum(f["connections"] for f in done)} '
          f'slowest_ms={max(f["slowest_ms"] for f in done)} '
          f'grown={max(f["grown"] for f in done)} bad={bad}')
    return 1 if bad else 0
