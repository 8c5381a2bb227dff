# SPDX-License-Identifier: BSD-2-Clause
"""Files and lines of a back trace: `scripts/vireo run` adds them where the ELF file lies beside the
image, `scripts/vireo symbolize` to any log.
"""
import os
import re
import shlex
import shutil
import socket
import subprocess

import pytest

from conftest import TREE
from vireolib import symbolize

VIREO = os.path.join(TREE, 'scripts', 'vireo')
SOURCE = os.path.join('tests', 'apps', 'ends', 'main.c')


def line_of(text):
    """The number of the line of the source that holds the text."""
    with open(os.path.join(TREE, SOURCE)) as f:
        return [n for n, line in enumerate(f, 1) if text in line][0]


# The function, and what stands in the line where it was.
FRAMES = [('write_to', '*(volatile uint32_t *)address = '), ('second_level', '    write_to('),
          ('first_level', '    second_level('), ('main', '        first_level(nowhere);')]


def assert_lines(text):
    for function, words in FRAMES:
        assert re.search(rf'{function}\+0x\w+  \S*{SOURCE}:{line_of(words)}\b', text), text


def fault(image, how='null-write'):
    return subprocess.run([VIREO, 'run', image, '--net', 'none', '--append', f'end={how}'],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=240)


def test_a_fault_is_followed_by_files_and_lines(built):
    result = fault(built('ends'))
    assert result.returncode == 134
    assert_lines(result.stderr)
    assert re.search(r'main\+\S+  \S+ \(do_end, inlined at \S+main\.c:\d+\)', result.stderr)


def test_smoke_tells_the_lines_of_a_fault(built):
    result = subprocess.run([VIREO, 'smoke', built('ends'), '--net', 'none', '--append',
                             'end=null-write', '--expect', '^never'], text=True, timeout=240,
                            capture_output=True, stdin=subprocess.DEVNULL)
    assert result.returncode == 1
    assert_lines(result.stderr)


def test_symbolize(built):
    log = fault(built('ends')).stdout
    assert SOURCE not in log
    result = subprocess.run([VIREO, 'symbolize', built('ends', 'elf')], input=log, text=True,
                            capture_output=True, timeout=240)
    assert result.returncode == 0, result.stderr
    assert_lines(result.stdout)
    assert re.sub(r'  \S+:\d+( \(.*\))?$', '', result.stdout, flags=re.M) == log


def test_an_image_alone_has_no_lines(built, tmp_path):
    image = shutil.copy(built('ends'), tmp_path / 'alone.img')
    result = fault(image)
    assert result.returncode == 134 and result.stderr == ''


def test_the_elf_file_of_another_image_is_refused(built, tmp_path):
    image = shutil.copy(built('ends'), tmp_path / 'x.img')
    shutil.copy(built('hello', 'elf'), tmp_path / 'x.elf')
    result = fault(image)
    assert result.returncode == 134 and 'is not the ELF file of the image' in result.stderr
    result = subprocess.run([VIREO, 'symbolize', tmp_path / 'x.elf'], input=result.stdout,
                            text=True, capture_output=True, timeout=240)
    assert result.returncode == 125 and 'is not the ELF file of the image' in result.stderr


def test_only_an_elf_file_has_lines(built):
    result = subprocess.run([VIREO, 'symbolize', built('ends')], input='', text=True,
                            capture_output=True, timeout=240)
    assert result.returncode == 125 and 'ends.elf' in result.stderr


@pytest.mark.parametrize('text, frames', [
    ('vireo: fault\n  back trace:\n    0x1 f+0x2\n    0x3\n    0x4 g+0x5\nvireo: exit 134\n', 3),
    ('back trace:\nback trace:\r\n    0x1 f+0x2\r\n', 1), ('0x1 f+0x2\n', 0), ('', 0)])
def test_where_a_back_trace_is(text, frames):
    assert len(symbolize.trace_of(text)) == frames


# ---- gdb ----

def debug(image, how):
    """What gdb says of an image that ends so, run by the command that the runner prints."""
    with socket.create_server(('127.0.0.1', 0)) as s:
        port = s.getsockname()[1]
    run = subprocess.Popen([VIREO, 'run', image, '--net', 'none', '--append', f'end={how}', '--gdb',
                            str(port)], text=True, cwd=TREE, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        command = run.stdout.readline().partition('debugger: ')[2]
        said = subprocess.run([*shlex.split(command), '-nx', '-batch', '-ex', 'continue', '-ex',
                               'continue'], capture_output=True, text=True, cwd=TREE,
                              stdin=subprocess.DEVNULL, timeout=240)
        assert said.returncode == 0, said.stderr
        assert run.wait(80) == 134           # the second `continue` lets the image end
        assert 'vireo: exit 134' in run.stdout.read()
    finally:
        run.kill()
        run.wait()
        run.stdout.close()
    return said.stdout


@pytest.mark.parametrize('arch', ['aarch64', pytest.param('arm', marks=pytest.mark.full)])
def test_gdb_shows_the_callers_of_a_fault(built, arch):
    said = debug(built('ends', arch=arch), 'null-write')
    assert re.search(rf'#0 .*write_to .*{SOURCE}:{line_of(FRAMES[0][1])}\b', said), said
    for function, words in FRAMES[1:3]:
        assert re.search(rf'^#\d .* {function} .*:{line_of(words)}$', said, re.M), said
    assert re.search(r'^#\d .*main \(\)', said, re.M), said


def test_gdb_shows_the_callers_of_a_panic(built):
    said = debug(built('ends'), 'panic')
    assert re.search(r'^#\d .*hal_panic .*\n#\d .* do_end .*\n#\d .*main \(\)', said, re.M), said
