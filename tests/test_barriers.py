# SPDX-License-Identifier: BSD-2-Clause
"""The code of the ordering verbs of platform/arch/*/hal_arch.h: which barrier, on which side of the
access. On this machine no run shows a missing barrier; the generated code does.
"""
import os
import re
import shutil
import subprocess

import pytest

from conftest import TREE

COMPILERS = {'aarch64': ('aarch64-linux-gnu-', 'aarch64-none-elf-'), 'arm': ('arm-none-eabi-',)}
FLAGS = {'aarch64': [], 'arm': ['-mcpu=cortex-a15', '-mthumb', '-mfloat-abi=hard']}

# verb -> its barrier (or two: among processors, and with ORDER_PLATFORM), and whether the access
# stands before or after the barrier, or is none
VERBS = {
    'aarch64': {
        'publish16': ('ishst', 'oshst', 'after'), 'observe16': ('ishld', 'oshld', 'before'),
        'check16': ('ish', 'osh', 'after'), 'check32': ('ish', 'osh', 'after'),
        'write8_sync': ('oshst', 'after'), 'write16_sync': ('oshst', 'after'),
        'write32_sync': ('oshst', 'after'),
        'read8_sync': ('oshld', 'before'), 'read32_sync': ('oshld', 'before'),
        'ack_order': ('osh', 'alone'),
    },
}
# ARMv7 has no barriers for loads alone.
VERBS['arm'] = {verb: tuple(word.removesuffix('ld') for word in expected)
                for verb, expected in VERBS['aarch64'].items()}


def call_of(verb, platform):
    """A function that uses the verb once and does nothing else."""
    bits = (re.search(r'\d+', verb) or [''])[0]
    name = f'use_{verb}_{platform}'
    word = f'uint{bits}_t'
    if verb.startswith('publish'):
        return f'void {name}({word} *p, {word} v) {{ hal_{verb}(p, v, {platform}); }}'
    if verb.startswith(('observe', 'check')):
        return f'{word} {name}({word} *p) {{ return hal_{verb}(p, {platform}); }}'
    if verb.startswith('write'):
        return f'void {name}(hal_mmio_t a, {word} v) {{ hal_{verb}(a, v); }}'
    if verb.startswith('read'):
        return f'{word} {name}(hal_mmio_t a) {{ return hal_{verb}(a); }}'
    return f'void {name}(void) {{ hal_{verb}(); }}'


@pytest.fixture(scope='module')
def code(tmp_path_factory):
    """code(arch) -> {function: steps}, each step 'dmb ish' (or another domain) or 'access'."""
    def compiled(arch):
        prefix = next((p for p in COMPILERS[arch] if shutil.which(p + 'gcc')), None)
        assert prefix, f'no compiler for {arch}: make setup'
        where = tmp_path_factory.mktemp(arch)
        source = ['#include <stdbool.h>', '#include "hal_arch.h"']
        for verb, expected in VERBS[arch].items():
            source += [call_of(verb, p) for p in (('0', '1') if len(expected) == 3 else ('0',))]
        (where / 'verbs.c').write_text('\n'.join(source) + '\n')
        include = os.path.join(TREE, 'platform', 'arch', arch)
        subprocess.run([prefix + 'gcc', '-std=gnu11', '-O2', '-ffreestanding', *FLAGS[arch],
                        '-I', include, '-I', os.path.dirname(include), '-c', where / 'verbs.c',
                        '-o', where / 'verbs.o'], check=True)
        dump = subprocess.run([prefix + 'objdump', '-d', '--no-show-raw-insn', where / 'verbs.o'],
                              capture_output=True, text=True, check=True).stdout
        return dict(functions(dump))
    return compiled


def functions(dump):
    for name, body in re.findall(r'^[0-9a-f]+ <(\w+)>:\n((?:.+\n)+)', dump, re.M):
        steps = []
        for line in body.splitlines():
            words = line.split(':', 1)[1].split()
            if words[0] == 'dmb':
                steps.append(f'dmb {words[1]}')
            elif words[0].startswith(('ldr', 'str')):
                steps.append('access')
        yield name, steps


@pytest.mark.parametrize('arch', VERBS)
@pytest.mark.shows('FEAT-19', 'SPLIT-25', 'SPLIT-26', 'SPLIT-28')
def test_verbs(code, arch):
    compiled = code(arch)
    for verb, expected in VERBS[arch].items():
        for platform, barrier in enumerate(expected[:-1]):
            steps = {'after': [f'dmb {barrier}', 'access'], 'before': ['access', f'dmb {barrier}'],
                     'alone': [f'dmb {barrier}']}[expected[-1]]
            assert compiled[f'use_{verb}_{platform}'] == steps, verb
