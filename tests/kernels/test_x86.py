# SPDX-License-Identifier: BSD-2-Clause
"""kernels/x86_64 on QEMU's microvm (virtio-mmio) and q35 (PCI)."""
import pytest

import boards

# The status of isa-debug-exit is odd: kernels/x86_64/machine.c.
PASSED, FAILED = 33, 35


@pytest.fixture
def run(builder, tmp_path):
    """run(transport, ring, words, more) -> a Run, and the disk's file."""
    def start(transport, ring, words='', more='', drive=''):
        disk = boards.new_disk(tmp_path)
        # Without ACPI microvm names its windows in the words of the boot.
        board = 'q35' if transport.startswith('pci') else 'microvm,acpi=off'
        machine = ['-M', board, '-m', '64', '-nodefaults', '-kernel',
                   boards.build(builder, 'x86_64'),
                   '-device', 'isa-debug-exit,iobase=0xf4,iosize=4']
        return boards.QemuRun('qemu-system-x86_64', machine, tmp_path,
                          boards.devices(transport, ring, disk + drive, more), words), disk

    return start


@pytest.mark.parametrize('wakeup', ['interrupt', 'polled'])
@pytest.mark.parametrize('transport, ring', boards.CELLS)
def test_disk_and_card(run, transport, ring, wakeup):
    done, disk = run(transport, ring, 'vireo.poll=1' if wakeup == 'polled' else '')
    if wakeup == 'interrupt':
        wakeup = 'msi-x' if transport.startswith('pci') else 'irq'
    assert boards.drives_both(done, boards.name_of(transport), ring, wakeup, PASSED)
    assert boards.written(disk)


@pytest.mark.parametrize('transport', ['pci', 'pci-legacy'])
def test_functions_without_messages(run, transport):
    """INTx, through the I/O APIC."""
    done, _ = run(transport, 'split', more=',vectors=0')
    assert boards.drives_both(done, transport, 'split', 'intx', PASSED)


def test_a_failure_reaches_the_exit_status(run):
    done, _ = run('mmio', 'split', drive=',readonly=on')
    assert done.status == FAILED and 'check: failed' in done.said
