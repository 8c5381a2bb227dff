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
