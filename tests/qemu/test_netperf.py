# SPDX-License-Identifier: BSD-2-Clause
"""examples/netperf, and what `make bench BENCH=net` measures with it, on QEMU's user network."""
import json
import random
import socket
import subprocess

import pytest

from vireolib import bench_net, images, netguests, netpeer
from vireolib.guest import PATIENCE
from vireolib.machine import Forward

LOADS = {'tcptx': {'n': 1 << 20}, 'tcprx': {'n': 1 << 20}, 'tcprr': {'size': 1, 'n': 20},
         'udprr': {'size': 64, 'n': 20}, 'udptx': {'size': 64, 'n': 50},
         'udprx': {'size': 64, 'n': 50, 'rate': 1000}}


@pytest.fixture(scope='module')
def port():
    """The first port of a peer."""
    with netpeer.Peer(0) as peer:
        yield peer.port


@pytest.fixture
def netperf(boot, port):
    """netperf(run=NAME, ...) boots the image with that load: (its guest, exit status)."""
    def run(plugin='', **load):
        words = {**load, 'host': images.ROUTER_IP, 'port': port}
        guest = boot('netperf', mem=netguests.MEM, plugin=plugin, append=' '.join(
            [images.STATIC_IP, *(f'vireo.netperf.{key}={value}' for key, value in words.items())]))
        return guest, guest.wait(20)
    return run


@pytest.mark.parametrize('name', LOADS)
def test_each_load_is_carried_and_counted(netperf, tmp_path, name):
    counter = netguests.Counter(str(tmp_path))
    guest, status = netperf(counter.plugin, run=name, **LOADS[name])
    assert status == 0
    result = netguests.result_of(name, guest.text)
    bulk = name.startswith('tcp') and name != 'tcprr'
    done = result['bytes' if bulk else 'operations'] + result['lost']
    assert done == LOADS[name]['n'] and result['ns'] > 0
    if name in ('tcptx', 'udptx'):
        assert 0 < result['peer_operations'] <= done
    assert counter.of_load(0) > 100 * result['operations']


@pytest.mark.parametrize('name', ['udprr', 'udptx', 'udprx'])
def test_datagrams_without_sockets(netperf, name):
    guest, status = netperf(run=name, raw=1, **LOADS[name])
    result = netguests.result_of(name, guest.text)
    assert status == 0 and result['operations'] + result['lost'] >= LOADS[name]['n']
    assert result['operations'] > result['lost']


def test_a_load_ends_in_time(netperf):
    guest, status = netperf(run='tcprx', ms=50)
    result = netguests.result_of('tcprx', guest.text)
    assert status == 0 and result['bytes'] > 0 and result['ns'] >= 50e6


@pytest.mark.parametrize('load, words', [
    ({'run': 'nosuch'}, 'there is no load nosuch; there is: tcptx'),
    ({'run': 'tcptx', 'port': 1}, r'10\.0\.2\.2: Connection')])
def test_mistakes_are_told(boot, load, words):
    guest = boot('netperf', append=' '.join(
        [images.STATIC_IP, f'vireo.netperf.host={images.ROUTER_IP}',
         *(f'vireo.netperf.{key}={value}' for key, value in load.items())]))
    guest.expect(words)
    assert guest.wait() == 1


def test_a_count_is_asked_for_from_outside(boot, tmp_path):
    """Not much is executed while the image waits for clients."""
    counter = netguests.Counter(str(tmp_path))
    guest = boot('httpd', append=images.STATIC_IP, plugin=counter.plugin)
    guest.expect('^vireo: ready')
    counter.begin(guest)
    assert 0 <= counter.end(guest, 1) < 1_000_000


# ---- iperf3 ----

LEAST = 1 << 20                      # bytes that must come


def iperf3(port, *args):
    """What Debian's iperf3 says as a client."""
    said = subprocess.run(['iperf3', '-c', '127.0.0.1', '-p', str(port), '-J', *args],
                          capture_output=True, text=True, timeout=60)
    return json.loads(said.stdout)


@pytest.fixture
def server(boot):
    guest = boot('netperf', append=images.STATIC_IP, mem='6',
                 forwards=[5201])
    guest.expect('^vireo: ready')
    return guest


@pytest.mark.parametrize('args', [(), ('-R',), ('-P', '3'), ('--bidir',),
                                  ('-R', '-P', '2', '-l', '999')])
def test_iperf3_over_tcp(server, args):
    said = iperf3(server.port(5201), '-n', '1M', *args)
    assert not said.get('error')
    assert '--bidir' in args or said['end']['sum_received']['bytes'] >= LEAST
    match = server.expect(r'iperf tcp streams=(\d+) sent=(\d+) received=(\d+).* peer_bytes=(\d+)')
    streams, sent, received, peer = map(int, match.groups())
    assert streams == {'-P': 3, '--bidir': 2, '-R': 1}.get((args or ('',))[0], 1) or '-l' in args
    assert (sent if '-R' in args else received) >= LEAST or '--bidir' in args
    assert peer >= 1 << 20


