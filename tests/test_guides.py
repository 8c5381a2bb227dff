# SPDX-License-Identifier: BSD-2-Clause
"""docs/another-*.md, docs/porting.md: the pages show the code that is tested, say how long it is,
and name files that exist; the examples fit an application as they stand.
"""
import glob
import os
import re

import pytest

from conftest import TREE, run_make
from vireolib import http

# The page, and the files that its pieces of C are from.
GUIDES = {
    'another-transport': ['tests/host/newbus/mailbox.c', 'tests/host/newbus/buses.c'],
    'another-ring': ['tests/host/newring/counted.c', 'tests/host/newring/counted.h',
                     'tests/host/newring/rings.c'],
    'another-board': ['tests/boards/fixed/board.c', 'tests/boards/fixed/uart.c'],
    'porting': ['tests/porting/port.c', 'tests/porting/hal_arch.h', 'tests/porting/check.c',
                'tests/porting/pci.c', 'tests/porting/irq.c'],
}
FOLDERS = 'docs|drivers|linker|platform|scripts|tests'


def read(*path):
    with open(os.path.join(TREE, *path)) as f:
        return f.read()


def page(name):
    return read('docs', f'{name}.md')


@pytest.mark.parametrize('name', GUIDES)
def test_the_page_shows_the_tested_code(name):
    code = [read(path) for path in GUIDES[name]]
    blocks = re.findall(r'^```c\n(.*?)^```', page(name), re.M | re.S)
    assert len(blocks) >= 4
    for block in blocks:
        assert any(block in text for text in code), f'docs/{name}.md: in no file of it:\n{block}'


@pytest.mark.parametrize('name', GUIDES)
def test_the_page_says_how_long_the_example_is(name):
    first = GUIDES[name][0]
    lines = read(first).count('\n')
    assert re.search(rf'\]\(\.\./{re.escape(first)}\),\s+{lines}\s+lines', page(name)), lines


@pytest.mark.parametrize('name', GUIDES)
def test_the_page_names_files_that_exist(name):
    """A star, NAME and ARCH stand for any name. What a reader is to write is in a first column."""
    text = re.sub(r'^\| `[^|]*\|', '|', page(name), flags=re.M)
    for path in re.findall(rf'`((?:{FOLDERS})/[\w./*-]*)`', text):
        pattern = re.sub('NAME|ARCH', '*', path)
        assert glob.glob(os.path.join(TREE, pattern)), f'docs/{name}.md: there is no {path}'


# ---- in an application's folder ----

MAIN = 'int main(void)\n{\n    return 0;\n}\n'


def image_of(folder, sources, *options):
    """Builds an application of these files, with a driver; the map file of its image."""
    folder.mkdir()
    (folder / 'main.c').write_text(MAIN)
    for source in sources:
        (folder / os.path.basename(source)).write_text(read(source))
    names = ' '.join(os.path.basename(s) for s in sources if s.endswith('.c'))
    (folder / 'app.mk').write_text(f'SRCS := {names}\nDRIVERS := entropy\nCFLAGS := -Werror\n')
    result = run_make('-s', 'image', f'APP={folder}', *options)
    assert result.returncode == 0, result.stdout + result.stderr
    return read('build', 'aarch64', f'{folder.name}.map')


def test_a_bus_of_the_application_takes_its_place_in_the_list(tmp_path):
    """The image has the application's buses, and none that its list leaves out."""
    linked = image_of(tmp_path / 'mailbox', ['tests/host/newbus/mailbox.c',
                                             'tests/host/newbus/mailbox.h',
                                             'tests/host/newbus/buses.c'])
    assert 'mailbox_bus' in linked and 'virtio_mmio_bus' in linked
    assert 'transport/vpci.c' not in linked and 'transport/buses.c' not in linked


