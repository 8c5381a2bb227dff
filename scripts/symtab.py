#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""symtab.py - the table of function names that back traces read, made from a linked image.

  symtab.py NM IMAGE.elf OUT.S           writes the table as assembly, in section vireo_symtab
  symtab.py NM IMAGE.elf OUT.S --check   fails when IMAGE's functions are not where OUT.S says
  symtab.py --size SIZE IMAGE.elf IMAGE.img   prints one line with an image's sizes

platform/arch/symbols.c says how the table is laid out.
"""
import os
import re
import subprocess
import sys

# Branches that the linker makes, between A32 and T32 code, to what is far, and around errata of a
# CPU: their order and their names differ between two links.
STUB = re.compile(r'__\w+_(from_arm|from_thumb|veneer)|e\d+@\w+')


def functions(nm, elf):
    """[(offset, name)] of the code symbols, one an address, in order."""
    output = subprocess.run([nm, '--defined-only', elf], check=True, capture_output=True,
                            text=True).stdout
    start, found = None, {}
    for line in output.splitlines():
        address, kind, name = (line.split(maxsplit=2) + [''])[:3]
        if name == '__image_start':
            start = int(address, 16)
        # $x and $d mark code and data for disassemblers; a strong name is preferred to a weak one.
        if not name or STUB.fullmatch(name):
            continue
        if kind in 'tTwW' and name[0] != '$' and not name.startswith('__image_'):
            rank = ('TtWw'.index(kind), name)
            at = int(address, 16)
            if at not in found or rank < found[at]:
                found[at] = rank
    if start is None:
        sys.exit(f'symtab: {elf} has no symbol __image_start')
    end = max((at for at in found), default=start)
    if end - start >> 32:
        sys.exit(f'symtab: {elf} spans more than 4 GiB')
    return [(at - start, found[at][1]) for at in sorted(found) if at >= start]


def entry(distance, before, name):
    """The bytes of a function in the table: the function before it lies `distance` bytes away."""
    data = []
    while distance > 0x7f:
        data.append(distance & 0x7f | 0x80)
        distance >>= 7
    shared = len(os.path.commonprefix([before[:-1], name[:-1]]))
    rest = name[min(shared, 255):].encode('ascii', 'replace')
    return [*data, distance, min(shared, 255), *rest[:-1], rest[-1] | 0x80]


def assembly(table):
    """The table as assembler source."""
    lines = ['    .section vireo_symtab, "a"', '    .balign 8']
    before, at = '', 0
    for offset, name in table:
        data = entry(offset - at, before, name)
        lines.append(f'    .byte {", ".join(map(str, data))}')
        before, at = name, offset
    note = '    .section .note.GNU-stack, "", %progbits'
    return '\n'.join([*lines, note]) + '\n'


def size_line(size, elf, image):
    """build/aarch64/hello.img: 40,960 bytes (40 KiB); code ..., data ..., zeroed ..."""
    row = subprocess.run([size, elf], check=True, capture_output=True, text=True).stdout
    text, data, bss = (int(n) for n in row.splitlines()[1].split()[:3])
    length = os.path.getsize(image)
    return (f'{image}: {length:,} bytes ({-(-length // 1024)} KiB); '
            f'code and constants {text:,}, data {data:,}, zeroed {bss:,}')


def main(arguments):
    if arguments[:1] == ['--size'] and len(arguments) == 4:
        print(size_line(*arguments[1:]))
        return 0
    check = arguments[3:] == ['--check']
    if len(arguments) != 3 and not check:
        sys.exit(__doc__)
    nm, elf, out = arguments[:3]
    source = assembly(functions(nm, elf))
    if check:
        with open(out) as f:
            if f.read() != source:
                sys.exit(f'symtab: functions of {elf} moved between the two links: the linker '
                         'script must put vireo_symtab behind the code')
    else:
        with open(out, 'w') as f:
            f.write(source)
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
