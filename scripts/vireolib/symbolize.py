# SPDX-License-Identifier: BSD-2-Clause
"""Files and lines for the addresses of a back trace, from the image's ELF file (binutils'
addr2line), and the command that connects gdb.
"""
import os
import re
import shlex
import shutil
import subprocess

from vireolib import images
from vireolib.machine import Unusable, check_image

# A line of a back trace: "    0x401044a4 main+0x24". A log may have more in front.
FRAME = re.compile(r'(?:^|\s)0x([0-9a-f]+) (\w+)[\w.]*\+0x[0-9a-f]+\s*$')
HEAD = 'back trace:'
PREFIXES = {'aarch64': ('aarch64-linux-gnu-', 'aarch64-none-elf-', 'llvm-'),
            'arm': ('arm-none-eabi-', 'arm-linux-gnueabihf-', 'llvm-')}
GDB_SCRIPT = os.path.join(images.TREE, 'scripts', 'vireo.gdb')


def elf_of(image):
    """The ELF file of an image: itself, or the one beside it. None: there is none."""
    path = os.path.splitext(image)[0] + '.elf'
    return path if os.path.isfile(path) else None


def gdb_command(image, port):
    elf = os.path.splitext(image)[0] + '.elf'
    script = os.path.relpath(GDB_SCRIPT)
    script = GDB_SCRIPT if script.startswith('../..') else script
    return (f'gdb-multiarch {shlex.quote(elf)} -x {shlex.quote(script)} '
            f'-ex "target remote 127.0.0.1:{port}"')


def trace_of(text):
    """The lines of the last back trace in a log."""
    lines = []
    if HEAD in text:
        for line in text.rsplit(HEAD, 1)[1].splitlines()[1:]:
            if not FRAME.search(line) and not line.startswith('    '):
                break
            lines.append(line.rstrip())
    return lines


def addr2line(arch):
    """The program for ELF files of that machine."""
    names = [os.environ['CROSS']] if os.environ.get('CROSS') else []
    for prefix in [*names, *PREFIXES[arch]]:
        path = shutil.which(prefix + 'addr2line')
        if path:
            return path
    raise Unusable(f'there is no {PREFIXES[arch][0]}addr2line; `make setup` installs the compiler '
                   'and its tools, or set CROSS= to the prefix of others')


def places(elf, addresses):
    """{address: [(function, 'file:line')]} of those that have a line. The last function is that of
    the code; those before it were inlined into it, innermost first."""
    said = subprocess.run([addr2line(check_elf(elf)), '-e', elf, '-a', '-i', '-f', *addresses],
                          capture_output=True, text=True, errors='replace', check=False)
    if said.returncode:
        raise Unusable(f'{elf}: {said.stderr.strip()}')
    found, key, lines = {}, None, said.stdout.splitlines()
    while lines:
        line = lines.pop(0)
        if re.fullmatch(r'0x[0-9a-f]+', line):
            key = int(line, 16)
        elif lines:
            place = re.sub(r' \(discriminator \d+\)$', '', lines.pop(0)).removeprefix('./')
            if not place.startswith('??'):
                found.setdefault(key, []).append((line, place))
    return found


def told(frames):
    """The place of one address: where the innermost function is, and where that was inlined."""
    text = frames[0][1]
    for (function, _), (_, place) in zip(frames, frames[1:]):
        text += f' ({function}, inlined at {place})'
    return text


def check_elf(elf):
    """The machine of an ELF file, or Unusable."""
    arch = check_image(elf)
    with open(elf, 'rb') as f:
        if f.read(4) != b'\x7fELF':
            beside = os.path.splitext(elf)[0] + '.elf'
            raise Unusable(f'{elf} is no ELF file; give {beside}')
    return arch


def lines_of(elf, lines):
    """The lines, each with its file and line behind it where it is a frame of a back trace.
    Unusable: the back trace is of another image."""
    matches = [FRAME.search(line) for line in lines]
    frames = {int(m[1], 16): m[2] for m in matches if m}
    known = places(elf, sorted(map(hex, frames))) if frames else {}
    agree = [at for at, inlined in known.items() if inlined[-1][0] == frames[at]]
    if frames and not agree:
        raise Unusable(f'{elf} is not the ELF file of the image that printed this back trace: '
                       f'there is no {next(iter(frames.values()))} at that address')
    return [line if not m or int(m[1], 16) not in known
            else f'{line.rstrip()}  {told(known[int(m[1], 16)])}'
            for line, m in zip(lines, matches)]