def test_a_ring_of_the_application_takes_its_place_in_the_lists(tmp_path):
    linked = image_of(tmp_path / 'counted', ['tests/host/newring/counted.c',
                                             'tests/host/newring/counted.h',
                                             'tests/host/newring/rings.c'])
    assert 'virtq_counted' in linked and 'ring/split.c' in linked
    assert 'ring/packed.c' not in linked and 'drivers/virtio/ring/rings.c' not in linked


# ---- the board ----

FIXED = 'tests/boards/fixed'
# Reads lines: says each back, ends at "end", faults at "fault".
ECHO = r'''
#include <stdio.h>
#include <string.h>
#include <vireo.h>
int main(void)
{
    static char line[80];
    static volatile int *volatile nowhere = (int *)8;

    vireo_ready();
    while (fgets(line, sizeof(line), stdin) && strcmp(line, "end\n")) {
        if (!strcmp(line, "fault\n"))
            *nowhere = 1;
        printf("said: %s", line);
    }
    return 7;
}
'''


@pytest.fixture(scope='module')
def on_fixed(tmp_path_factory):
    """on_fixed(app) -> path of its image for the example board; `echo` is the program above."""
    echo = tmp_path_factory.mktemp('app') / 'echo'
    echo.mkdir()
    (echo / 'main.c').write_text(ECHO)

    def build(app):
        where = echo if app == 'echo' else app
        result = run_make('-s', 'image', f'APP={where}', f'BOARD={FIXED}')
        assert result.returncode == 0, result.stdout + result.stderr
        return os.path.join(TREE, 'build', 'aarch64-fixed', f'{app}.img')

    return build


def test_the_board_boots(boot, on_fixed):
    guest = boot(on_fixed('hello'), net='none')
    assert guest.wait() == 0
    assert guest.seen(r'vireo: .* 64 MiB of memory') and guest.seen('^vireo: exit 0')


def test_the_board_has_nothing_of_the_other_but_what_it_takes(on_fixed):
    with open(on_fixed('hello').replace('.img', '.map')) as f:
        linked = set(re.findall(r'platform/virt/(\w+\.c)', f.read()))
    assert linked == {'timer.c', 'irq.c', 'gicv2.c', 'gicv3.c'}


def test_the_console_of_the_board(boot, on_fixed):
    """Input by interrupt, more than once; the exit status; a fault report."""
    guest = boot(on_fixed('echo'), net='none')
    guest.expect('^vireo: ready')
    for word in ('one', 'two', 'x' * 60):
        guest.send(word + '\n')
        guest.expect(f'^said: {word}')
    guest.send('end\n')
    assert guest.wait() == 7


def test_the_board_reports_a_fault(boot, on_fixed):
    guest = boot(on_fixed('echo'), net='none')
    guest.expect('^vireo: ready')
    guest.send('fault\n')
    assert guest.wait() == 134
    assert guest.seen(r'main\b'), guest.report()


@pytest.mark.parametrize('transport', ['mmio', 'mmio-legacy'])
def test_devices_of_the_board(boot, on_fixed, site_disk, transport):
    """A web server with a disk and a card: lines, timer, DMA."""
    guest = boot(on_fixed('httpd'), transport=transport, disks=[site_disk], forwards=[80])
    guest.expect('^vireo: ready')
    assert http.get(guest.port(80)).status == 200
    devices = http.status_json(guest.port(80))['devices']
    assert all(device['wakeup'] == 'irq' for device in devices), devices


def supplied_by_the_board(header):
    """What a header says that the board supplies: functions and variables."""
    part = re.search(r'/\* ---- supplied by the board.*?(?=/\* ---- )', read(header), re.S)[0]
    part = re.sub(r'/\*.*?\*/', '', part, flags=re.S)
    return set(re.findall(r'\b(board_\w+)(?=\(|;)', part))


def test_the_page_names_what_a_board_supplies():
    names = (supplied_by_the_board('platform/board.h') |
             supplied_by_the_board('platform/arch/arch.h'))
    assert len(names) >= 12, names
    assert not {name for name in names if f'`{name}`' not in page('another-board')}
