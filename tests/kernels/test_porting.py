# SPDX-License-Identifier: BSD-2-Clause
"""docs/porting.md: its commands work as they stand there; the sizes, the memory and the functions
are those of the drivers.
"""
import os
import re
import shutil
import subprocess
import time

import pytest

import boards
from conftest import TREE
from test_docs import pieces, spoken, squeezed
from test_guides import page
from test_source import text_of
from vireolib.guest import PATIENCE

PAGE = page('porting')
EXAMPLE = os.path.join(TREE, 'tests', 'porting')
PORT = ['hal_arch.h', 'start.S', 'link.ld', 'port.c']    # what a machine supplies
COMPILER, TOLERANCE, ELSEWHERE = '12', 0.03, 0.10        # the page has the bytes of gcc 12


def command(begin):
    """An indented command of the page, with the lines that it continues on."""
    found = re.search(rf'^    ({re.escape(begin)} (?:.*\\\n)*.*)\n', PAGE, re.M)
    assert found, begin
    return found[1]


COMPILE = command('riscv64-unknown-elf-gcc')


def shell(folder, line):
    result = subprocess.run(['sh', '-ec', line], cwd=folder, capture_output=True, text=True,
                            stdin=subprocess.DEVNULL, timeout=60 * PATIENCE)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.fixture(scope='module')
def folder(builder, tmp_path_factory):
    """A port as the page says, and a disk."""
    boards.build(builder, 'riscv64')                 # so that the compiler is here
    path = tmp_path_factory.mktemp('porting') / 'myport'
    builder('amalgamation', f'OUT={path}')
    shutil.copytree(EXAMPLE, path, dirs_exist_ok=True)
    for line in ('echo', 'truncate'):
        shell(path, command(line))
    return path


def test_the_commands_lead_to_a_block_and_an_answer(folder):
    assert 'warning:' not in shell(folder, COMPILE + ' -Wall -Wextra -Wl,--no-warn-rwx-segments')
    said = shell(folder, command('qemu-system-riscv64'))
    expected = re.search(r'^The lines that count.*?\n\n(.*?)\n\n', PAGE, re.M | re.S)[1]
    for line in expected.split('\n'):
        assert line.strip() in said, said


def longer(folder, name, *change):
    """What the longer checks of section 5 say, and the seconds that they took."""
    source = (folder / 'port.c').read_text().replace(*change)
    (folder / f'{name}.c').write_text(source.replace(
        'port_check();', '{\n        port_check();\n        port_check_clock();\n'
        '        port_check_writes(300);\n    }'))
    shell(folder, COMPILE.replace('port.c', f'{name}.c').replace('port.elf', f'{name}.elf'))
    began = time.monotonic()
    said = shell(folder, command('qemu-system-riscv64').replace('port.elf', f'{name}.elf'))
    return said, time.monotonic() - began


def test_the_longer_checks(folder):
    said, seconds = longer(folder, 'longer', '', '')
    assert 'check: writes ended with 0 after ms: ' in said and seconds >= 3, said
    last = chr(299 % 95 + ord(' ')).encode()
    assert (folder / 'disk.img').read_bytes()[-1024:] == bytes(512) + last * 512


def test_results_are_the_numbers_of_the_header():
    header = text_of('drivers/hal_errno.h')
    rows = re.findall(r'^\| `-(E\w+)` \| -(\d+) \|', PAGE, re.M)
    assert len(rows) == 5
    assert not [name for name, n in rows if f'#define {name} {n}\n' not in header]


def test_a_clock_that_is_too_fast(folder):
    """As the table of symptoms says."""
    said, _ = longer(folder, 'fast', 'ticks * 100;', 'ticks * 400000000;')
    assert 'is broken: a request was not completed in time' in said, said


def test_a_modern_device_with_packed_rings(folder):
    shell(folder, COMPILE)
    said = shell(folder, command('qemu-system-riscv64').replace('drive=d', 'drive=d,packed=on') +
                 ' -global virtio-mmio.force-legacy=false')
    assert 'ring_packed' in said and 'check: sector 0: the first sector' in said


