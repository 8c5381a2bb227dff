# SPDX-License-Identifier: BSD-2-Clause
"""Disks: the pattern test of blkcheck, the POSIX interface, read-only disks, odd sizes, 4Kn, and
file trees on a disk and in an initrd.
"""
import os
import re
import subprocess
import zlib

import pytest

from test_net import checks_end
from vireolib import http
from vireolib.machine import Disk

TRANSPORTS = ('mmio', 'mmio-legacy', 'pci')
MIB = 1 << 20
PIECE, PIECES = 10007, 40          # of tests/apps/rawdisk


def blank(tmp_path, size, name='disk.img'):
    path = tmp_path / name
    with open(path, 'wb') as f:
        f.truncate(size)
    return str(path)


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('wake', ['irq', 'poll'])
def test_blkcheck(boot, tmp_path, transport, wake):
    disk = Disk(blank(tmp_path, 16 * MIB))
    guest = boot('blkcheck', disks=[disk], transport=transport, net='none',
                 append='vireo.poll=1' if wake == 'poll' else '')
    assert guest.wait(60) == 0
    assert guest.seen(r'(?i)[\d.]+ M(i?)B/s'), guest.report()
    with open(disk.path, 'rb') as f:
        assert any(f.read(MIB)), 'the pattern is not on the disk'


@pytest.mark.parametrize('size', [512, 4096, 5 * 512, 64 * 1024 + 512, MIB + 3 * 512,
                                  pytest.param(256 * MIB, marks=pytest.mark.full)])
def test_blkcheck_on_a_disk_of(boot, tmp_path, size):
    """Sizes that are no multiple of a page or of the cache's block."""
    guest = boot('blkcheck', disks=[Disk(blank(tmp_path, size))], net='none')
    assert guest.wait(80) == 0


@pytest.mark.parametrize('block', [512, 4096])
@pytest.mark.parametrize('transport', ['mmio', 'mmio-legacy',
                                       'pci'])
def test_blkcheck_with_blocks_of(boot, tmp_path, block, transport):
    guest = boot('blkcheck', net='none', transport=transport,
                 disks=[Disk(blank(tmp_path, 8 * MIB), block=block)])
    assert guest.wait(60) == 0


@pytest.mark.parametrize('mode', ['both', 'verify'])
def test_blkcheck_does_not_call_nothing_good(boot, tmp_path, mode):
    """A disk of 0 bytes holds no pattern that could be right."""
    path = tmp_path / 'empty.img'
    path.write_bytes(b'')
    status, guest = blkcheck(boot, str(path), mode)
    assert status == 2 and guest.seen('vblk0 has no bytes: there is nothing to check')
    assert not guest.seen('good')


def test_blkcheck_finds_a_disk_that_lies(boot, tmp_path):
    """What is written to the second disk is thrown away: blkcheck must notice. (QEMU's null driver
    takes every write and reads as zeroes.)"""
    guest = boot('blkcheck', net='none', extra=[
        '-blockdev', f'driver=null-co,node-name=z,size={64 * MIB},read-zeroes=on',
        '-device', 'virtio-blk-device,drive=z'])
    assert guest.wait(60) != 0


def blkcheck(boot, path, mode, **disk):
    guest = boot('blkcheck', net='none', append=f'vireo.blkcheck.mode={mode}',
                 disks=[Disk(path, **disk)])
    status = guest.wait(60)
    guest.stop()
    return status, guest


def test_what_one_run_wrote_another_verifies(boot, tmp_path):
    """Also from a read-only disk; and a single changed byte is found, with its place."""
    path = blank(tmp_path, 4 * MIB)
    assert blkcheck(boot, path, 'write')[0] == 0
    assert blkcheck(boot, path, 'verify')[0] == 0
    assert blkcheck(boot, path, 'verify', read_only=True)[0] == 0
    with open(path, 'r+b') as f:
        f.seek(3 * MIB + 5)
        byte = f.read(1)[0]
        f.seek(3 * MIB + 5)
        f.write(bytes([byte ^ 1]))
    status, guest = blkcheck(boot, path, 'verify')
    assert status == 1 and guest.seen(str(3 * MIB)), guest.report()


def test_blkcheck_writes_no_read_only_disk(boot, tmp_path):
    path = blank(tmp_path, MIB)
    status, guest = blkcheck(boot, path, 'write', read_only=True)
    assert status != 0 and guest.seen('(?i)read-only'), guest.report()
    assert not any(open(path, 'rb').read())


