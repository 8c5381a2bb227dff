# SPDX-License-Identifier: BSD-2-Clause
"""scripts/vireo: what it starts, what it refuses, and how it ends."""
import os
import shlex
import signal
import socket
import struct
import subprocess
import threading

import pytest

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VIREO = os.path.join(TREE, 'scripts', 'vireo')


def vireo(*args, env=None, timeout=240):
    return subprocess.run([VIREO, *map(str, args)], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=timeout,
                          env={**os.environ, **(env or {})})


def command(*args):
    """QEMU's argument list, as --print shows it."""
    result = vireo('run', '--print', *args)
    assert result.returncode == 0, result.stderr
    return shlex.split(result.stdout)


def test_print_shows_a_command_that_runs(tiny):
    image = tiny('it ran\n', 3)
    shown = vireo('run', image, '--append', "a 'quoted' one", '--print').stdout
    result = subprocess.run(shown, shell=True, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stdout.strip()) == (3, 'it ran')


def test_every_option_reaches_qemu(tiny, tmp_path):
    disk = tmp_path / 'a,disk.img'
    disk.write_bytes(bytes(8192))
    initrd = tmp_path / 'initrd'
    initrd.write_bytes(b'x')
    args = command(tiny(), '--transport', 'pci', '--gic', '3', '--cpu', 'max', '--smp',
                   '1,maxcpus=2', '--mem', '1G', '--disk', f'{disk},ro,bs=4096,id=blue', '--disk',
                   disk, '--forward', '0:80', '--append', 'x=1 y', '--initrd', initrd, '--pcap',
                   tmp_path / 'net.pcap', '--qmp', tmp_path / 'q', '--icount', 'shift=0', '--gdb',
                   '--', '-machine', 'highmem=off')
    text = ' '.join(args)
    for part in ('virt,gic-version=3', '-cpu max', '-smp 1,maxcpus=2', '-m 1G', 'readonly=on',
                 'a,,disk.img', 'virtio-blk-pci,drive=d1,disable-legacy=on',
                 'logical_block_size=4096', 'serial=blue', 'hostfwd=tcp:127.0.0.1:0-:80',
                 'virtio-net-pci', 'romfile=', '-append x=1 y', '-initrd', 'filter-dump',
                 '-qmp unix:', '-icount shift=0', '-S -gdb tcp:127.0.0.1:1234'):
        assert part in text, part
    assert args[-2:] == ['-machine', 'highmem=off']


@pytest.mark.parametrize('transport, has, lacks', [
    ('mmio', 'force-legacy=false', 'pci'),
    ('mmio-legacy', 'virtio-net-device', 'force-legacy'),
    ('pci', 'disable-legacy=on,disable-modern=off', 'force-legacy'),
    ('pci-transitional', 'disable-legacy=off,disable-modern=off', 'force-legacy'),
    ('pci-legacy', 'disable-legacy=off,disable-modern=on', 'force-legacy'),
])
def test_transports(tiny, transport, has, lacks):
    text = ' '.join(command(tiny(), '--transport', transport)[1:])
    assert has in text and lacks not in text


def test_without_network(tiny):
    args = command(tiny(), '--net', 'none')
    assert 'none' in args and '-netdev' not in args


def test_status_is_the_images(tiny):
    assert [vireo('run', tiny('', n)).returncode for n in (0, 1, 42, 255)] == [0, 1, 42, 255]


@pytest.mark.parametrize('args, words', [
    (['--gic', '5'], "invalid choice: '5'"),
    (['--transport', 'isa'], "invalid choice: 'isa'"),
    (['--cpu', 'z80'], "invalid choice: 'z80'"),
    (['--smp', 'many'], '--smp many'),
    (['--mem', '1T'], '--mem 1T'),
    (['--net', 'wifi'], '--net wifi'),
    (['--net', 'tap=nosuchtap0'], 'ip tuntap add'),
    (['--net', 'none', '--forward', '0:80'], '--net user only'),
    (['--net', 'none', '--pcap', 'x'], '--net none'),
    (['--forward', '80'], '8080:80'),
    (['--forward', '99999:80'], '1 to 65535'),
    (['--disk', '/no/such.img'], 'make disk'),
    (['--disk', 'x.img,readonly'], 'what may follow a comma'),
    (['--initrd', '/no/such'], 'no initrd'),
])
def test_bad_options_are_answered_with_a_sentence(tiny, args, words):
    result = vireo('run', tiny(), *args)
    assert result.returncode in (2, 125)
    assert words in result.stderr and 'Traceback' not in result.stderr


def test_bad_images(tmp_path, tiny):
    junk = tmp_path / 'junk.img'
    junk.write_bytes(b'#!/bin/sh\n' * 20)
    x86 = tmp_path / 'x86.elf'
    x86.write_bytes(b'\x7fELF\x02\x01\x01' + bytes(9) + struct.pack('<HH', 2, 62) + bytes(50))
    for image, words in ((junk, 'neither'), (x86, '64-bit'), ('/no/such.img', 'make image')):
        result = vireo('run', image)
        assert result.returncode == 125 and words in result.stderr


