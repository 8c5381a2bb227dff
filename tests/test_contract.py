# SPDX-License-Identifier: BSD-2-Clause
"""What drivers/hal.h promises to a port holds: which functions which drivers refer to, messages that
are left out at compile time, options that only the port names, and the version.
"""
import os
import re
import subprocess

import pytest

from conftest import TREE
from test_source import text_of, tracked

HAL = 'drivers/hal.h'


# ---- messages ----

def messages(name):
    """(level, the beginning of the text) of the messages of a file whose level is a constant."""
    for level, text in re.findall(r'hal_log\(\s*(HAL_[A-Z]+),[^"]*?"([^"\\%]{8,})', text_of(name)):
        yield level, text.encode()


LEVELS = ['HAL_ERROR', 'HAL_WARN', 'HAL_INFO', 'HAL_DEBUG']
TALKATIVE = ['drivers/virtio/recover.c', 'drivers/virtio/wakeup.c', 'drivers/block/vblk.c',
             'drivers/net/vnet.c']


@pytest.mark.parametrize('last', [-1, 1, 3])
def test_messages_of_higher_levels_are_not_compiled(tmp_path, last):
    seen = set()
    for name in TALKATIVE:
        out = tmp_path / 'object.o'
        subprocess.run(['gcc', '-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-ffreestanding',
                        '-Iplatform/host', '-Idrivers', '-c', name, '-o', out,
                        f'-DHAL_LOG_LEVEL={LEVELS[last] if last >= 0 else -1}'],
                       cwd=TREE, check=True)
        data = out.read_bytes()
        for level, text in messages(name):
            assert (text in data) == (LEVELS.index(level) <= last), (name, level, text)
            seen.add(level)
    assert seen >= {'HAL_ERROR', 'HAL_WARN', 'HAL_INFO'}


# ---- options ----

def test_drivers_name_no_boot_argument():
    """The port says how options are named: HAL_OPTION of its hal_arch.h."""
    found = [f'{name}: {match[0]}' for name in tracked() if name.startswith('drivers/')
             for match in re.finditer(r'\bvireo\.(?!h\b)[a-z<%]\S*', text_of(name))]
    assert not found, found
    assert all('HAL_OPTION "vireo.%s.%s"' in text_of(f'platform/{where}/hal_arch.h')
               for where in ('arch/aarch64', 'arch/arm', 'host'))
