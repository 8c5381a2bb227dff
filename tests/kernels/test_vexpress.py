# SPDX-License-Identifier: BSD-2-Clause
"""kernels/vexpress on QEMU's vexpress-a15: 32-bit Arm on another board than virt."""
import pytest

import boards


@pytest.fixture
def run(builder, tmp_path):
    """run(transport, ring, words) -> a Run, and the disk's file."""
    def start(transport, ring, words='', drive=''):
        disk = boards.new_disk(tmp_path)
        machine = ['-M', 'vexpress-a15', '-m', '64', '-semihosting-config',
                   'enable=on,target=native', '-kernel', boards.build(builder, 'vexpress')]
        return boards.QemuRun('qemu-system-arm', machine, tmp_path,
                          boards.devices(transport, ring, disk + drive), words), disk

    return start


@pytest.mark.parametrize('wakeup', ['irq', 'polled'])
@pytest.mark.parametrize('transport, ring', boards.CELLS[:3])
def test_disk_and_card(run, transport, ring, wakeup):
    done, disk = run(transport, ring, 'vireo.poll=1' if wakeup == 'polled' else '')
    assert boards.drives_both(done, transport, ring, wakeup)
    assert boards.written(disk)


def test_a_failure_reaches_the_exit_status(run):
    done, _ = run('mmio', 'split', drive=',readonly=on')
    assert done.status == 1 and 'check: failed' in done.said
