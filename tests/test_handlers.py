# SPDX-License-Identifier: BSD-2-Clause
"""What interrupt handlers do, by the code of images: nothing that a handler can reach copies memory
or uses a vector register, which the vectors do not save.
"""
import glob
import os
import re
import shutil
import subprocess

import pytest

from conftest import TREE

SOURCES = ('platform/virt/*.c', 'drivers/virtio/*.c', 'drivers/virtio/*/*.c', 'drivers/pci/*.c')
# Who calls the functions of a table, and which: what a handler can reach beside what it names.
THROUGH = {'board_irq': (), 'irq_handle_all': ('mask',), 'hal_irq_mask': ('mask',),
           'storm_began': ('irq_mask',), 'virtio_irq_shared': ('irq_cause',),
           'virtq_disarm': ('disarm',), 'button_interrupt': ('mask',), 'uart_interrupt': ('mask',)}
ENDS = {'hal_panic', 'arch_fault', '__stack_chk_fail',     # the run is over: it may do all
        'hal_mmio_map'}                  # by the first line on the console, before any interrupt
COPIES = {'memcpy', 'memmove', 'memset', 'memcmp'}
OBJDUMPS = ('aarch64-linux-gnu-objdump', 'aarch64-none-elf-objdump')
IMAGES = ('httpd', 'blkcheck')


def sources():
    return '\n'.join(open(path).read() for pattern in SOURCES
                     for path in sorted(glob.glob(os.path.join(TREE, pattern))))


def handlers(text):
    """Names of functions that are attached to an interrupt."""
    names = set(re.findall(r'(?:hal_irq_attach|vpci_attach_vector)\([^;]*?(\w+_interrupt|'
                           r'virtio_irq_\w+)', text))
    return names | set(re.findall(r'\b(virtio_irq_\w+)\(void \*ctx\)\n\{', text))


def entries(text):
    """{member of a table: functions}."""
    found = {}
    for member, name in re.findall(r'\.(\w+) = (\w+)[,}]', text):
        found.setdefault(member, set()).add(name)
    return found


class Code:
    """The functions of an image, and which of them each names in a branch."""

    def __init__(self, elf):
        said = subprocess.run([next(filter(shutil.which, OBJDUMPS)), '-d', '--no-show-raw-insn',
                               elf], capture_output=True, text=True, check=True).stdout
        self.body = {}
        for name, body in re.findall(r'^[0-9a-f]+ <([^>]+)>:\n((?:.+\n)+)', said, re.M):
            name = re.sub(r'\.(constprop|part|isra|cold)[.\d]*', '', name)
            self.body[name] = self.body.get(name, '') + body

    def calls(self, name):
        named = re.findall(r'\tb(?:l|\.\w+)?\s+[0-9a-f]+ <([\w.]+)', self.body.get(name, ''))
        return {re.sub(r'\.(constprop|part|isra|cold)[.\d]*', '', n) for n in named} - {name}

    def through_tables(self, name):
        return re.search(r'\tbl?r\s+x\d', self.body.get(name, '').replace('\tret', ''))

    def vectors(self, name):
        """Instructions with a vector register."""
        return [line.split('\t', 1)[1] for line in self.body.get(name, '').splitlines()
                if re.search(r'[\s{,]([vqdsh])([12]?\d|3[01])(\.\w+)?([,\s}\[]|$)',
                             line.split('\t', 1)[-1].partition('//')[0])]

    def reached(self, roots, tables, through):
        """{function: by whom}, of all that the roots can reach before the run is over."""
        by, todo = {name: '' for name in roots if name in self.body}, list(roots)
        while todo:
            name = todo.pop()
            more = set().union(*(tables.get(m, set()) for m in through.get(name, ())))
            for called in sorted(self.calls(name) | more):
                if called not in by and called not in ENDS and \
                        (called in self.body or called in COPIES):
                    by[called] = name
                    todo.append(called)
        return by


def way(by, name):
    steps = [name]
    while by.get(steps[-1]):
        steps.append(by[steps[-1]])
    return ' <- '.join(steps)


@pytest.mark.parametrize('app', IMAGES)
def test_handlers_neither_copy_nor_use_vectors(built, app):
    text = sources()
    code = Code(built(app, 'elf'))
    roots = handlers(text) | {'board_irq'}
    assert {'virtio_irq_shared', 'virtio_irq_queue', 'timer_interrupt', 'board_irq'} <= roots
    by = code.reached(roots, entries(text), THROUGH)
    assert {'virtq_disarm', 'hal_service_wake', 'split_disarm', 'virtio_mmio_irq_cause'} <= set(by)
    assert not [way(by, name) for name in by if name in COPIES]
    assert not [f'{way(by, name)}: {code.vectors(name)[0]}' for name in by if code.vectors(name)]
    unknown = [name for name in by if code.through_tables(name) and name not in THROUGH]
    assert not unknown, f'name in THROUGH what these call through tables: {unknown}'


def test_it_would_be_seen(built):
    """A service, which may copy, by the same means."""
    code = Code(built('httpd', 'elf'))
    by = code.reached({'vnet_service'}, {}, {})
    assert 'memcpy' in by and code.vectors('memcpy')
