# SPDX-License-Identifier: BSD-2-Clause
"""scripts/mkdisk: the index behind the archive of many files (files/ftree_lazy.c)."""
import os
import struct
import subprocess
import sys
import tarfile

from conftest import TREE

MKDISK = os.path.join(TREE, 'scripts', 'mkdisk')


def make(folder, files, *options):
    """The bytes of a disk with so many files, in folders of 50."""
    for i in range(files):
        path = folder / 'site' / f'd{i // 50}' / f'f{i % 50}'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(i))
    disk = folder / 'disk.img'
    subprocess.run([sys.executable, MKDISK, folder / 'site', disk, '--quiet', *options], check=True)
    return disk


def read_index(disk):
    """[(path, place of its header)] of the index; None: there is none."""
    data = disk.read_bytes()
    magic, version, count, records, text, length, end = struct.unpack('<8sIIQQQQ', data[-512:][:48])
    if magic != b'vireoIDX':
        return None
    assert version == 1 and text + length <= len(data) and not any(data[end:end + 1024])
    paths = []
    for i in range(count):
        place, at, folder, path = struct.unpack_from('<QIHH', data, records + 16 * i)
        name = data[text + at:text + at + path]
        assert name[:folder] == name.rpartition(b'/')[0]
        paths.append((name, place))
    assert paths == sorted(paths, key=lambda p: p[0].rpartition(b'/')[::2])
    return paths


def test_index(tmp_path):
    """Each member is in the index, with the place of its header; tar reads the disk as before."""
    long = 'long' * 60
    (tmp_path / 'site' / 'deep').mkdir(parents=True)
    (tmp_path / 'site' / 'deep' / long).write_text('in a pax header')
    disk = make(tmp_path, 400)
    with tarfile.open(disk) as archive:
        members = {m.name.encode(): m.offset for m in archive}
    assert len(members) == 400 + 8 + 2 and dict(read_index(disk)) == members
    names = subprocess.run(['tar', 'tf', disk], capture_output=True, check=True).stdout
    assert len(names.split()) == len(members)
    assert os.path.getsize(disk) % 512 == 0


def test_sizes(tmp_path):
    """Few files have no index; a disk that is longer has it at its end, a short one has none."""
    assert read_index(make(tmp_path, 100)) is None
    disk = make(tmp_path, 300, '--size=4M')
    assert os.path.getsize(disk) == 4 << 20 and len(read_index(disk)) == 300 + 6
    with tarfile.open(disk) as archive:
        length = -(-(archive.getmembers()[-1].offset + 2048) // 10240) * 10240
    disk = make(tmp_path, 300, f'--size={length}')
    assert read_index(disk) is None and os.path.getsize(disk) == length


# ---- disks with littlefs ----

def mkdisk(*arguments, ok=True, **more):
    done = subprocess.run([sys.executable, MKDISK, *map(str, arguments)], capture_output=True,
                          **more)
    assert (done.returncode == 0) == ok, done.stderr
    return done.stdout if ok else done.stderr.decode()


def test_data(tmp_path):
    """A disk with a folder's files; files are written, read, listed and deleted."""
    disk, folder = tmp_path / 'data.img', tmp_path / 'files'
    big = bytes(i * 7 % 251 for i in range(300000))
    (folder / 'deep' / 'er').mkdir(parents=True)
    (folder / 'deep' / 'big').write_bytes(big)
    (folder / 'empty').write_bytes(b'')
    mkdisk('--data', '4M', folder, disk)
    assert disk.stat().st_size == 4 << 20
    assert mkdisk('--read', disk, '/deep/big') == big
    mkdisk('--write', disk, '/deep/er/x/y', input=b'from the standard input')
    mkdisk('--write', disk, '/deep/big', folder / 'empty')
    listed = [line.split() for line in mkdisk('--list', disk).decode().splitlines()]
    assert [(line[0], line[2]) for line in listed] == [
        ('-', '/deep/'), ('0', '/deep/big'), ('-', '/deep/er/'), ('-', '/deep/er/x/'),
        ('23', '/deep/er/x/y'), ('0', '/empty')]
    assert mkdisk('--read', disk, 'deep/er/x/y') == b'from the standard input'
    assert 'not empty' in mkdisk('--delete', disk, '/deep', ok=False)
    mkdisk('--delete', disk, '/deep/big')
    assert 'no such' in mkdisk('--read', disk, '/deep/big', ok=False)
    assert 'full' in mkdisk('--write', disk, '/x', input=bytes(5 << 20), ok=False)
    assert mkdisk('--read', disk, 'deep/er/x/y') == b'from the standard input'


def test_data_is_not_lost(tmp_path):
    """What exists is not overwritten; what is no such disk is not used as one."""
    disk = tmp_path / 'data.img'
    mkdisk('--data', '64K', '--block', '512', disk, '--quiet')
    assert 'would be lost' in mkdisk('--data', '64K', disk, ok=False)
    assert 'too small' in mkdisk('--data', '4K', tmp_path / 'small', ok=False)
    assert '--data 4X is no size' in mkdisk('--data', '4X', tmp_path / 'small', ok=False)
    (tmp_path / 'small').write_bytes(bytes(1 << 16))
    assert 'holds no littlefs' in mkdisk('--list', tmp_path / 'small', ok=False)


# ---- disks for a database ----

def test_database_disk(tmp_path):
    """--sqlite makes both superblocks of sqlite/store.h; what holds something is left alone."""
    disk = tmp_path / 'db.img'
    subprocess.run([sys.executable, MKDISK, '--sqlite', '1M', disk], check=True)
    data = disk.read_bytes()
    assert len(data) == 1 << 20 and data[:512] == data[65536:66048]
    assert data[:16] == b'Vireo SQLite 1\r\n'
    assert struct.unpack_from('<IIQQQQ', data, 16) == (1, 1, 1, 1 << 20, 0, 0)
    for options in (['--sqlite', '1M'], ['--sqlite', '100K', str(tmp_path / 'small')],
                    ['--sqlite', '1M', str(tmp_path), 'x.img']):
        again = subprocess.run([sys.executable, MKDISK, *options, disk][:4 + len(options)],
                               capture_output=True, text=True, check=False)
        assert again.returncode == 1 and 'mkdisk: ' in again.stderr
    assert disk.read_bytes() == data
