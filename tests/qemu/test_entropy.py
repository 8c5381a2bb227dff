# SPDX-License-Identifier: BSD-2-Clause
"""The entropy device: what it gives reaches the generator, /dev/random, and no boot hangs on it."""
import json
import socket

import pytest

from test_net import checks_end
from vireolib import http

TRANSPORTS = ('mmio', 'mmio-legacy', 'pci')
NO_SEED = ['-M', 'dtb-randomness=off']     # and cortex-a72 has no generator
WARNING = r'warning: no entropy'


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('wake', ['irq', 'poll'])
@pytest.mark.shows('RNG-01', 'RNG-02')
def test_rng(boot, transport, wake):
    guest = boot('entropy', net='none', transport=transport, rng=True,
                 append='vireo.poll=1' if wake == 'poll' else '', extra=NO_SEED)
    checks_end(guest)
    assert not guest.seen(WARNING), guest.report()
    assert guest.seen(r'vrng0 has given \d{2,} bytes'), guest.report()


def test_without_any_entropy(boot):
    guest = boot('entropy', net='none', extra=NO_SEED)
    checks_end(guest)
    assert len(guest.seen(WARNING)) == 1, guest.report()


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.shows('RNG-02')
def test_short_fills(boot, transport):
    """Seven bytes in fifty milliseconds is all that the device may give."""
    kind = 'virtio-rng-pci,disable-legacy=on' if transport == 'pci' else 'virtio-rng-device'
    guest = boot('entropy', net='none', transport=transport,
                 extra=NO_SEED + ['-device', f'{kind},max-bytes=7,period=5'])
    checks_end(guest)
    assert guest.seen(r'vrng0 has given'), guest.report()


def egd(tmp_path):
    """An entropy device that answers with bytes from a socket; the socket."""
    path = str(tmp_path / 'egd')
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    listener.settimeout(80)
    return listener, ['-chardev', f'socket,id=egd,path={path}', '-object',
                      'rng-egd,chardev=egd,id=r0', '-device', 'virtio-rng-device,rng=r0']


@pytest.mark.parametrize('seeded', [True, False], ids=['seed', 'no-seed'])
def test_silent_device(boot, tmp_path, seeded):
    """The boot goes on after a quarter of a second, with a warning. /dev/random goes on as well if
    the device tree had a seed; without any source it fails."""
    listener, device = egd(tmp_path)
    guest = boot('entropy', net='none', extra=([] if seeded else NO_SEED) + device)
    checks_end(guest)
    listener.close()
    assert guest.seen(r'vrng0: warning: no full answer within 250 ms'), guest.report()
    assert bool(guest.seen(r'entropy: silent=1 alive=1')) == seeded, guest.report()
    assert bool(guest.seen(r'check: ok /dev/random: EIO')) == (not seeded), guest.report()
    assert bool(guest.seen(WARNING)) == (not seeded), guest.report()


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_network_seeds_itself(boot, site_disk, transport):
    """httpd names no driver: sockets brought it. Its status page shows the device."""
    guest = boot('httpd', disks=[site_disk], forwards=[80], transport=transport, rng=True,
                 extra=NO_SEED)
    guest.serving()
    devices = json.loads(http.get(guest.port(80), '/status.json').body)['devices']
    assert [d['name'] for d in devices if d['name'].startswith('vrng')] == ['vrng0']
    assert guest.seen(r'vrng0: '), guest.report()
    assert not guest.seen(WARNING), guest.report()