def test_pci(folder):
    """The piece of the page for a PCI host, beside the windows."""
    source = (folder / 'port.c').read_text()
    (folder / 'both.c').write_text(source.replace(
        'port_check();', '{\n        void port_attach_pci(void);\n'
        '        port_attach_pci();\n        port_check();\n    }'))
    shell(folder, COMPILE.replace('port.c', 'both.c pci.c').replace('port.elf', 'both.elf') +
          ' -DVIREO_PCI=1')
    said = shell(folder, command('qemu-system-riscv64').replace('port.elf', 'both.elf')
                 .replace('-blk-device', '-blk-pci').replace('-net-device', '-net-pci'))
    assert 'vblk0: pci, polled' in said and 'check: sector 0: the first sector' in said
    assert 'check: 10.0.2.2 is at ' in said


def by_interrupt(folder, line):
    """What a hundred reads say with the page's changes, and this line for window i."""
    source = (folder / 'port.c').read_text().replace('0x1000, -1}', f'0x1000, (hal_irq_t){line}}}')
    source = source.replace('    vireo_log_to', '    void port_interrupts(void);\n'
                            '    port_interrupts();\n    vireo_log_to')
    (folder / 'lines.c').write_text(source.replace(
        'port_check();', 'for (int n = 0; n < 100; n++)\n        port_check();'))
    shell(folder, COMPILE.replace('port.c', 'lines.c irq.c').replace('port.elf', 'lines.elf'))
    run = command('qemu-system-riscv64').replace('port.elf', 'lines.elf').partition(' -netdev')[0]
    said = shell(folder, run.rstrip(' \\\n'))
    assert 'vblk0: mmio-legacy, irq' in said
    assert said.count('check: sector 0: the first sector') == 100, said
    return said


def test_interrupts(folder):
    assert 'by the tick alone' not in by_interrupt(folder, 'i + 1')


def test_a_wrong_line_is_told_of(folder):
    assert 'by the tick alone: is interrupt 9 (irq) wired?' in by_interrupt(folder, 'i + 2')


def test_the_port_has_at_most_a_hundred_lines():
    lines = sum(text_of(f'tests/porting/{name}').count('\n') for name in PORT)
    assert lines <= 100 and f'{lines} lines together' in PAGE


def test_the_header_of_x86_fits_32_bits(folder, tmp_path):
    shutil.copy(os.path.join(TREE, 'kernels', 'x86_64', 'hal_arch.h'), tmp_path)
    shutil.copy(folder / 'vireo-drivers.h', tmp_path)
    (tmp_path / 'verbs.c').write_text('#include "vireo-drivers.h"\n'
                                      'uint16_t see(const uint16_t *p);\n'
                                      'uint16_t see(const uint16_t *p)\n'
                                      '{\n    return hal_check16(p, false);\n}\n')
    shell(tmp_path, 'x86_64-linux-gnu-gcc -m32 -mgeneral-regs-only -std=gnu11 -O2 -Wall -Wextra '
                    '-Werror -ffreestanding -c verbs.c')


def test_symptoms_quote_messages_of_the_sources():
    """First column of section 5: what is in backquotes is a message, or a linker's."""
    table = PAGE.partition('## 5. What goes wrong first')[2].partition('## 6.')[0]
    quoted = [text for row in re.findall(r'^\| (.+?) \| .+ \|$', table, re.M)
              if 'undefined reference' not in row for text in re.findall('`([^`]+)`', row)]
    sources = spoken()
    assert len(quoted) >= 10
    parts = [part for text in quoted for part in text.split(': ')]
    assert not [part for part in parts if not all(p in sources for p in pieces(part))]


# ---- machines ----

MACHINES = [(cpu, machine, *numbers) for cpus, machine, *numbers in re.findall(
    r'^\| ([\w, ]+) \| `([\w-]+)` \| `(0x\w+)` \| `(0x\w+)` \| (\d+) \| `0x\w+` \|$', PAGE, re.M)
    for cpu in cpus.split(', ')]


@pytest.mark.parametrize('cpu, machine, first, distance, number', MACHINES)
def test_windows_of_a_machine(tmp_path, cpu, machine, first, distance, number):
    program = f'qemu-system-{cpu}'
    if not shutil.which(program):
        pytest.skip(f'no {program} on this system')
    bios = '-bios none' if cpu.startswith('riscv') else ''
    said = shell(tmp_path, f'(echo info mtree; echo quit) | {program} -M {machine} {bios} '
                           '-net none -serial none -parallel none -display none '
                           '-monitor stdio 2>&1')
    found = sorted({int(at, 16) for at in re.findall(
        r'^ +0*(\w+)-\w+ \(prio 0, i/o\): virtio-mmio$', said, re.M)})
    step = int(distance, 16)
    assert found == [int(first, 16) + n * step for n in range(int(number))], said


