# SPDX-License-Identifier: BSD-2-Clause
"""kernels/riscv64 on QEMU's virt machine without firmware, for harts of 64 and of 32 bits."""
import pytest

import boards

BITS = ['riscv64', 'riscv32']


@pytest.fixture
def run(builder, tmp_path):
    """run(name, transport, ring, words, ...) -> a Run, and the disk's file."""
    def start(name, transport, ring, words='', options='', drive=''):
        disk = boards.new_disk(tmp_path)
        machine = ['-M', f'virt{options}', '-m', '64', '-bios', 'none', '-kernel',
                   boards.build(builder, name)]
        return boards.QemuRun(f'qemu-system-{name}', machine, tmp_path,
                          boards.devices(transport, ring, disk + drive), words), disk

    return start


@pytest.mark.parametrize('wakeup', ['interrupt', 'polled'])
@pytest.mark.parametrize('transport, ring', boards.CELLS)
@pytest.mark.parametrize('name', BITS)
def test_disk_and_card(run, name, transport, ring, wakeup):
    done, disk = run(name, transport, ring, 'vireo.poll=1' if wakeup == 'polled' else '')
    if wakeup == 'interrupt':
        wakeup = 'intx' if transport.startswith('pci') else 'irq'
    assert boards.drives_both(done, boards.name_of(transport), ring, wakeup)
    assert boards.written(disk)


@pytest.mark.parametrize('ring', ['split', 'packed'])
@pytest.mark.parametrize('name', BITS)
def test_messages_through_the_imsic(run, name, ring):
    """MSI-X, where the machine has interrupt files in place of the PLIC."""
    done, _ = run(name, 'pci', ring, options=',aia=aplic-imsic')
    assert boards.drives_both(done, 'pci', ring, 'msi-x')


def test_a_window_without_a_line_is_polled(run):
    """A negative line (hal_virtio_mmio): this kernel has none for windows beside the IMSIC."""
    done, _ = run('riscv64', 'mmio', 'split', options=',aia=aplic-imsic')
    assert boards.drives_both(done, 'mmio', 'split', 'polled')


def test_options_reach_the_drivers(run):
    done, _ = run('riscv64', 'mmio', 'split', 'vireo.vblk0.poll=1 vireo.vnet0.qsize=4')
    assert done.passed()
    assert done.check('blk')[2] == 'polled' and done.check('net')[2] == 'irq'


def test_a_failure_reaches_the_exit_status(run):
    """A disk that cannot be written: the checks can fail, and the status tells it."""
    done, _ = run('riscv64', 'mmio', 'split', drive=',readonly=on')
    assert done.status == 1 and 'check: failed' in done.said
    assert done.check('blk')[3]['result'] == '-30'                   # -EROFS
    assert done.check('net')[3]['answers'] == '20'
