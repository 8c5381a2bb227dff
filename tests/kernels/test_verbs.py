# SPDX-License-Identifier: BSD-2-Clause
"""The code of the ordering verbs of kernels/*/hal_arch.h: which fence, on which side of the access,
as tests/test_barriers.py has it for the appliances' CPUs.
"""
import os
import re
import subprocess

import pytest

import boards
from conftest import TREE
from test_barriers import call_of

RING = ('publish16', 'observe16', 'check16', 'check32', 'ack_order')
REGISTERS = ('read8_sync', 'read32_sync', 'write8_sync', 'write16_sync', 'write32_sync')

# verb, without its width -> steps
RISCV = {'publish': ['fence w,w', 'access'], 'observe': ['access', 'fence r,rw'],
         'check': ['fence rw,rw', 'access'], 'ack_order': ['fence io,rw'],
         'read': ['access', 'fence i,rw'], 'write': ['fence rw,o', 'access']}
X86 = {'publish': ['access'], 'observe': ['access'], 'check': ['lock orl', 'access'],
       'ack_order': ['lock orl']}
# Folder -> (compiler's prefix, flags, verbs, steps). On x86 an accessor chooses between memory and
# ports, so its code has branches and is not compared.
CPUS = {
    'riscv64': ('riscv64-unknown-elf-', ['-march=rv64imac', '-mabi=lp64'], RING + REGISTERS, RISCV),
    'riscv32': ('riscv64-unknown-elf-', ['-march=rv32imac', '-mabi=ilp32'], RING + REGISTERS,
                RISCV),
    'x86_64': ('x86_64-linux-gnu-', ['-fcf-protection=none', '-fno-pic'], RING, X86),
}
ACCESS = re.compile(r'(?:lw|lhu|lbu|sw|sh|sb)\s|mov\w*\s.*\(')


def steps_of(body):
    """Fences and accesses of a function, in order; its own frame and return are none."""
    for line in body.splitlines():
        words = ' '.join(line.split(':', 1)[1].split())
        if words.startswith(('fence ', 'lock ')):
            yield ' '.join(words.split()[:2])
        elif ACCESS.match(words):
            yield 'access'


@pytest.mark.parametrize('cpu', CPUS)
def test_verbs(cpu, builder, tmp_path):
    prefix, flags, verbs, expected = CPUS[cpu]
    boards.build(builder, cpu)                           # so that the compiler is here
    source = tmp_path / 'verbs.c'
    source.write_text('\n'.join(['#include <stdbool.h>', '#include "hal_arch.h"',
                                 *(call_of(verb, '0') for verb in verbs)]) + '\n')
    folder = os.path.join(TREE, 'kernels', cpu.replace('32', '64') if 'riscv' in cpu else cpu)
    subprocess.run([prefix + 'gcc', '-std=gnu11', '-O2', '-ffreestanding', *flags, '-I', folder,
                    '-c', source, '-o', tmp_path / 'verbs.o'], check=True)
    dump = subprocess.run([prefix + 'objdump', '-d', '--no-show-raw-insn', tmp_path / 'verbs.o'],
                          capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r'^[0-9a-f]+ <use_(\w+)_0>:\n((?:.+\n)+)', dump, re.M))
    assert set(found) == set(verbs)
    for verb in verbs:
        kind = verb if verb == 'ack_order' else re.match('[a-z]+', verb)[0]
        assert list(steps_of(found[verb])) == expected[kind], f'{verb}:\n{found[verb]}'
