# SPDX-License-Identifier: BSD-2-Clause
"""A tap network, which offers the card features that QEMU's user network has not (checksum and
segmentation offload). In a network namespace of its own; needs root, as any tap does.
"""
import os
import subprocess

import pytest

from vireolib.machine import MAC, find_qemu

HOST, GUEST = '10.99.7.1', '10.99.7.2'


def possible():
    return os.geteuid() == 0 and os.path.exists('/dev/net/tun')


pytestmark = pytest.mark.skipif(not possible(), reason='needs root and /dev/net/tun')


def run(*args, check=True):
    return subprocess.run(args, capture_output=True, text=True, check=check, timeout=240)


@pytest.fixture
def namespace(tmp_path, monkeypatch):
    """The name of a network namespace with tap0 in it; QEMU is started there."""
    name = f'vireo-{os.getpid()}'
    if run('ip', 'netns', 'add', name, check=False).returncode:
        pytest.skip('network namespaces cannot be made here')
    try:
        inside = ('ip', '-n', name)
        for args in (('link', 'set', 'lo', 'up'), ('tuntap', 'add', 'dev', 'tap0', 'mode', 'tap'),
                     ('addr', 'add', f'{HOST}/24', 'dev', 'tap0'),
                     ('link', 'set', 'tap0', 'up')):
            run(*inside, *args)
        wrapper = tmp_path / 'qemu'
        wrapper.write_text(f'#!/bin/sh\nexec ip netns exec {name} {find_qemu()} "$@"\n')
        wrapper.chmod(0o755)
        monkeypatch.setenv('QEMU', str(wrapper))
        yield name
    finally:
        run('ip', 'netns', 'del', name)


@pytest.mark.parametrize('device, transport', [
    ('virtio-net-device', ()), ('virtio-net-device', ('-global', 'virtio-mmio.force-legacy=false')),
    ('virtio-net-pci,romfile=', ())])
def test_page_and_upload_over_tap(boot, built, site_disk, namespace, tmp_path, device, transport):
    image = built('httpd')
    guest = boot.raw(
        ['-M', 'virt', '-cpu', 'cortex-a72', '-m', '64', '-nographic', '-kernel', image, *transport,
         '-netdev', 'tap,id=n,ifname=tap0,script=no,downscript=no',
         '-device', f'{device},netdev=n,mac={MAC}',
         '-drive', f'if=none,id=d,file={site_disk},format=raw,readonly=on',
         '-device', 'virtio-blk-device,drive=d', '-append', f'ip={GUEST}/24'], image=image)
    guest.serving()
    inside = ('ip', 'netns', 'exec', namespace)
    page = run(*inside, 'curl', '-sS', '--max-time', '80', f'http://{GUEST}/')
    assert '<html' in page.stdout.lower()
    data = tmp_path / 'data'
    data.write_bytes(os.urandom(5_000_000))
    sent = run(*inside, 'curl', '-sS', '--max-time', '160', '--data-binary', f'@{data}',
               f'http://{GUEST}/sink')
    assert '5000000' in sent.stdout
    size = run(*inside, 'curl', '-sS', '--max-time', '160', '-o', '/dev/null', '-w',
               '%{size_download}', f'http://{GUEST}/source?bytes=5000000')
    assert size.stdout == '5000000'
    run(*inside, 'ping', '-c', '3', '-i', '0.2', '-s', '1400', GUEST)