def test_missing_qemu(tiny):
    result = vireo('run', tiny(), env={'QEMU': '/no/such/qemu'})
    assert result.returncode == 125 and '/no/such/qemu' in result.stderr
    python = os.path.dirname(os.path.realpath('/usr/bin/python3'))
    result = subprocess.run(['/usr/bin/python3', VIREO, 'run', tiny()], text=True,
                            capture_output=True, env={'PATH': '/nonexistent', 'HOME': python})
    assert result.returncode == 125 and 'qemu-system-arm' in result.stderr


def test_taken_port_is_said(tiny):
    with socket.create_server(('127.0.0.1', 0)) as s:
        port = s.getsockname()[1]
        result = vireo('run', tiny(), '--forward', f'{port}:80')
        assert result.returncode == 125
        assert f'port {port}' in result.stderr and 'auto:80' in result.stderr


def test_auto_port_goes_on_to_the_next(tiny):
    try:
        s = socket.create_server(('127.0.0.1', 8080))
    except OSError:
        s = None                     # somebody else has it: just as good
    try:
        result = vireo('run', tiny(), '--forward', 'auto:80')
    finally:
        if s:
            s.close()
    assert result.returncode == 0
    assert 'port 8080 of 127.0.0.1 is taken: using 80' in result.stdout
    assert 'open http://127.0.0.1:80' in result.stdout


def test_smoke(tiny):
    image = tiny('one\nvireo: ready\n', None)
    result = vireo('smoke', image, '--expect', '^vireo: (ready)$', '--timeout', '80')
    assert result.returncode == 0 and 'smoke: ok' in result.stdout


def test_smoke_times_out_with_the_log(tiny):
    result = vireo('smoke', tiny('a clue\n', None), '--expect', 'never', '--timeout', '5')
    assert result.returncode == 1
    assert 'within 5 s' in result.stdout and 'a clue' in result.stdout


def test_smoke_fails_at_once_when_the_image_ends(tiny):
    result = vireo('smoke', tiny('a clue\n', 9), '--expect', 'never', '--timeout', '600',
                   timeout=120)
    assert result.returncode == 1
    assert 'status 9' in result.stdout and 'a clue' in result.stdout


def test_smoke_without_image():
    result = vireo('smoke', '/no/such.img', '--expect', 'x')
    assert result.returncode == 1 and '/no/such.img' in result.stderr


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly(tiny, number):
    process = subprocess.Popen([VIREO, 'run', tiny('up\n', None)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == 'up\n'
        process.send_signal(number)
        _, errors = process.communicate(timeout=80)
    finally:
        process.kill()
    assert process.returncode == (0 if number == signal.SIGINT else 143)
    assert errors == ''


def test_gdb_waits_for_a_debugger(tiny):
    with socket.create_server(('127.0.0.1', 0)) as s:
        port = s.getsockname()[1]
    process = subprocess.Popen([VIREO, 'run', tiny('up\n', 0), '--gdb', str(port)], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        assert 'target remote' in process.stdout.readline()
        c = connect_while_alive(port, process)
        c.sendall(packet('?'))
        said = b''
        while b'#' not in said:
            said += c.recv(4096)
        assert b'$T' in said                     # stopped, before the first instruction
        c.sendall(b'+' + packet('c'))
        assert process.wait(80) == 0
        c.close()
    finally:
        process.kill()
    assert process.stdout.read() == 'up\n'


def packet(text):
    return f'${text}#{sum(text.encode()) & 255:02x}'.encode()


def connect_while_alive(port, process):
    """QEMU opens the port some milliseconds after its start."""
    retry = threading.Event()
    for _ in range(4000):
        try:
            return socket.create_connection(('127.0.0.1', port), 80)
        except ConnectionRefusedError:
            assert process.poll() is None
            retry.wait(0.02)
    raise AssertionError('no debugger port')


def test_pcap_is_written(tiny, tmp_path):
    path = tmp_path / 'net.pcap'
    assert vireo('run', tiny(), '--pcap', path).returncode == 0
    assert path.read_bytes()[:4] in (b'\xd4\xc3\xb2\xa1', b'\xa1\xb2\xc3\xd4')


def test_locked_disk_is_explained(tiny, tmp_path):
    disk = tmp_path / 'd.img'
    disk.write_bytes(bytes(65536))
    first = subprocess.Popen([VIREO, 'run', tiny('up\n', None), '--disk', disk],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout.readline() == 'up\n'
        second = vireo('run', tiny('up\n', 0), '--disk', disk)
        assert second.returncode != 0 and 'another QEMU has this disk open' in second.stderr
    finally:
        first.terminate()
        first.wait(80)
        first.stdout.close()
