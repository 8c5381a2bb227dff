# SPDX-License-Identifier: BSD-2-Clause
"""examples/netperf, and what `make bench BENCH=net` measures with it, on QEMU's user network."""
import pytest

from vireolib import bench_net, images, netguests, netpeer
from vireolib.guest import PATIENCE

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


@pytest.mark.skipif(not netpeer.relay.possible(), reason='needs root and /dev/net/tun')
def test_rows_over_a_tap(built):
    """In a namespace, as the bench does; offloads are what the card says."""
    built('netperf')
    with netpeer.network():
        guest = netguests.Vireo(patience=PATIENCE)
        for net in netpeer.NETS:
            result, insns = guest.load(net, {'run': 'tcprr', 'size': 1, 'n': 20}, True)
            assert bench_net.per_operation(result, insns) > 500


@pytest.mark.skipif(not netpeer.relay.possible(), reason='needs root and /dev/net/tun')
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


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.skipif(not netpeer.relay.possible(), reason='needs root and /dev/net/tun')
def test_rows_of_linux(built):
    """The guest that images are compared with: each load, counted and timed, and its web server."""
    with netpeer.network(), netguests.Linux() as guest:
        for counted in (True, False):
            for name, load in LOADS.items():
                result, insns = guest.load('tap', {'run': name, **load}, counted)
                assert result['ns'] > 0 and (not counted or insns > 1000)
        with guest.web('tap', True) as site:
            assert site.close_insns(10) > site.keepalive_insns(20, idle=5) > 1000
