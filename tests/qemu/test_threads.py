# SPDX-License-Identifier: BSD-2-Clause
"""Threads, semaphores, eventfd and timerfd, compared with Linux: tests/apps/threads prints some 310
facts. Its answers on Linux are in tests/thread_facts.txt; to record them again:

    python3 tests/qemu/test_threads.py >tests/thread_facts.txt
"""
import pathlib
import subprocess
import sys
import tempfile

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
RECORDED = TESTS / 'thread_facts.txt'


def facts_of(lines):
    return [line.rstrip('\r\n') for line in lines if line.startswith('fact ')]


def recorded():
    return facts_of(RECORDED.read_text().splitlines())


def linux_says():
    """The program's output on this machine."""
    sources = sorted(str(path) for path in (TESTS / 'apps/threads').glob('*.c'))
    with tempfile.TemporaryDirectory() as directory:
        program = f'{directory}/threads'
        subprocess.run(['gcc', '-O1', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE', *sources,
                        '-o', program, '-lpthread'], check=True)
        return subprocess.run([program], check=True, text=True, capture_output=True,
                              timeout=60).stdout


def test_the_recording_is_what_linux_says():
    output = linux_says()
    assert output.endswith('threads: done\n')
    assert facts_of(output.splitlines()) == recorded()


@pytest.mark.parametrize('arch, cpu', [('aarch64', 'cortex-a72'), ('arm', 'cortex-a15')])
def test_an_image_answers_as_linux(boot, arch, cpu):
    guest = boot('threads', net='none', arch=arch, cpu=cpu)
    guest.expect('^threads: done', 60)
    assert guest.wait() == 0
    assert facts_of(guest.seen('^fact ')) == recorded()


if __name__ == '__main__':
    print('# What tests/apps/threads prints on Linux with the GNU C library.')
    print('\n'.join(facts_of(linux_says().splitlines())))
