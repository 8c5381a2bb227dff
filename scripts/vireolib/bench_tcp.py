# SPDX-License-Identifier: BSD-2-Clause
"""What TCP costs through sockets: guest instructions for a round trip of one byte, and for a MiB
out and in, over QEMU's user network, which loses nothing. The image is tests/apps/tcpcost; with
-icount shift=0 its counter of retired instructions is exact. How many frames come at once depends
on this host, so that the figures of runs differ by some per cent; each is a median.
"""
import os
import re
import socket

from vireolib import images, report
from vireolib.guest import Guest, Lost
from vireolib.machine import Forward, Machine

ECHO, SOURCE, SINK = 5001, 5002, 5003
ROUND_TRIPS, BULK = 2000, 16 << 20
MIB = 1 << 20
ROWS = {'echo': ('tcp.round_trip_insn', 'instructions', 1, 'one byte and its answer'),
        'source': ('tcp.out_insn_MiB', 'instructions', MIB, '16 MiB sent'),
        'sink': ('tcp.in_insn_MiB', 'instructions', MIB, '16 MiB received')}


def connect(guest, port):
    found = socket.create_connection(('127.0.0.1', guest.port(port)), 60)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found


def echo(guest):
    with connect(guest, ECHO) as peer:
        for _ in range(ROUND_TRIPS + 1):
            peer.sendall(b'x')
            if peer.recv(1) != b'x':
                raise Lost('tcpcost did not answer\n' + guest.report())


def bulk(guest):
    with connect(guest, SOURCE) as peer:
        while peer.recv(1 << 18):
            pass
    with connect(guest, SINK) as peer:
        for _ in range(BULK >> 16):
            peer.sendall(bytes(1 << 16))


def run():
    """{name: instructions for an operation} of one image."""
    how = Machine(images.image('tcpcost'), transport='mmio', icount='shift=0',
                  append=images.STATIC_IP,
                  forwards=[Forward(0, port) for port in (ECHO, SOURCE, SINK)])
    with Guest(how) as guest:
        guest.expect('vireo: ready', 30)
        echo(guest)
        bulk(guest)
        if guest.wait(60) != 0:
            raise Lost('tcpcost failed\n' + guest.report())
        found = re.findall(r'cost (\w+) n=(\d+) insn=(\d+)', guest.text)
    if [name for name, *_ in found] != list(ROWS):
        raise Lost('tcpcost did not print its three costs\n' + guest.text)
    return {name: int(insn) / (int(n) / ROWS[name][2]) for name, n, insn in found}


def main(n, document=False):
    runs = [run() for _ in range(n)]
    rows = [report.median_row(metric, unit, [round(r[name]) for r in runs],
                              config=f'user network; {config}')
            for name, (metric, unit, _, config) in ROWS.items()]
    return report.finish('tcp', os.path.join(images.BUILD, 'bench', 'tcp.json'), rows, document)
