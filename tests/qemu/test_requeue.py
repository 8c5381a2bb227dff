# SPDX-License-Identifier: BSD-2-Clause
"""The reset of one queue of a running device (tests/apps/requeue), on QEMU's devices."""
import socket
import tempfile

import pytest

from test_net import checks_end


def converse(guest, path):
    """Sends back each word that the image sends, until it ends."""
    guest.expect('requeue: reset')
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(120)
        s.connect(path)
        while word := s.recv(100):
            s.sendall(word)


@pytest.mark.shows('RST-03', 'RST-04')
@pytest.mark.parametrize('wake', ['', 'vireo.poll=1'])
@pytest.mark.parametrize('packed', ['off', 'on'])
@pytest.mark.parametrize('transport, can', [('pci', 'yes'), ('pci-transitional', 'yes'),
                                            ('mmio', 'no'), ('mmio-legacy', 'no')])
def test_queue_reset(boot, transport, can, packed, wake):
    """Over PCI for real. QEMU's virtio-mmio offers it without the register: not accepted there."""
    if transport.startswith('pci'):
        device = 'virtio-serial-pci'
        device += ',disable-legacy=on' if transport == 'pci' else ',disable-legacy=off'
    else:
        device = 'virtio-serial-device'
    with tempfile.TemporaryDirectory(prefix='rq-') as directory:
        guest = boot('requeue', transport=transport, net='none', append=wake, extra=[
            '-device', f'{device},max_ports=1,packed={packed}',
            '-chardev', f'socket,id=c,path={directory}/s,server=on,wait=off',
            '-device', 'virtconsole,chardev=c'])
        converse(guest, f'{directory}/s')
        checks_end(guest)
        assert guest.seen(f'reset of a queue: {can}'), guest.report()
