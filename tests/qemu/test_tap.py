# SPDX-License-Identifier: BSD-2-Clause
"""A tap network, which offers the card features that QEMU's user network has not (checksum and
segmentation offload). In a network namespace of its own; needs root, as any tap does.
"""
import json
import os
import subprocess

import pytest

from vireolib.machine import MAC, find_qemu

HOST, GUEST = '10.99.7.1', '10.99.7.2'


pytestmark = pytest.mark.tap


def run(*args, check=True):
    return subprocess.run(args, capture_output=True, text=True, check=check, timeout=240)


@pytest.fixture
def namespace(tmp_path, monkeypatch):
    """The name of a network namespace with tap0 in it; QEMU is started there."""
    name = f'vireo-{os.getpid()}'
    if run('ip', 'netns', 'add', name, check=False).returncode:
        pytest.fail('ip netns add failed: network namespaces cannot be made here', pytrace=False)
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


# Run in the namespace: holds many connections, asks beside them, then opens and closes as many.
CROWD = '''
import json, resource, socket, sys, time, urllib.request
guest, many = sys.argv[1], int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (many + 100, many + 100))
def status():
    return json.load(urllib.request.urlopen(f'http://{guest}/status.json', timeout=60))
def asked():
    begin = time.monotonic()
    with socket.create_connection((guest, 80), 60) as s:
        s.sendall(b'GET /source?bytes=1 HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\n\\r\\n')
        answer = b''
        while piece := s.recv(4096):
            answer += piece
    assert answer.startswith(b'HTTP/1.1 200'), answer
    return time.monotonic() - begin
first = status()
held = [socket.create_connection((guest, 80), 60) for _ in range(many)]
longest = max(asked() for _ in range(20))
full = status()
for s in held:
    s.close()
begin = time.monotonic()
for _ in range(many):
    longest = max(longest, asked())
print(json.dumps({'seconds': time.monotonic() - begin, 'longest': longest, 'first': first,
                  'full': full, 'last': status()}))
'''


@pytest.mark.full
@pytest.mark.timeout(400)
def test_ten_thousand_connections(boot, built, site_disk, namespace):
    image, many = built('httpd'), 10000
    guest = boot.raw(
        ['-M', 'virt', '-cpu', 'cortex-a72', '-m', '256', '-nographic', '-kernel', image,
         '-netdev', 'tap,id=n,ifname=tap0,script=no,downscript=no',
         '-device', f'virtio-net-device,netdev=n,mac={MAC}',
         '-drive', f'if=none,id=d,file={site_disk},format=raw,readonly=on',
         '-device', 'virtio-blk-device,drive=d', '-append', f'ip={GUEST}/24'], image=image)
    guest.serving()
    done = run('ip', 'netns', 'exec', namespace, 'python3', '-c', CROWD, GUEST, str(many))
    said = json.loads(done.stdout)
    first, full, last = said['first'], said['full'], said['last']
    each = (first['memory']['free'] - full['memory']['free']) / many
    print(f"{said['seconds']:.1f} s, the longest {said['longest']:.2f} s; {each:,.0f} bytes each")
    assert full['server']['open'] > many and not full['server']['evicted']
    assert each < 4096
    assert said['seconds'] < 60 and said['longest'] < 5
    assert last['server']['open'] < 10 and last['network']['sockets'] < 10
    assert last['network']['mem_lent'] < full['network']['mem_lent'] / 10
