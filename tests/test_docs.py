# SPDX-License-Identifier: BSD-2-Clause
"""The pages: what they quote stands in the tree, their links lead somewhere, their C compiles,
their pictures are of their sources, and there is one version.
"""
import glob
import os
import re
import runpy
import subprocess

import pytest

from conftest import TREE, run_make
from vireolib import listing, report

PAGES = sorted(path for pattern in ('*.md', 'docs/*.md', 'tests/*.md', 'examples/*/*.md')
               for path in glob.glob(os.path.join(TREE, pattern)))


def read(*path):
    with open(os.path.join(TREE, *path)) as f:
        return f.read()


def name_of(path):
    return os.path.relpath(path, TREE)


# ---- messages ----

QUOTED = re.compile(r'^\| `([^`]+)` \| (.+) \|$', re.M)
SPOKEN = ('drivers', 'files', 'net', 'platform', 'scripts', 'sqlite', 'tests', 'Makefile')


def spoken():
    """The sources, with neighbouring string literals joined as the compiler joins them."""
    names = [name for name in listing.files() if name.startswith(SPOKEN)]
    text = '\n'.join(read(name) for name in names
                     if name.endswith(('.c', '.h', '.py', '.mk', '.ld')) or
                     name.startswith('scripts/') or name == 'Makefile'
                     if name != 'tests/test_docs.py')
    text = re.sub(r'''(["'])\s*\n?\s*f?\1''', '', text)
    return re.sub(r'\\\n\s*', '', text)


def pieces(message):
    """The constant parts of a quoted message."""
    return [piece for piece in re.split(r'<[^<>]*>', message) if piece.strip(' :;,.')]


def messages():
    return [message for message, _ in QUOTED.findall(read('docs', 'troubleshooting.md'))]


@pytest.fixture(scope='module')
def sources():
    return spoken()


def test_there_are_messages_of_each_kind():
    page = read('docs', 'troubleshooting.md')
    for part in re.split(r'^## ', page, flags=re.M)[1:]:
        assert len(QUOTED.findall(part)) >= 4, part.split('\n')[0]


@pytest.mark.parametrize('message', messages())
def test_a_quoted_message_stands_in_the_sources(sources, message):
    for piece in pieces(message):
        plain = piece.replace('"', r'\"')
        assert piece in sources or plain in sources, f'nothing in the tree says: {piece}'


# ---- links ----

@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    text = re.sub(r'^```.*?^```', '', read(page), flags=re.M | re.S)
    for target in re.findall(r'\]\(([^)\s]+)\)', text):
        file, _, heading = target.partition('#')
        if '://' in target:
            continue
        path = os.path.normpath(os.path.join(os.path.dirname(page), file)) if file else page
        assert os.path.exists(path), f'{name_of(page)}: there is no {target}'
        if heading and path.endswith('.md'):
            assert heading in anchors(read(path)), f'{name_of(page)}: no heading for {target}'


def anchors(text):
    """Of the headings of a page, as sites that show Markdown make them."""
    heads = re.findall(r'^#+ (.+)$', re.sub(r'^```.*?^```', '', text, flags=re.M | re.S), re.M)
    return {re.sub(r'[^\w\- ]', '', head.lower()).replace(' ', '-') for head in heads}


def test_the_readme_names_every_page():
    text = read('README.md')
    for page in PAGES:
        if name_of(page) != 'README.md':
            assert f']({name_of(page)})' in text, name_of(page)


FOLDERS = 'docs|drivers|examples|files|linker|net|platform|scripts|tests'


@pytest.mark.parametrize('page', ['docs/where.md', 'docs/glossary.md', 'docs/memory.md',
                                  'docs/network.md', 'CONTRIBUTING.md'])
def test_paths_exist(page):
    """In pages that lead a reader to files. A star, NAME and ARCH stand for any name."""
    for path in re.findall(rf'`((?:{FOLDERS})/[\w./*{{}},-]*)`', read(page)):
        pattern = re.sub('NAME|ARCH', '*', path)
        assert glob.glob(os.path.join(TREE, pattern)), f'{page}: there is no {path}'


# ---- C ----

C_BLOCK = re.compile(r'^```c\n(.*?)^```', re.M | re.S)


def clients():
    """The examples of the reference: each is a file of its own, and the first has main()."""
    return C_BLOCK.findall(read('docs', 'reference.md'))


def calls_of(blocks):
    """C that refers to each function of the blocks, so that the linker looks at all of them."""
    functions = re.findall(r'^(?!static)[a-z][\w *]*?(\w+)\([^;]*?\)\n\{', '\n'.join(blocks), re.M)
    assert len(functions) >= 10
    calls = ''.join(f'        {name}();\n' for name in functions if name != 'main')
    return (''.join(f'extern void {name}(void);\n' for name in functions if name != 'main') +
            '__attribute__((constructor)) static void all(void)\n{\n'
            f'    static volatile int never;\n    if (never) {{\n{calls}    }}\n}}\n')