def test_blkcheck_refuses_a_disk_with_files(boot, make_disk, tmp_path):
    (tmp_path / 'site').mkdir()
    tree(tmp_path / 'site')
    path = make_disk(tmp_path / 'site')
    before = open(path, 'rb').read()
    assert blkcheck(boot, path, 'both')[0] == 2
    assert open(path, 'rb').read() == before


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('block', [512, 4096])
def test_posix_interface(boot, tmp_path, transport, block):
    size = 2 * MIB + (4096 if block == 4096 else 512 * 3)
    path = blank(tmp_path, size)
    guest = boot('rawdisk', net='none', transport=transport, disks=[Disk(path, block=block)])
    checks_end(guest)
    assert guest.seen(f'^rawdisk: size={size}$')
    data = open(path, 'rb').read()
    assert data[:PIECE * PIECES] == http.pattern(PIECE * PIECES)
    assert data[-3:] == b'end' and len(data) == size


def test_posix_interface_of_a_read_only_disk(boot, tmp_path):
    path = tmp_path / 'ro.img'
    path.write_bytes(http.pattern(2 * MIB))
    guest = boot('rawdisk', net='none', append='ro=1', disks=[Disk(str(path), read_only=True)])
    checks_end(guest)


def test_synced_data_survives_a_power_cut(boot, tmp_path):
    """QEMU is killed right after the line that follows fsync()."""
    path = blank(tmp_path, 2 * MIB)
    guest = boot('rawdisk', net='none', disks=[Disk(path)])
    guest.expect('check: ok fsync')
    guest.process.kill()
    guest.wait()
    assert open(path, 'rb').read(PIECE * PIECES) == http.pattern(PIECE * PIECES)


def test_disk_errors_are_told(boot, tmp_path):
    """A disk whose sectors fail: the program sees EIO, and the image goes on to its end."""
    rules = tmp_path / 'rules'
    rules.write_text('[inject-error]\nevent = "write_aio"\nerrno = "5"\n')
    path = blank(tmp_path, 2 * MIB)
    guest = boot('rawdisk', net='none', extra=[
        '-drive', f'if=none,id=dx,file=blkdebug:{rules}:{path},format=raw,werror=report',
        '-device', 'virtio-blk-device,drive=dx'])
    guest.expect(r'^checks: passed=\d+ failed=[1-9]', 30)
    assert guest.wait() == 1
    assert guest.seen('FAIL fsync.*errno 5')


def test_a_bad_sector_ahead(boot, tmp_path):
    """QEMU makes one access of a block that is wanted and of those that are read ahead behind it,
    and then fails them all: only who asks for the bad one may hear of it."""
    content, bad = http.pattern(3_000_000), 376 * 8      # sectors; the file begins in sector 1
    (tmp_path / 'big.bin').write_bytes(content)
    disk = tmp_path / 'big.img'
    subprocess.run(['tar', '--format=ustar', '-cf', disk, '-C', tmp_path, 'big.bin'], check=True)
    guest = boot('httpd', forwards=[80], extra=[
        '-blockdev', f'driver=file,node-name=f0,filename={disk},read-only=on',
        '-blockdev', 'driver=blkdebug,node-name=dbg,image=f0,read-only=on,'
        'inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.errno=5,'
        f'inject-error.0.sector={bad}',
        '-device', 'virtio-blk-device,drive=dbg'])
    guest.serving(30)

    def get(sector):
        at = (sector - 1) * 512
        return http.get(guest.port(80), '/big.bin', [('Range', f'bytes={at}-{at + 511}')])

    for sector in (bad - 17, bad - 16, bad - 9, bad - 1, bad + 8):
        at, answer = (sector - 1) * 512, get(sector)
        assert answer.status == 206 and answer.body == content[at:at + 512], guest.report()
    with pytest.raises((ConnectionError, EOFError)):
        get(bad)


# ---- file trees ----