@pytest.mark.parametrize('args', [(), ('-R',), ('-P', '2')])
def test_iperf3_over_udp(boot, args):
    """One port for both protocols, as QEMU's user network leads each stream to the image."""
    port = random.randrange(20000, 30000)
    guest = boot('netperf', append=images.STATIC_IP, forwards=[
        Forward(port, 5201), Forward(port, 5201, proto='udp')])
    guest.expect('^vireo: ready')
    said = iperf3(port, '-u', '-b', '10M', '-l', '1000', '-n', '100K', *args)
    assert not said.get('error') and said['end']['sum']['packets'] >= 100
    lost = int(guest.expect(r'iperf udp streams=\d .* lost=(\d+)')[1])
    assert lost <= 10 and said['end']['sum']['lost_packets'] <= 10


@pytest.mark.parametrize('words, unit', [('n=1000000', 'tcp'), ('n=1000000 reverse=1', 'tcp'),
                                         ('udp=1 rate=10000000 ms=100', 'udp')])
def test_a_client_of_iperf3(boot, words, unit):
    port = random.randrange(30001, 32000)
    with subprocess.Popen(['iperf3', '-s', '-1', '--forceflush', '-p', str(port)],
                          stdout=subprocess.PIPE, text=True) as peer:
        try:
            next(line for line in peer.stdout if 'listening' in line)
            guest = boot('netperf', append=' '.join(
                [images.STATIC_IP] + [f'vireo.netperf.{word}' for word in (
                    'run=iperf', f'host={images.ROUTER_IP}', f'port={port}', *words.split())]))
            peer_bytes = int(guest.expect(rf'iperf {unit} .* peer_bytes=(\d+)')[1])
            assert guest.wait() == 0 and peer_bytes > 50_000
            peer.communicate(timeout=60)
        finally:
            peer.kill()


def test_bad_clients_of_iperf_end_alone(server):
    """Who stops half-way, says nonsense, asks for too much; the next one is served."""
    def client(*parts):
        with socket.create_connection(('127.0.0.1', server.port(5201)), 20) as c:
            for part in parts:
                c.sendall(part)
                c.recv(1)
    cookie = b'c' * 36 + b'\0'
    client()
    client(cookie, b'\xff\xff\xff\xff')
    client(cookie, b'\0\0\0\x14{"tcp":"parallel":99')
    client(cookie, b'\0\0\0\x16{"udp":true,"len":1e9}')
    server.expect('a client asked for what this server does not do')
    assert not iperf3(server.port(5201), '-n', '100K').get('error')


@pytest.mark.tap
def test_rows_over_a_tap(built):
    """In a namespace, as the bench does; offloads are what the card says."""
    built('netperf')
    with netpeer.network():
        guest = netguests.Vireo(patience=PATIENCE)
        for net in netpeer.NETS:
            result, insns = guest.load(net, {'run': 'tcprr', 'size': 1, 'n': 20}, True)
            assert bench_net.per_operation(result, insns) > 500


@pytest.mark.tap
def test_rows_of_http(built):
    """A page beside idle connections, which must be open all the time."""
    built('httpd')
    with netpeer.network():
        guest = netguests.Vireo(patience=PATIENCE)
        with guest.web('tap', True) as site:
            assert site.close_insns(10) > site.keepalive_insns(20, idle=5) > 1000
            assert site.file_insns(1) > 1000
        with guest.web('user', False) as site, site.connect() as c:
            site.get(c)


@pytest.mark.tap
def test_what_a_load_makes_happen(built):
    """Of a round trip: a notification, accesses, perhaps an interrupt. Ceilings carry something."""
    built('netperf'), built('rawecho')
    with netpeer.network():
        guest = netguests.Vireo(patience=PATIENCE)
        found = guest.events('tap', {'run': 'tcprr', 'size': 1, 'n': 100})
        assert 0.5 < found['kicks'] < 4 and 0 < found['irqs'] < 4 and 1 < found['exits'] < 40
        found = guest.events('tap', {'run': 'tcprx', 'n': 1 << 22})
        assert 0 < found['acks'] < 1 / 1448
        assert 1 <= guest.copies('tap', {'run': 'tcprx', 'n': 1 << 22}) < 1.3
        assert 1 <= guest.copies('tap-nooff', {'run': 'tcptx', 'n': 1 << 22}) < 1.3
        with guest.running('rawecho', 'tap-nooff', 'vireo.poll=1'):
            said = netpeer.host_load([], 'udprr', netpeer.guest_ip('vireo', 'tap'), 64, 50)
            assert netguests.result_of('udprr', said)['operations'] > 0
        with netpeer.veth() as (far, ip):
            said = netpeer.host_load(far, 'tcptx', ip, 1, 50)
            assert netguests.result_of('tcptx', said)['bytes'] > 0


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.tap
def test_rows_of_linux(built):
    """The guest that images are compared with: each load, counted and timed, and its web server."""
    with netpeer.network(), netguests.Linux() as guest:
        for counted in (True, False):
            for name, load in LOADS.items():
                result, insns = guest.load('tap', {'run': name, **load}, counted)
                assert result['ns'] > 0 and (not counted or insns > 1000)
        with guest.web('tap', True) as site:
            assert site.close_insns(10) > site.keepalive_insns(20, idle=5) > 1000
