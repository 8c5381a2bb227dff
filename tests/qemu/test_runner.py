# SPDX-License-Identifier: BSD-2-Clause
"""scripts/vireo: what it starts, what it refuses, and how it ends."""
import os
import re
import shlex
import signal
import socket
import struct
import subprocess
import threading

import pytest

from vireolib import cli, terminal
from vireolib.machine import named

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
                 '-qmp unix:', '-icount shift=0', '-S -gdb tcp:127.0.0.1:1'):
        assert part in text, part
    assert args[-2:] == ['-machine', 'highmem=off']


# An option, and what of QEMU's command line it makes.
EFFECTS = {
    '--transport': (['pci'], 'virtio-net-pci'),
    '--gic': (['3'], 'gic-version=3'),
    '--cpu': (['max'], '-cpu max'),
    '--smp': (['2'], '-smp 2'),
    '--mem': (['128'], '-m 128'),
    '--disk': (['FILE'], 'virtio-blk'),
    '--net': (['none'], '-nic none'),
    '--forward': (['0:80'], 'hostfwd='),
    '--rng': ([], 'virtio-rng'),
    '--vsock': (['SOCKET'], 'vhost-user-vsock'),
    '--balloon': ([], 'virtio-balloon'),
    '--append': (['x=1'], '-append x=1'),
    '--args': (['-v', 'a b', 'c'], "-append '-- -v \"a b\" c'"),
    '--initrd': (['FILE'], '-initrd'),
    '--pcap': (['net.pcap'], 'filter-dump'),
    '--qmp': (['q'], '-qmp unix:q'),
    '--icount': (['shift=0'], '-icount shift=0'),
    '--plugin': (['FILE,a=1'], '-plugin'),
    '--gdb': ([], '-gdb tcp:127.0.0.1:1'),
}
NOT_OF_THE_MACHINE = {'--help', '--print', '--expect', '--timeout', '--profile'}


def options_of(command):
    """The options that the parser knows."""
    for action in cli.parser()._subparsers._group_actions:
        return {name for option in action.choices[command]._actions
                for name in option.option_strings if name.startswith('--')}


def test_every_option_has_an_effect_in_the_list():
    """An option that the parser knows and that leads nowhere is found by the next test."""
    assert options_of('run') - NOT_OF_THE_MACHINE == set(EFFECTS)
    assert options_of('smoke') - NOT_OF_THE_MACHINE == set(EFFECTS) - {'--gdb'}


@pytest.fixture
def here(capsys):
    """here(*args) -> (status, standard output, standard error) of the runner, without a process of
    its own: for what ends before QEMU starts."""
    def call(*args):
        try:
            status = cli.main(list(map(str, args)))
        except SystemExit as e:
            status = e.code
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.mark.parametrize('option', EFFECTS)
def test_every_option_changes_the_command(here, tiny, tmp_path, option):
    image = tiny()
    (tmp_path / 'file').write_bytes(bytes(512))
    values, part = EFFECTS[option]
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(os.path.relpath(tmp_path / 's'))
        values = [value.replace('FILE', str(tmp_path / 'file'))
                  .replace('SOCKET', str(tmp_path / 's')) for value in values]
        plain = here('run', '--print', image)
        changed = here('run', '--print', image, option, *values)
    assert plain[0] == changed[0] == 0, changed
    assert part in changed[1] and part not in plain[1]


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
    statuses = [0, 1, 2, 125, 255]
    assert [vireo('run', tiny('', n)).returncode for n in statuses] == statuses


