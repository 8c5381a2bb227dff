# SPDX-License-Identifier: BSD-2-Clause
"""Appliances that look at the runtime and the C library from inside: time, tasks, memory."""
import re
import time

import pytest

from test_net import checks_end


@pytest.mark.parametrize('app', ['clock', 'tasks'])
@pytest.mark.parametrize('cpu', ['cortex-a72', 'max'])
def test_checks_inside(boot, app, cpu):
    guest = boot(app, net='none', cpu=cpu)
    checks_end(guest, 60)


CPUS = pytest.mark.parametrize('arch, cpu', [('aarch64', 'cortex-a72'), ('arm', 'cortex-a15')])


@CPUS
def test_values(boot, arch, cpu):
    checks_end(boot('values', net='none', arch=arch, cpu=cpu), 60)


@CPUS
def test_formats_fit_their_types(boot, arch, cpu):
    """The compiler holds the formats against the types (-Werror=format), the image its output."""
    checks_end(boot('formats', net='none', arch=arch, cpu=cpu), 60)


@CPUS
def test_thread_local_variables(boot, arch, cpu):
    checks_end(boot('threadlocal', net='none', arch=arch, cpu=cpu), 60)


def test_the_clock_is_the_hosts(boot):
    """The image reads its clock after QEMU's start, and before its line is here."""
    before = time.time()
    guest = boot('clock', net='none')
    told = int(guest.expect(r'^clock: unix=(\d+)')[1])
    assert before - 2 <= told <= time.time() + 2


@pytest.mark.parametrize('mem', ['8', '64', '1G'])
def test_all_memory_can_be_used(boot, mem):
    guest = boot('hog', net='none', mem=mem)
    checks_end(guest, 60)
    got = int(re.search(r'hog: KiB=(\d+)', guest.text)[1])
    asked = 1 << 20 if mem == '1G' else int(mem) << 10
    assert got > asked * 0.75 - 2048, f'{got} KiB of {asked}'
