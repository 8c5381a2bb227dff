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
    """A program is missing or failed; the text says which, and what to do."""


def tool(command):
    """What a program of LLVM prints. Wrong: it is not installed, or it failed."""
    try:
        done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, errors='replace')
    except FileNotFoundError:
        raise Wrong(f'{command[0]} is not installed; it is in the Debian package llvm, which `make '
                    'setup` installs') from None
    if done.returncode:
        raise Wrong(f'{command[0]}: {done.stderr.strip()[-1000:]}')
    return done.stdout


def collect(commands, profile):
    """Runs each command and merges what they count into the file `profile`; the programs that
    failed."""
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        # %m: processes of one program share a file, so that those of its cases are merged.
        env = dict(os.environ, LLVM_PROFILE_FILE=os.path.join(folder, '%m.profraw'))
        for command in commands:
            if not os.path.exists(os.path.join(TREE, command[0])):
                raise Wrong(f'{command[0]} is not built; `make coverage` and `make fuzz` build it')
            done = subprocess.run(command, cwd=TREE, env=env, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
            if done.returncode:
                failed.append(command[0])
        raw = [os.path.join(folder, name) for name in os.listdir(folder)]
        if not raw:
            raise Wrong(f'{commands[0][0]} counted nothing')
        tool(['llvm-profdata', 'merge', '-sparse', *raw, '-o', profile])
    return failed


def _export(profile, programs, *options):
    objects = [word for program in programs[1:] for word in ('-object', program)]
    return tool(['llvm-cov', 'export', *options, f'-instr-profile={profile}', programs[0],
                  *objects])


def line_sets(profile, programs, wanted):
    """{file: (lines executed, all lines of functions)}, both as sets, of the files that
    wanted(file)."""
    found, now = {}, None
    for line in _export(profile, programs, '-format=lcov').splitlines():
        word, _, rest = line.partition(':')
        if word == 'SF':
            name = os.path.relpath(os.path.join(TREE, rest), TREE)
            now = found.setdefault(name, (set(), set())) if wanted(name) else None
        elif word == 'DA' and now:
            number, times = rest.split(',')[:2]
            now[1].add(int(number))
            if int(times):
                now[0].add(int(number))
    return found


def lines(profile, programs, patterns):
    """{file: (lines executed, lines)}, as numbers, of the files that a pattern names."""
    report = json.loads(_export(profile, programs, '-summary-only'))
    found = {}
    for entry in report['data'][0]['files']:
        name = os.path.relpath(os.path.join(TREE, entry['filename']), TREE)
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            found[name] = (entry['summary']['lines']['covered'], entry['summary']['lines']['count'])
    return found
