# SPDX-License-Identifier: BSD-2-Clause
"""The machine around an image: memory in any number of pieces, the seed of the device tree."""
import re
import struct

import pytest

RAM = 0x40000000
BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9


def numa(sizes):
    """QEMU's options for a node of memory of each size; the first one has the CPU."""
    options = []
    for n, size in enumerate(sizes):
        options += ['-object', f'memory-backend-ram,id=m{n},size={size}K', '-numa',
                    f'node,memdev=m{n}' + (',cpus=0' if n == 0 else '')]
    return {'mem': f'{sum(sizes)}K', 'extra': options}


def heap_of(guest):
    """total, taken, taken again, the largest block, in KiB."""
    assert guest.wait(60) == 0
    assert not guest.seen('was changed'), guest.report()
    line, = guest.seen(r'machine: total')
    return [int(n) for n in re.findall(r'(\d+) KiB', line)]


@pytest.mark.parametrize('sizes', [
    [16384] * 9, [1200, 64336], [8192] * 60, [40000, 1200, 296, 90000],
], ids=['nine', 'across_the_image', 'sixty', 'uneven'])
def test_memory_of_numa_nodes(boot, sizes):
    """All nodes are used, as one piece: they touch each other."""
    total, taken, again, largest = heap_of(
        boot('machine', net='none', append='do=heap', **numa(sizes)))
    assert total == sum(sizes)
    assert taken > total - 4096 and again == taken and largest > total - 4096


def test_large_block(boot):
    """One block of more than 2 GiB."""
    largest = heap_of(boot('machine', net='none', mem='3500', append='do=heap size=100000000'))[3]
    assert largest > 3400 * 1024


# ---- the seed ----

def value_of(memory, name):
    """The value of a property in the device tree that lies in this memory, and its place."""
    tree = memory.index(struct.pack('>I', 0xd00dfeed))
    structure, strings = struct.unpack_from('>2I', memory, tree + 8)
    at = tree + structure
    while True:
        tag, = struct.unpack_from('>I', memory, at)
        at += 4
        if tag == BEGIN_NODE:
            at = (memory.index(b'\0', at) + 4) & ~3
        elif tag == PROP:
            length, name_at = struct.unpack_from('>2I', memory, at)
            at += 8
            if memory[tree + strings + name_at:].startswith(name + b'\0'):
                return memory[at:at + length], at
            at = (at + length + 3) & ~3
        elif tag == END:
            return None, 0


def dump(guest, path):
    guest.qmp('pmemsave', val=RAM, size=32 << 20, filename=str(path))
    return path.read_bytes()


@pytest.mark.parametrize('entropy', [0, 1])
def test_the_seed_does_not_stay_in_memory(boot, tmp_path, entropy):
    """Neither in the device tree nor in a copy, whether or not random bytes were asked for."""
    guest = boot('machine', net='none', mem='32', append=f'do=wait entropy={entropy}',
                 extra=['-S'])
    seed, place = value_of(dump(guest, tmp_path / 'before'), b'rng-seed')
    assert len(seed) == 32 and any(seed)
    guest.qmp('cont')
    guest.expect('vireo: ready')
    memory = dump(guest, tmp_path / 'after')
    assert memory[place:place + 32] == bytes(32)
    for part in range(0, 32, 8):
        assert seed[part:part + 8] not in memory