def test_the_reference_compiles_and_links(tmp_path):
    """All examples in one image: what they call exists, with the types that the page shows."""
    blocks = [block for block in clients() if '#include' in block]
    assert len(blocks) >= 8
    app = tmp_path / 'reference'
    app.mkdir()
    names = []
    for n, block in enumerate(blocks):
        names.append('main.c' if 'int main(' in block else f'client{n}.c')
        (app / names[-1]).write_text(block)
    assert names.count('main.c') == 1
    (app / 'all.c').write_text(calls_of(blocks))
    names.append('all.c')
    (app / 'app.mk').write_text(f'SRCS := {" ".join(sorted(names))}\nDRIVERS := balloon\n'
                                'CFLAGS := -Werror\n')
    result = run_make('-s', 'image', f'APP={app}')
    assert result.returncode == 0, result.stdout + result.stderr


def squeezed(text):
    """C without comments and layout, so that a prototype can be looked for."""
    return re.sub(r'\s+', '', re.sub(r'/\*.*?\*/|//[^\n]*', '', text, flags=re.S))


def test_the_prototypes_are_those_of_the_headers():
    """A block of the reference without an #include quotes headers: declaration for declaration."""
    headers = '\n'.join(squeezed(read(name)) for name in listing.files() if name.endswith('.h'))
    blocks = [block for block in clients() if '#include' not in block]
    assert len(blocks) >= 8
    for block in blocks:
        for declaration in re.split(r'(?<=;)\n(?=\S)', re.sub(r'/\*.*?\*/', '', block, flags=re.S)):
            assert squeezed(declaration) in headers, f'no header declares:\n{declaration}'


# ---- pictures ----

PICTURES = sorted(glob.glob(os.path.join(TREE, 'docs', 'pictures', '*')))


def test_there_are_pictures():
    assert len([p for p in PICTURES if p.endswith('.svg')]) >= 5


@pytest.mark.parametrize('path', PICTURES, ids=name_of)
def test_a_picture_is_of_its_source(path):
    """`make pictures` leaves the source's digest in each SVG; a page shows each."""
    mark = runpy.run_path(os.path.join(TREE, 'scripts', 'pictures'))['mark']
    stem, kind = os.path.splitext(path)
    assert kind in ('.dot', '.svg')
    assert mark(read(stem + '.dot').encode()) in read(stem + '.svg'), 'run `make pictures`'
    shown = f'pictures/{os.path.basename(stem)}.svg)'
    assert any(shown in read(page) for page in PAGES), f'no page shows {shown[:-1]}'


def test_the_picture_of_recovery_has_the_transitions_of_the_code():
    """Those of next_states[] in drivers/virtio/state.c, and no other."""
    code = read('drivers', 'virtio', 'state.c')
    table = re.search(r'next_states\[\] = \{(.*?\n)\};', code, re.S)[1]
    allowed = {(start.lower(), end.lower())
               for start, ends in re.findall(r"\[VIRTIO_(\w+)\] = ([^\[/]*?),\n", table)
               for end in re.findall(r'1 << VIRTIO_(\w+)', ends)}
    drawn = set(re.findall(r'^ +(\w+) -> (\w+)', read('docs', 'pictures', 'recovery.dot'), re.M))
    assert len(allowed) > 8 and drawn - {('found', 'starting')} == allowed


# ---- the version ----

def test_there_is_one_version():
    version = read('VERSION').strip()
    assert re.fullmatch(r'0\.\d+(\.\d+)?', version)
    newest = re.search(r'^## (\S+)', read('CHANGELOG.md'), re.M)[1]
    assert newest == version
    said = subprocess.run([os.path.join(TREE, 'scripts', 'vireo'), '--version'], text=True,
                          capture_output=True, check=True).stdout
    assert said == f'vireo {version}\n'


def test_the_image_says_it(boot):
    guest = boot('hello', net='none')
    assert guest.wait() == 0
    assert guest.seen(rf'vireo: version {re.escape(read("VERSION").strip())}, '), guest.report()


# ---- figures ----

@pytest.mark.parametrize('bench', ['boot', 'net', 'ring', 'paths'])
def test_each_bench_finds_its_table(bench, tmp_path):
    """`make bench BENCH=--readme` replaces the rows between two marks, and nothing else."""
    page = tmp_path / 'page.md'
    page.write_text(read(report.page_of(bench)))
    report.write_page(str(page), bench, [report.Row('a.b', 's', 2, limit=3, config='x')])
    now, before = page.read_text(), read(report.page_of(bench))
    assert '| `a.b` (s) | 2 | 3 | - | - | x |' in now and f'`{bench}.' not in now
    assert now.split('<!-- ')[0] == before.split('<!-- ')[0]
    assert now.split(':end -->')[-1] == before.split(':end -->')[-1]
