# SPDX-License-Identifier: BSD-2-Clause
"""docs/another-*.md: the pages show the code that is tested, say how long it is, and name files
that exist; the examples fit an application as they stand.
"""
import glob
import os
import re

import pytest

from conftest import TREE, run_make

# The page, and the files that its pieces of C are from.
GUIDES = {
    'another-transport': ['tests/host/newbus/mailbox.c', 'tests/host/newbus/buses.c'],
    'another-ring': ['tests/host/newring/counted.c', 'tests/host/newring/counted.h',
                     'tests/host/newring/rings.c'],
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
    assert len(blocks) >= 5
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
