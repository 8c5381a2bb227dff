# SPDX-License-Identifier: BSD-2-Clause
"""scripts/relay.c: built when it is needed, started, and told what path it is to be; and a network
namespace for it, so that nothing of this host's own network is touched.
"""
import contextlib
import ctypes
import json
import os
import subprocess
import tempfile

from vireolib import programs
from vireolib.machine import Unusable

CLONE_NEWNET = 0x40000000
TAP = 'tap0'
HOST_IP = '10.99.9.1'
RIGHTS = ('paths are measured in a network namespace with a tap, which root alone can make: run as '
          'root')


def possible():
    """May this user measure paths on this machine?"""
    return os.geteuid() == 0 and os.path.exists('/dev/net/tun')


@contextlib.contextmanager
def namespace():
    """This thread, and what it starts, is in a network of its own until the end."""
    if not possible():
        raise Unusable(RIGHTS + ('' if os.path.exists('/dev/net/tun') else
                                 ', on a kernel with /dev/net/tun'))
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(CLONE_NEWNET):
            raise Unusable(f'{RIGHTS} ({os.strerror(ctypes.get_errno())})')
        try:
            yield
        finally:
            libc.setns(before, CLONE_NEWNET)
    finally:
        os.close(before)


def setting(name, value):
    """Sets a value below /proc/sys/net of this namespace."""
    with open('/proc/sys/net/' + name, 'w') as f:
        f.write(value)


class Relay:
    """One relay, and this kernel's end of the path with the address HOST_IP. Use inside of
    namespace(), as a context manager."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix='vr-')
        self.socket = os.path.join(self._folder.name, 's')
        self._process = subprocess.Popen([programs.build('scripts/relay.c'), TAP, self.socket],
                                         stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self._process.stdout.readline() != 'ready\n':
            raise Unusable(self._process.stderr.read().strip())
        setting('ipv6/conf/all/disable_ipv6', '1')
        setting('ipv4/tcp_no_metrics_save', '1')
        for args in (['link', 'set', 'lo', 'up'], ['addr', 'add', HOST_IP + '/24', 'dev', TAP],
                     ['link', 'set', TAP, 'up']):
            subprocess.run(['ip', *args], check=True)

    @property
    def netdev(self):
        """QEMU's -netdev for a guest on this path (Machine.netdev_line)."""
        return f'stream,id=n0,server=off,addr.type=unix,addr.path={self.socket}'

    def tell(self, line):
        """Gives a command; its answer."""
        self._process.stdin.write(line + '\n')
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        if not answer or answer.startswith('wrong'):
            raise Unusable(f'relay: {line}: {answer or self._process.stderr.read().strip()}')
        return answer

    def path(self, way='both', **values):
        """The path from now on (scripts/relay.c has the names)."""
        self.tell(f'path {way} ' + ' '.join(f'{name}={int(v)}' for name, v in values.items()))

    def pcap(self, path):
        """Records from now on into that file; '-': no more."""
        self.tell('pcap ' + path)

    def stats(self):
        return json.loads(self.tell('stats'))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self._process.stderr.close()
        self._folder.cleanup()
