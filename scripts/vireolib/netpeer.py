# SPDX-License-Identifier: BSD-2-Clause
"""The network on which `make bench BENCH=net` measures: taps and QEMU's user network in a namespace
of its own, with tests/paths/netpeer.c at the other end.
"""
import contextlib
import random
import subprocess

from vireolib import images, programs, relay
from vireolib.machine import Unusable

PORT = 5000                              # the first of the peer's
TAPS = {'vireo': ('tap0', '10.99.0'), 'linux': ('tap1', '10.99.1')}    # name, network
# What a tap offers beyond QEMU's user network.
OFFLOADS = ('csum', 'guest_csum', 'gso', 'guest_tso4', 'guest_tso6', 'guest_ecn', 'guest_ufo',
            'host_tso4', 'host_tso6', 'host_ecn', 'host_ufo', 'mrg_rxbuf')
NETS = ('tap', 'tap-nooff', 'user')


def guest_ip(who, net):
    return images.GUEST_IP if net == 'user' else TAPS[who][1] + '.2'


def host_ip(who, net):
    """The peer's address, as that guest has it."""
    return images.ROUTER_IP if net == 'user' else TAPS[who][1] + '.1'


def machine_args(who, net):
    """Of a Machine: the card of that guest."""
    if net == 'user':
        return {'net': 'user'}
    off = ','.join(f'{name}=off' for name in OFFLOADS) if net == 'tap-nooff' else ''
    return {'netdev_line': f'tap,id=n0,ifname={TAPS[who][0]},script=no,downscript=no',
            'net_device': off}


def ip(*args):
    subprocess.run(['ip', *args], check=True)


@contextlib.contextmanager
def network():
    """This thread, and what it starts, is in a namespace with both taps and the peer."""
    with relay.namespace():
        relay.setting('ipv6/conf/all/disable_ipv6', '1')
        relay.setting('ipv4/tcp_no_metrics_save', '1')
        ip('link', 'set', 'lo', 'up')
        for name, network_ in TAPS.values():
            ip('tuntap', 'add', 'dev', name, 'mode', 'tap')
            ip('addr', 'add', network_ + '.1/24', 'dev', name)
            ip('link', 'set', name, 'up')
        with Peer(PORT):
            yield


def host_load(where, run, ip_, size, ms):
    """What a load says that this host puts on a peer at that address. where: a prefix of the
    command, such as of another namespace."""
    program = programs.build('tests/paths/netload.c', 'examples/netperf/load.h',
                             'examples/netperf/load.c')
    said = subprocess.run([*where, program, run, ip_, str(PORT), str(size), str(ms)],
                          capture_output=True, text=True, check=False)
    if said.returncode:
        raise Unusable(f'netload: {said.stderr.strip()}')
    return said.stdout


@contextlib.contextmanager
def veth():
    """A pair of virtual cards: yields (prefix of commands at the far end, this end's address). What
    it carries no guest on a tap can exceed."""
    sleeper = subprocess.Popen(['unshare', '-n', 'sh', '-c', 'echo ready; exec sleep 600'],
                               stdout=subprocess.PIPE, text=True)
    far = ['nsenter', '-t', str(sleeper.pid), '-n']
    try:
        sleeper.stdout.readline()
        ip('link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1')
        ip('link', 'set', 'veth1', 'netns', str(sleeper.pid))
        ip('addr', 'add', '10.99.2.1/24', 'dev', 'veth0')
        ip('link', 'set', 'veth0', 'up')
        for args in (['addr', 'add', '10.99.2.2/24', 'dev', 'veth1'],
                     ['link', 'set', 'veth1', 'up']):
            subprocess.run([*far, 'ip', *args], check=True)
        yield far, '10.99.2.1'
    finally:
        subprocess.run(['ip', 'link', 'del', 'veth0'], capture_output=True, check=False)
        sleeper.kill()
        sleeper.wait()
        sleeper.stdout.close()


class Peer:
    """The other end of loads: its services are at `port` and the ports behind it. Use as a context
    manager."""

    def __init__(self, port):
        """port 0: wherever there is room."""
        program = programs.build('tests/paths/netpeer.c', 'examples/netperf/load.h')
        for self.port in [port] if port else random.sample(range(20000, 30000, 10), 5):
            self._process = subprocess.Popen([program, str(self.port)], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                             text=True)
            if self._process.stdout.readline() == 'ready\n':
                return
            said = self._end()
        raise Unusable(f'netpeer: {said}')

    def _end(self):
        self._process.stdin.close()
        said = self._process.stderr.read().strip()
        self._process.wait(10)
        self._process.stdout.close()
        self._process.stderr.close()
        return said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()
