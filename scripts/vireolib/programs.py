# SPDX-License-Identifier: BSD-2-Clause
"""Programs of this tree for this host: compiled when they are needed."""
import os
import shutil
import subprocess

from vireolib.machine import Unusable

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def build(source, *more, flags=()):
    """Path of the program of that source, compiled when it is missing or older than the source and
    the files `more`: headers that it includes, and further sources."""
    target = os.path.join(TREE, 'build', 'host', os.path.basename(source)[:-len('.c')])
    source, *more = (os.path.join(TREE, path) for path in (source, *more))
    newest = max(map(os.path.getmtime, (source, *more)))
    if os.path.exists(target) and os.path.getmtime(target) >= newest:
        return target
    compiler = os.environ.get('HOSTCC', 'gcc')
    if not shutil.which(compiler):
        raise Unusable(f'{compiler} is not installed; `make setup` installs it, or set HOSTCC=PATH '
                       'of a C compiler for this machine')
    os.makedirs(os.path.dirname(target), exist_ok=True)
    part = f'{target}.{os.getpid()}'
    subprocess.run([compiler, '-std=gnu11', '-O2', '-Wall', '-Wextra', '-pthread', *flags,
                    '-o', part, source, *(path for path in more if path.endswith('.c'))],
                   check=True, cwd=TREE)
    os.replace(part, target)
    return target