@pytest.mark.parametrize('args, words', [
    (['--gic', '5'], '--gic 5: it is one of 2, 3, max'),
    (['--transport', 'isa'], '--transport isa: it is one of mmio, mmio-legacy, pci'),
    (['--cpu', 'z80'], '--cpu z80: .* runs on cortex-a72'),
    (['--smp', 'many'], '--smp many'),
    (['--smp', '2,maxcpus=1'], '--smp 2,maxcpus=1'),
    (['--mem', '1T'], '--mem 1T'),
    (['--net', 'wifi'], '--net wifi'),
    (['--net', 'tap=nosuchtap0'], 'ip tuntap add'),
    (['--net', 'tap=lo'], 'lo is an interface of another kind'),
    (['--net', 'none', '--forward', '0:80'], '--net user only'),
    (['--net', 'none', '--pcap', 'x'], '--net none'),
    (['--pcap', '/no/folder/x'], '--pcap /no/folder/x: there is no folder /no/folder'),
    (['--pcap', 'FOLDER'], 'it is a folder'),
    (['--qmp', '/no/folder/x'], '--qmp /no/folder/x: there is no folder'),
    (['--qmp', 'FOLDER/' + 'q' * 110], 'at most 107 bytes'),
    (['--forward', '80'], '8080:80'),
    (['--forward', '99999:80'], '--forward 99999:80: .* 1 to 65535'),
    (['--forward', '1.2.3.256:80:80'], '1.2.3.256 is not an address'),
    (['--forward', '45080:80', '--forward', '45080:81'], 'leads to port 80 of the image already'),
    (['--forward', '45080:80', '--forward', '0.0.0.0:45080:80'], 'another port'),
    (['--disk', '/no/such.img'], 'make disk'),
    (['--disk', 'x.img,readonly'], 'what may follow a comma'),
    (['--disk', 'FOLDER'], 'is a folder, .*make disk DIR='),
    (['--initrd', '/no/such'], 'no initrd'),
    (['--initrd', 'FOLDER'], 'is a folder, not an initrd'),
    (['--initrd', 'EMPTY'], 'is empty'),
    (['--plugin', '/no/such.so,x=1'], 'no TCG plugin /no/such.so'),
    (['--vsock', 'FILE'], 'no such socket'),
    (['--gdb', '0'], '--gdb 0: a port is a number from 1'),
    (['--gdb', '65536'], '--gdb 65536: a port is a number from 1'),
    (['--gdb', 'x'], '--gdb: x is no port'),
    (['--forwrd', '0:80'], '--forward is meant'),
    (['--append', 'x' * 1000, '--args', 'y' * 1044], 'boot arguments of 2048 bytes: .* takes 2047'),
    (['-smp', '2'], 'options for QEMU itself follow behind --|--smp is meant'),
])
def test_bad_options_are_answered_with_a_sentence(here, tiny, tmp_path, args, words):
    """And with the status for failures of the runner."""
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'file').write_bytes(bytes(512))
    (tmp_path / 'empty').write_bytes(b'')
    for word in ('FOLDER', 'FILE', 'EMPTY'):
        args = [arg.replace(word, str(tmp_path / word.lower())) for arg in args]
    status, _, said = here('run', tiny(), *args)
    assert status == 125
    assert re.search(words, said) and said.startswith('vireo: '), said


@pytest.mark.parametrize('args, words', [
    (['--smp', '9'], 'lower --smp'),
    (['--mem', '1'], 'raise --mem'),
    (['--mem', '9000G'], 'lower --mem'),
    (['--', '-nosuchoption'], 'could not start the image'),
    (['--disk', 'd.img', '--disk', 'd.img,ro'], 'd.img is given twice'),
])
def test_what_qemu_refuses(tiny, tmp_path, monkeypatch, args, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'd.img').write_bytes(bytes(512))
    result = vireo('run', tiny(), *args)
    assert result.returncode == 125 and words in result.stderr
    assert result.stderr.splitlines()[-1].startswith('vireo: ')


@pytest.mark.parametrize('args', [['rnu', 'x'], [], ['run'], ['symbolize'],
                                  ['symbolize', '/no/such.elf']])
def test_bad_commands(here, args):
    status, _, said = here(*args)
    assert status == 125 and said.startswith('vireo: ')


@pytest.mark.parametrize('option', ['--pcap', '--qmp'])
def test_files_of_other_kinds_are_not_overwritten(here, tiny, tmp_path, option):
    precious = tmp_path / 'precious'
    precious.write_text('the only copy')
    status, _, said = here('run', tiny(), option, precious)
    assert status == 125 and 'would be lost' in said
    assert precious.read_text() == 'the only copy'


def test_names_of_options_are_those_that_were_typed(here, tiny, monkeypatch):
    """`make` says which of its variables became which option."""
    monkeypatch.setenv('VIREO_TYPED', '--mem=MEM=;--gic=GIC=;--forward=PORT=')
    for args, words in ((['--mem', '1T'], 'vireo: MEM=1T: write'),
                        (['--gic', '5'], 'vireo: GIC=5: it is'),
                        (['--forward', '99999:80'], 'vireo: PORT=99999: a port')):
        assert words in here('run', tiny(), *args)[2]
    assert named('--mem') == 'MEM=' and named('--smp') == '--smp'


def test_ports_that_are_chosen_differ(tiny):
    """auto: beside a port that is named, and twice."""
    with socket.create_server(('127.0.0.1', 0)) as s:
        free = s.getsockname()[1]
    text = ' '.join(command(tiny(), '--forward', 'auto:80', '--forward', f'{free}:81', '--forward',
                            'auto:443'))
    ports = re.findall(r'hostfwd=tcp:127.0.0.1:(\d+)-', text)
    assert len(set(ports)) == 3 and str(free) in ports


