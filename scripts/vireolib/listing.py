# SPDX-License-Identifier: BSD-2-Clause
"""The files of the project, in a checkout or in an unpacked archive."""
import hashlib
import os
import shutil
import subprocess

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOT_OURS = {'.git', '.pytest_cache', '__pycache__'}


def _by_git():
    if not shutil.which('git'):
        return None
    said = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=TREE,
                          text=True, capture_output=True)
    return None if said.returncode else said.stdout.split('\0')


def _by_folder():
    found = []
    for at, folders, names in os.walk(TREE):
        folders[:] = [f for f in folders if f not in NOT_OURS and (at, f) != (TREE, 'build')]
        found += [os.path.relpath(os.path.join(at, name), TREE) for name in names]
    return found


def files():
    """Sorted names: what git knows or would add; without git, all that is not below build/."""
    names = _by_git()
    return sorted(name for name in (_by_folder() if names is None else names)
                  if name and os.path.isfile(os.path.join(TREE, name)))


def digest(names, salt=''):
    """Of names and contents."""
    total = hashlib.sha256(salt.encode())
    for name in names:
        with open(os.path.join(TREE, name), 'rb') as f:
            total.update(name.encode() + b'\0' + hashlib.sha256(f.read()).digest())
    return total.hexdigest()[:16]
