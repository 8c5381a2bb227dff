# SPDX-License-Identifier: BSD-2-Clause
"""What sockets do, compared with Linux: tests/apps/facts prints some thousand facts. Its answers on
Linux are in tests/socket_facts.txt; to record them again:

    python3 tests/qemu/test_sockets.py >tests/socket_facts.txt
"""
import functools
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
RECORDED = TESTS / 'socket_facts.txt'
# Facts in which an image differs on purpose.
PORT_0 = 'a peer with port 0 is refused when something is sent to it; Linux sends to port 0'
SEVEN = "a SYN is repeated seven times in the three minutes of RFC 9293; Linux' default is six"
WINDOW = 'RFC 6928 begins with two segments of 8,960 bytes, Linux with ten of any size'
ALLOWED = {
    'TCP_INFO: connected, cwnd': WINDOW,
    'udp send to the peer of port 0': PORT_0,
    'udp send after connecting to port 0': PORT_0,
    'TCP_SYNCNT at first': SEVEN,
    **{f'TCP_SYNCNT set to {n}': SEVEN
       for n in (0, 128, 256, 1000, 1152, 100000, 2147483647, -1, -2, -1000)},
}
# A network namespace with the loopback interface and one more, at whose other end is nobody. Groups
# and broadcasts have a route, as on an image; other networks have none.
NAMESPACE = '''
ulimit -n 1024
conf=/proc/sys/net/ipv6/conf
echo 0 >$conf/all/accept_dad
ip link set lo up
ip link add vn0 type veth peer name vp0
echo 0 >$conf/vn0/accept_dad
echo 1 >$conf/vp0/disable_ipv6
ip address add 10.0.2.15/24 broadcast + dev vn0
ip link set vn0 up
ip link set vp0 up
ip route add 224.0.0.0/4 dev vn0
ip route add 255.255.255.255 dev vn0
exec "$0"
'''


def facts_of(lines):
    """The facts among the lines of a run, or of the recording, by name."""
    pairs = [line.rstrip('\r\n')[len('fact '):].rsplit(': ', 1)
             for line in lines if line.startswith('fact ')]
    facts = dict(pairs)
    assert len(facts) == len(pairs), 'a name occurs twice'
    return facts


def recorded():
    return facts_of(RECORDED.read_text().splitlines())


@functools.lru_cache(maxsize=None)
def linux_says():
    """The program's output on this machine; None: no network namespace can be made here."""
    sources = sorted(str(path) for path in (TESTS / 'apps/facts').glob('*.c'))
    with tempfile.TemporaryDirectory() as directory:
        program = os.path.join(directory, 'facts')
        subprocess.run(['gcc', '-O1', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE', *sources,
                        '-o', program, '-lpthread'], check=True)
        if subprocess.run(['unshare', '-n', 'true'], capture_output=True).returncode:
            return None
        return subprocess.run(['unshare', '-n', 'sh', '-e', '-c', NAMESPACE, program], check=True,
                              text=True, capture_output=True, timeout=80).stdout


def differences(facts):
    """Lines for those facts that are not as recorded."""
    want = recorded()
    return [f'{name}: {facts.get(name, "missing")}, not {want.get(name, "known")}'
            for name in sorted(want.keys() | facts.keys()) if facts.get(name) != want.get(name)]


@pytest.mark.tap
def test_the_recording_is_what_linux_says():
    output = linux_says()
    assert output is not None, 'unshare -n failed: network namespaces cannot be made here'
    assert output.endswith('facts: done\n')
    assert not differences(facts_of(output.splitlines()))


@pytest.mark.parametrize('transport', [pytest.param('mmio', marks=pytest.mark.full), 'pci'])
def test_an_image_answers_as_linux(boot, transport):
    guest = boot('facts', transport=transport, append='ip=10.0.2.15/24',
                 netdev_line='user,id=n0,ipv6=off,restrict=on')
    guest.expect('^facts: done', 80)
    assert guest.wait() == 0
    facts = facts_of(guest.seen('^fact '))
    differ = {line.rsplit(': ', 1)[0]: line for line in differences(facts)}
    assert not [line for name, line in differ.items() if name not in ALLOWED]
    assert not ALLOWED.keys() - differ.keys(), 'these differ no more'


if __name__ == '__main__':
    print(f'# What tests/apps/facts prints on Linux {os.uname().release.split("-")[0]}.')
    sys.stdout.write(''.join(f'fact {name}: {value}\n'
                             for name, value in facts_of(linux_says().splitlines()).items()))