@pytest.mark.parametrize('kind, taken', [(b'\x7fELF\x02\x01', False), (b'', True)])
def test_an_initrd_is_for_an_image(here, tiny, tmp_path, kind, taken):
    """QEMU ignores it in front of an ELF file, without a word."""
    image = tiny()
    if kind:
        image = str(tmp_path / 'x.elf')
        with open(image, 'wb') as f:
            f.write(kind + bytes(10) + struct.pack('<HH', 2, 183) + bytes(44))
    (tmp_path / 'initrd').write_bytes(bytes(512))
    status, _, said = here('run', image, '--initrd', tmp_path / 'initrd', '--print')
    assert (status == 0) == taken
    assert taken or 'take ' + str(tmp_path / 'x.img') in said


@pytest.mark.parametrize('status, told, serial, verdict', [
    (1, ['qemu-system-aarch64: -foo: invalid option\n'], b'', 125),
    (1, ['qemu-system-aarch64: warning: slow\n'], b'', 1),
    (1, [], b'', 1),
    (1, ['qemu-system-aarch64: Guest says index 5 size 4\n'], b'vireo: exit 1\n', 1),
    (125, [], b'vireo: exit 125\n', 125),
    (134, [], b'vireo: exit 134\n', 134),
    (-6, ['qemu-system-aarch64: memory.c: assertion\n'], b'some', 125),
    (-9, [], b'', 125),
    (0, ['qemu-system-aarch64: terminating on signal 2\n'], b'', 0),
    (0, ['qemu-system-aarch64: terminating on signal 15 from pid 7\n'], b'', 143),
])
def test_whose_status_it_is(status, told, serial, verdict, capsys):
    """125 is for what fails before the image runs, and for a QEMU that dies."""
    assert terminal.verdict(status, told, serial) == verdict
    said = capsys.readouterr().err
    assert ('vireo: ' in said) == (verdict == 125)
    assert ('125 is the status that the image ended with' in said) == (status == 125)


def test_bad_images(tmp_path, tiny):
    junk = tmp_path / 'junk.img'
    junk.write_bytes(b'#!/bin/sh\n' * 20)
    x86 = tmp_path / 'x86.elf'
    x86.write_bytes(b'\x7fELF\x02\x01\x01' + bytes(9) + struct.pack('<HH', 2, 62) + bytes(50))
    for image, words in ((junk, 'neither'), (x86, '64-bit'), ('/no/such.img', 'make image'),
                         (tmp_path, 'is a folder')):
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


@pytest.mark.parametrize('args', [['--nosuch'], ['--timeout', '0'], ['--timeout', 'nan'],
                                  ['--expect', '('], ['--mem', '1T']])
def test_mistakes_of_smoke(here, tiny, args):
    status, _, said = here('smoke', tiny(), '--expect', 'x', *args)
    assert status == 1 and said.startswith('vireo: ')


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


def test_gdb_takes_the_next_free_port(here, tiny, monkeypatch):
    """So two images can be debugged at a time; a port that is named is not changed."""
    with socket.create_server(('127.0.0.1', 0)) as s:
        port = s.getsockname()[1]
        monkeypatch.setattr('vireolib.machine.GDB_PORT', port)
        status, shown, _ = here('run', tiny(), '--gdb', '--print')
        found = re.search(r'-gdb tcp:127.0.0.1:(\d+)', shown)
        assert status == 0 and port < int(found[1]) < port + 100
        status, _, said = here('run', tiny(), '--gdb', port, '--print')
        assert status == 125 and f'--gdb {port}: another program listens there' in said


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


@pytest.mark.parametrize('mem', ['1', '1100K', '1m'])
@pytest.mark.parametrize('arch', ['aarch64', 'arm'])
def test_an_elf_file_without_memory_is_refused(here, built, arch, mem):
    """QEMU would start the CPU where nothing is."""
    status, _, said = here('run', built('hello', 'elf', arch), '--net', 'none', '--mem', mem)
    assert status == 125
    assert re.search(rf'--mem {mem}: .*hello.elf needs more: .* 1[1-9]\d\d KiB', said), said


@pytest.mark.parametrize('args, advice', [
    (['--mem', '4K'], 'the image needs more memory: raise --mem'),
    (['--mem', '4', '--initrd', 'FILE'], 'the initrd does not fit into memory: raise --mem'),
    (['--smp', '9'], 'an image uses one CPU; lower --smp'),
    (['--smp', '600'], 'an image uses one CPU; lower --smp'),
])
def test_what_does_not_fit_is_explained(tiny, tmp_path, args, advice):
    with open(tmp_path / 'large', 'wb') as f:
        f.truncate(8 << 20)
    args = [tmp_path / 'large' if arg == 'FILE' else arg for arg in args]
    result = vireo('run', tiny(), '--net', 'none', *args)
    assert result.returncode == 125 and f'vireo: {advice}\n' in result.stderr


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
