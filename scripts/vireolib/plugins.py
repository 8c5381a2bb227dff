# SPDX-License-Identifier: BSD-2-Clause
"""The TCG plugins of scripts/: built when they are needed, and loaded into each QEMU that boots an
image while VIREO_VISITED names a folder.

That folder then has, for each image that was booted, its ELF file (DIGEST.elf, by the digest of the
image) and for each boot that ended in order DIGEST.NUMBER.visited, with the addresses of the
instructions that were executed (scripts/coverage_plugin.c).
"""
import hashlib
import os
import shutil
import subprocess
import tempfile

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VARIABLE = 'VIREO_VISITED'


def build(name):
    """Path of the plugin scripts/NAME.c, compiled when it is missing or older than its sources."""
    source, header = (os.path.join(TREE, 'scripts', file) for file in (name + '.c', 'tcg_plugin.h'))
    target = os.path.join(TREE, 'build', 'host', name + '.so')
    if os.path.exists(target) and \
            os.path.getmtime(target) >= max(os.path.getmtime(source), os.path.getmtime(header)):
        return target
    os.makedirs(os.path.dirname(target), exist_ok=True)
    part = f'{target}.{os.getpid()}'
    compiler = os.environ.get('HOSTCC', 'gcc')
    if not shutil.which(compiler):
        raise FileNotFoundError(f'{compiler} is not installed; `make setup` installs it, or set '
                                'HOSTCC=PATH of a C compiler for this machine')
    strict = ['-Werror'] if os.environ.get('WERROR') else []
    subprocess.run([compiler, '-O2', '-Wall', '-Wextra', *strict, '-shared', '-fPIC', '-o', part,
                    source], check=True)
    os.replace(part, target)
    return target


def visited_args(image):
    """QEMU's options that have the executed instructions of this image written down; none unless
    they are asked for, and the image has an ELF file beside it that tells its lines."""
    folder = os.environ.get(VARIABLE)
    elf = os.path.splitext(image)[0] + '.elf'
    if not folder or not os.path.isfile(elf):
        return []
    with open(image, 'rb') as f:
        digest = hashlib.sha256(f.read()).hexdigest()[:12]
    os.makedirs(folder, exist_ok=True)
    kept = os.path.join(folder, digest + '.elf')
    if not os.path.exists(kept):
        shutil.copyfile(elf, kept + '.new')
        os.replace(kept + '.new', kept)
    out = tempfile.mkstemp('.visited', digest + '.', folder)
    os.close(out[0])
    return ['-plugin', f'{build("coverage_plugin")},out={out[1].replace(",", ",,")}']
