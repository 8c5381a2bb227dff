# SPDX-License-Identifier: BSD-2-Clause
"""Faults: each is told on the serial line with its cause, the registers and a back trace that names
functions, and ends the run with a failing status.
"""
import re

import pytest

FAILED = 134               # as a shell shows a program that aborted

FAULTS = {
    'null-write': (r'write at 0x0\b.*null pointer', ['write_to', 'second_level', 'first_level',
                                                     'main']),
    'null-read': (r'read at 0x8\b.*null pointer', ['read_from', 'main']),
    'null-call': (r'(execution|instruction).* 0x0\b', ['main']),
    'wild-write': (r'write at 0xdead00000000', ['write_to', 'second_level', 'first_level', 'main']),
    'code-write': (r'write at 0x[0-9a-f]+: permission', ['write_to', 'second_level', 'main']),
    'constant-write': (r'write at 0x[0-9a-f]+: permission', ['write_to', 'second_level', 'main']),
    'data-exec': (r'execution at 0x[0-9a-f]+: permission', ['main']),
    'heap-exec': (r'execution at 0x[0-9a-f]+: permission', ['main']),
    'stack-exec': (r'execution at 0x[0-9a-f]+: permission', ['main']),
    'stack-overflow': (r'stack overflow in task main', ['use_stack']),
    'task-stack-overflow': (r'stack overflow in task deep', ['use_stack']),
}
PANICS = {
    'panic': (r'panic in task main: a panic with 42 and text', ['main']),
    'assert': (r'ends/main\.c:\d+: assertion failed: nowhere == 1', ['main']),
    'assert-libc': (r'ends/main\.c:\d+: \w+: Assertion `nowhere == 1\' failed\.', ['main']),
    'abort': (r'abort', ['main']),
    'stack-smash': (r'stack smashed', ['smash', 'main']),
}


def trace_of(guest):
    """The functions of the back trace, innermost first."""
    lines = guest.text.split('back trace:')[1].splitlines()
    return [m[1] for m in (re.match(r'\s+0x[0-9a-f]+ (\w+)\+0x', line) for line in lines) if m]


def assert_in_order(names, trace):
    at = 0
    for name in names:
        assert name in trace[at:], f'{name} is not in {trace}'
        at = trace.index(name, at)


@pytest.mark.parametrize('how', FAULTS)
def test_fault(boot, how):
    cause, names = FAULTS[how]
    guest = boot('ends', append=f'end={how}', net='none')
    assert guest.wait() == FAILED
    assert guest.seen('fault.*' + cause), guest.report()
    for register in ('x0', 'x30', 'pc', 'sp', 'esr', 'far'):
        assert guest.seen(rf'\b{register}\s+0x[0-9a-f]+'), register
    assert_in_order(names, trace_of(guest))
    assert guest.lines[-1][1] == f'vireo: exit {FAILED}'


@pytest.mark.parametrize('how', PANICS)
def test_panic(boot, how):
    cause, names = PANICS[how]
    guest = boot('ends', append=f'end={how}', net='none')
    assert guest.wait() == FAILED
    assert guest.seen(cause), guest.report()
    assert_in_order(names, trace_of(guest))
    assert guest.lines[-1][1] == f'vireo: exit {FAILED}'


def test_undefined_instruction(boot):
    guest = boot('ends', append='end=undefined', net='none')
    assert guest.wait() == FAILED
    assert guest.seen('fault in task main') and 'main' in trace_of(guest)


def test_report_is_written_once(boot):
    guest = boot('ends', append='end=null-write', net='none')
    guest.wait()
    assert len(guest.seen('fault in task')) == 1 and len(guest.seen('^vireo: exit')) == 1


@pytest.mark.parametrize('machine, kind', [('virtualization=on', 'img'), ('secure=on', 'img'),
                                           ('virtualization=on,secure=on', 'elf')])
def test_fault_in_other_exception_levels(boot, machine, kind):
    guest = boot('ends', append='end=null-write', net='none', kind=kind,
                 extra=['-machine', machine])
    assert guest.wait() == FAILED
    assert_in_order(['write_to', 'main'], trace_of(guest))


def test_fault_without_semihosting(boot, built):
    guest = boot.raw(['-M', 'virt', '-cpu', 'cortex-a72', '-nographic', '-nic', 'none', '-kernel',
                      built('ends'), '-append', 'end=null-write'], image=built('ends'))
    guest.wait()
    assert guest.lines[-1][1] == f'vireo: exit {FAILED}'
