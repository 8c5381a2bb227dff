# SPDX-License-Identifier: BSD-2-Clause
"""Disks with littlefs: scripts/datadisk.c does what scripts/mkdisk is asked for."""
import os
import subprocess

from vireolib import programs

LEAST = 1 << 16                         # bytes of a disk
BLOCKS = [1 << n for n in range(9, 17)]
LIBRARY = 'build/littlefs'
OURS = ['files/littlefs/configure.c', 'files/littlefs/crc.c', 'files/littlefs/mends.c']
FLAGS = ['-DLFS2_CONFIG=lfs2_config.h', '-Ifiles/littlefs', f'-I{LIBRARY}', '-w']


def program():
    """Path of the program, with the library that images have."""
    subprocess.run(['make', '-s', '--no-print-directory', '-f', 'scripts/deps.mk',
                    f'{LIBRARY}/.fixed'], cwd=programs.TREE, check=True,
                   env={k: v for k, v in os.environ.items() if k not in ('MAKEFLAGS', 'MFLAGS')})
    return programs.build('scripts/datadisk.c', *OURS, f'{LIBRARY}/lfs2.c',
                          'files/littlefs/configure.h', 'files/littlefs/lfs2_config.h',
                          flags=FLAGS)


def call(what, image, argument, **more):
    """Runs the program, whose errors become ValueError."""
    done = subprocess.run([program(), what, os.path.abspath(image), argument],
                          stderr=subprocess.PIPE, text=True, errors='replace', **more)
    if done.returncode:
        raise ValueError(done.stderr.strip() or f'datadisk ended with {done.returncode}')


def make(image, size, block, folder):
    """A disk of so many bytes in a new file, with the files of a folder (or None)."""
    if size < LEAST or size // block < 16:
        raise ValueError(f'a disk of {size:,} bytes is too small: {max(LEAST, 16 * block):,} is '
                         'the least')
    part = f'{image}.{os.getpid()}'
    try:
        with open(part, 'wb') as f:
            f.truncate(size // block * block)
        call('make', part, str(block))
        if folder:
            call('copy', part, os.path.abspath(folder))
        os.replace(part, image)
    finally:
        if os.path.exists(part):
            os.unlink(part)