def tree(root):
    """A folder with files of many sizes and names; {path below root: content}."""
    files = {'index.html': b'<html>hello</html>\n', 'empty.txt': b'', 'one': b'1',
             'a b.txt': b'with a space\n', 'deep/er/est/file.bin': http.pattern(70_001),
             'sector.bin': http.pattern(512), 'sector-1.bin': http.pattern(511),
             'sector+1.bin': http.pattern(513), 'umlaut-\u00e4\u00f6\u00fc.txt': b'utf-8 name\n',
             'long-' + 'n' * 120 + '.txt': b'a name over 100 bytes\n',
             'deep/' + 'd' * 90 + '/' + 'e' * 90 + '/f.txt': b'a path over 155 bytes\n',
             'mib.bin': http.pattern(3 * MIB + 17)}
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return files


def assert_tree_is_read(guest, files, root='/'):
    checks_end(guest, 60)
    seen = {}
    for line in guest.seen('^file: '):
        match = re.fullmatch(r'file: (.*) (\d+) ([0-9a-f]{8})', line)
        seen[match[1]] = (int(match[2]), match[3])
    wanted = {root + name: (len(data), f'{zlib.crc32(data):08x}') for name, data in files.items()}
    assert seen == wanted


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('block', [512, 4096])
def test_tree_on_a_disk(boot, make_disk, tmp_path, transport, block):
    (tmp_path / 'site').mkdir()
    files = tree(tmp_path / 'site')
    disk = make_disk(tmp_path / 'site')
    if block == 4096 and os.path.getsize(disk) % 4096:
        with open(disk, 'ab') as f:
            f.truncate((os.path.getsize(disk) + 4095) // 4096 * 4096)
    guest = boot('files', net='none', transport=transport,
                 disks=[Disk(disk, read_only=True, block=block)])
    assert_tree_is_read(guest, files)


def test_tree_in_an_initrd(boot, make_disk, tmp_path):
    (tmp_path / 'tree').mkdir()
    files = tree(tmp_path / 'tree')
    guest = boot('files', net='none', initrd=make_disk(tmp_path / 'tree'), append='first=/a b.txt')
    assert_tree_is_read(guest, files)


def test_tree_written_by_a_standard_tool(boot, tmp_path):
    """No tool of this project touches the image: the host's tar writes it."""
    root = tmp_path / 'site'
    root.mkdir()
    files = tree(root)
    disk = tmp_path / 'by-tar.img'
    subprocess.run(['tar', '-C', root, '-cf', disk, *sorted(os.listdir(root))], check=True)
    guest = boot('files', net='none', disks=[Disk(str(disk), read_only=True)])
    assert_tree_is_read(guest, files)


def test_make_disk_is_read_by_a_standard_tool(make_disk, tmp_path):
    (tmp_path / 'site').mkdir()
    files = tree(tmp_path / 'site')
    disk = make_disk(tmp_path / 'site')
    out = tmp_path / 'out'
    out.mkdir()
    subprocess.run(['tar', '-C', out, '-xf', disk], check=True)
    for name, content in files.items():
        assert (out / name).read_bytes() == content


@pytest.mark.parametrize('damage', ['cut', 'noise', 'zero', 'size', 'sum'])
def test_damaged_tree_is_no_crash(boot, make_disk, tmp_path, damage):
    """A disk that holds no tree, half of one, or a lying one: the image says so and goes on."""
    (tmp_path / 'site').mkdir()
    tree(tmp_path / 'site')
    data = bytearray(open(make_disk(tmp_path / 'site'), 'rb').read())
    if damage == 'cut':
        data = data[:len(data) // 2 // 512 * 512]
    elif damage == 'noise':
        data = bytearray(os.urandom(MIB))
    elif damage == 'zero':
        data = bytearray(MIB)
    elif damage == 'size':
        data[124:136] = b'77777777777\0'          # the first member: 8 GiB, sum not corrected
    elif damage == 'sum':
        data[148:156] = b'000000\0 '
    path = tmp_path / 'damaged.img'
    path.write_bytes(data)
    guest = boot('httpd', disks=[Disk(str(path), read_only=True)], forwards=[80])
    guest.serving(30)
    assert http.get(guest.port(80), '/').status in (200, 404, 500)
    assert http.get(guest.port(80), '/status').status == 200


def test_two_disks(boot, make_disk, tmp_path):
    """The tree is found on the second disk, and both have their counters."""
    (tmp_path / 'site').mkdir()
    files = tree(tmp_path / 'site')
    guest = boot('files', net='none', disks=[Disk(make_disk(tmp_path / 'site'), read_only=True),
                                             Disk(blank(tmp_path, MIB))])
    assert_tree_is_read(guest, files)
