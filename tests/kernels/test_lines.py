# SPDX-License-Identifier: BSD-2-Clause
"""kernels/common/lines.c, on this machine: lines_check.c has the cases."""
import subprocess

from conftest import TREE


def test_handlers_of_lines(tmp_path):
    program = tmp_path / 'lines'
    include = [f'-I{folder}' for folder in ('drivers', 'kernels/common', 'kernels/vhost-user')]
    subprocess.run(['gcc', '-std=gnu11', '-g', '-Wall', '-Wextra', '-Werror', *include,
                    '-fsanitize=address,undefined', 'kernels/common/lines.c',
                    'tests/kernels/lines_check.c', '-o', program], cwd=TREE, check=True)
    result = subprocess.run([program], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, 'lines: right\n'), result.stderr