# ---- size ----

SIZES = re.findall(r'^\| (\w.+?) \| (`.*`|) ?\| (\d+) \|$', PAGE.partition('## 6. Size')[2]
                   .partition('## 7.')[0], re.M)


def driver_bytes(folder, switches):
    """Code, constants and initialised data that the linker took of the one file."""
    options = ' '.join([COMPILE.replace('port.elf', 'size.elf'), switches])
    alone = re.sub(r'start\.S.*?-o', 'vireo-drivers.c -c -o', options, flags=re.S)
    shell(folder, alone.replace('size.elf', 'drivers.o').replace('-T link.ld', ''))
    shell(folder, options.replace('vireo-drivers.c', 'drivers.o') + ' -Wl,-Map=size.map')
    text = (folder / 'size.map').read_text().partition('Linker script and memory map')[2]
    return sum(int(size, 16) for size in re.findall(
        r'^ \.(?:text|s?rodata|s?data)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+) drivers\.o$', text, re.M))


@pytest.mark.parametrize('what, switches, size', SIZES, ids=[row[0] for row in SIZES])
def test_size(folder, what, switches, size):
    version = shell(folder, 'riscv64-unknown-elf-gcc -dumpversion')
    there = driver_bytes(folder, switches.strip('`'))
    tolerance = TOLERANCE if version.startswith(COMPILER + '.') else ELSEWHERE
    assert int(size) == pytest.approx(there, rel=tolerance), f'{what}: {there} bytes'


def test_the_size_beside_others_is_that_of_the_table():
    disk = int(SIZES[0][2])
    assert f'| code for a disk, virtio-mmio | {disk / 1000:.1f} KB |' in PAGE


# ---- memory ----

MEMORY = re.findall(r'^\| (none|\d+) \| (\d+) \| (\d+) \|$', PAGE, re.M)


@pytest.fixture(scope='module')
def objects(folder):
    """All of the port but ram.c, whose end of the check tells what is held."""
    source = (folder / 'port.c').read_text()
    (folder / 'held.c').write_text(source.replace('port_check();', '{\n'
                                                  '        void port_check_ram(void);\n'
                                                  '        port_check();\n'
                                                  '        port_check_ram();\n    }'))
    line = re.sub(r'-nostdlib.*', '-c start.S held.c check.c vireo-drivers.c', COMPILE, flags=re.S)
    shell(folder, line)
    return 'start.o held.o check.o vireo-drivers.o'


@pytest.mark.parametrize('qsize, disk, card', MEMORY)
def test_memory(folder, objects, qsize, disk, card):
    text = '' if qsize == 'none' else qsize
    shell(folder, COMPILE.replace('start.S port.c check.c vireo-drivers.c', f'{objects} ram.c')
          .replace('port.elf', 'held.elf') + f" '-DQSIZE=\"{text}\"'")
    both = command('qemu-system-riscv64').replace('port.elf', 'held.elf')
    machine, disk_options, card_options = re.match(
        r'(.*?)\s+\\\n\s+(-drive.*?)\s+\\\n\s+(-netdev.*)', both, re.S).groups()
    for options, kib in ((disk_options, disk), (card_options, card)):
        said = shell(folder, f'{machine} -global virtio-mmio.force-legacy=false {options}')
        held = int(re.search(r'^ram: held=(\d+)$', said, re.M)[1])
        assert int(kib) == pytest.approx(held / 1024, rel=TOLERANCE, abs=1), said


# ---- functions ----

def test_the_functions_are_those_of_the_header():
    """Each prototype of the tables is in hal.h, and each set is what hal.h says."""
    hal = text_of('drivers/hal.h')
    tables = PAGE.partition('## 9. The functions')[2].partition('## 10.')[0]
    prototypes = re.findall(r'^\| `([^`]*\))` \|', tables, re.M)
    declared = squeezed(hal)
    assert not [p for p in prototypes if squeezed(p) not in declared]
    named = [re.search(r'\bhal_\w+(?=\()', p)[0] for p in prototypes]
    head = re.search(r'by the folders that are linked:\n(.*?)\n \* With HAL_DMA_MAPS', hal, re.S)[1]
    assert sorted(named) == sorted(re.findall(r'\bhal_\w+', head))
    count = len(re.findall(r'\bhal_\w+', head.partition('also pci/')[0]))
    assert f'refers to {count}:' in tables
