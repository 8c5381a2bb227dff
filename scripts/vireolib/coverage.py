# SPDX-License-Identifier: BSD-2-Clause
"""Which lines of a source file were executed, by clang's own counters (llvm-profdata, llvm-cov)."""
import fnmatch
import json
import os
import subprocess
import tempfile

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join('build', 'coverage')


class Wrong(Exception):
    """A tool failed; the text says which."""


def _tool(command):
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, errors='replace')
    if done.returncode:
        raise Wrong(f'{command[0]}: {done.stderr.strip()[-1000:]}')
    return done.stdout


def collect(commands, profile):
    """Runs each command and merges what they count into `profile`. Those that fail are returned."""
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        # %m: processes of one program share a file, so that those of its cases are merged.
        env = dict(os.environ, LLVM_PROFILE_FILE=os.path.join(folder, '%m.profraw'))
        for command in commands:
            done = subprocess.run(command, cwd=TREE, env=env, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
            if done.returncode:
                failed.append(command[0])
        raw = [os.path.join(folder, name) for name in os.listdir(folder)]
        if not raw:
            raise Wrong(f'{commands[0][0]} counted nothing')
        _tool(['llvm-profdata', 'merge', '-sparse', *raw, '-o', profile])
    return failed


def lines(profile, programs, patterns):
    """{file: (lines executed, lines)} of the files that a pattern names."""
    objects = [word for program in programs[1:] for word in ('-object', program)]
    report = json.loads(_tool(['llvm-cov', 'export', '-summary-only', f'-instr-profile={profile}',
                               programs[0], *objects]))
    found = {}
    for entry in report['data'][0]['files']:
        name = os.path.relpath(os.path.join(TREE, entry['filename']), TREE)
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            found[name] = (entry['summary']['lines']['covered'], entry['summary']['lines']['count'])
    return found
